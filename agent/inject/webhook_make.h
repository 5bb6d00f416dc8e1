// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Certificates of our own making: an authority that signs nothing but the webhook's leaves, EC P-256. Pure
 * but for the random numbers.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#define WEBHOOK_AUTHORITY_S (INT64_C(365) * 86400)

struct webhook_pair {
        X509 *cert;
        EVP_PKEY *key;
};

void webhook_pair_done(struct webhook_pair *pair);
static inline UNUSED void webhook_pair_done_p(struct webhook_pair *pair)
{
        webhook_pair_done(pair);
}
/* Valid for WEBHOOK_AUTHORITY_S. ERR_INTERNAL. */
int webhook_make_authority(struct wall now, struct webhook_pair *out, struct err *err) MUST_CHECK;

struct webhook_leaf_spec {
        const char *const *names; /* host names and IP addresses, at least one */
        size_t n_names;
        int64_t lifetime_s;
};
/* ERR_INTERNAL: also of a name that is none. */
int webhook_make_leaf(const struct webhook_pair *authority, const struct webhook_leaf_spec *spec,
                      struct wall now, struct webhook_pair *out, struct err *err) MUST_CHECK;
/* PEM, appended. */
int webhook_make_cert_pem(X509 *cert, struct buf *out, struct err *err) MUST_CHECK;
int webhook_make_key_pem(EVP_PKEY *key, struct buf *out, struct err *err) MUST_CHECK;
