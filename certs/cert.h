// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One certificate with the facts that decisions need, read once. Reference counted, immutable.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"

#include <openssl/x509.h>
#include <stdbool.h>

enum cert_key_type { CERT_KEY_RSA, CERT_KEY_EC, CERT_KEY_ED25519, CERT_KEY_ED448, CERT_KEY_OTHER };

struct cert {
        int refs;
        X509 *x509;
        struct fingerprint fp;   /* SHA-256 of the DER: its identity everywhere */
        struct fingerprint spki; /* SHA-256 of the subject public key info: identity of its key */
        struct wall not_before;
        struct wall not_after;
        char *subject; /* RFC 2253, "" when empty */
        char *issuer;
        char *serial; /* lower-case hex, no leading zeros beyond a byte */
        char **names; /* subject alternative names: "DNS:a.example", "IP:10.0.0.1", "URI:…", "EMAIL:…" */
        size_t n_names;
        enum cert_key_type key_type;
        int key_bits;
        bool is_ca;       /* basicConstraints CA:TRUE, or X.509 v1 self-issued */
        bool self_issued; /* subject equals issuer */
        bool server_auth; /* extended key usage absent, or has serverAuth or anyExtendedKeyUsage */
        bool client_auth;
        bool key_usage_ok;  /* key usage absent, or allows what a TLS server does with this key type */
        int signature_bits; /* security level of the signature in bits (X509_get_signature_info) */
        bool has_key_id;    /* subjectKeyIdentifier */
        bool has_authority_key_id;
};

/* DER in, exactly one certificate. ERR_PARSE; ERR_LIMIT more than CERT_MAX_NAMES names. */
int cert_parse(const uint8_t *der, size_t len, struct cert **out, struct err *err) MUST_CHECK;
/* Takes its own reference of x509. */
int cert_from_x509(X509 *x509, struct cert **out, struct err *err) MUST_CHECK;
struct cert *cert_ref(struct cert *cert);
void cert_free(struct cert *cert);
AUTO_DEFINE(struct cert, cert_free)

/*
 * Does the certificate cover this name, as a client checks it (RFC 6125; wildcards in the leftmost label;
 * IP addresses by value)? The common name counts only when there is no DNS name at all.
 */
bool cert_covers(const struct cert *cert, const char *name);
/* Did `issuer` sign `cert`? Names, key identifiers and the signature itself. */
bool cert_is_signed_by(const struct cert *cert, const struct cert *issuer);
