// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A bundle: key, leaf, intermediates and authorities of one Secret.
 */
#include "certs/chain.h"
#include "certs/key.h"
#include "certs/snapshot.h"

struct bundle {
        struct key *key;            /* NULL for a public bundle (what a server serves, what was published) */
        struct chain chain;         /* leaf first, then intermediates in order; n >= 1 */
        struct chain authorities;   /* may be empty */
        struct chain extra;         /* certificates in tls.crt that are no part of the chain */
        struct fingerprint content; /* of the snapshot it came from */
        bool has_authorities_file;  /* there was a ca.crt, even an empty one */
        bool was_reordered;         /* tls.crt was not leaf first */
};

/* Names of the files in the source; NULL means the default in the comment. */
struct bundle_names {
        const char *certificate; /* tls.crt; fullchain.pem, cert.pem are tried too when unset */
        const char *key;         /* tls.key; privkey.pem, key.pem */
        const char *authorities; /* ca.crt; ca.pem, chain.pem */
        const char *combined; /* one file with key and chain (tls-combined.pem, credential bundle): tried when
                                 there is no key file */
};

/*
 * password is NULL or the key's password. previous (may be NULL) lends its parsed authorities and
 * intermediates when the bytes are the same: parsing costs more than everything else.
 *
 * ERR_MISSING  no certificate or no key (yet): names what is missing and where it was looked for; also for an
 * empty file ERR_PARSE    unreadable PEM, certificate or key, with file and line ERR_LIMIT    too many
 * certificates A key that does not fit the certificate is no error here: that is a finding (certs/policy.h).
 * Pure. Fuzzed by tests/fuzz/fuzz_bundle.c.
 */
int bundle_load(const struct snapshot *snapshot, const struct bundle_names *names,
                const struct secret *password, const struct bundle *previous, struct bundle **out,
                struct err *err) MUST_CHECK;
/* A bundle without key from two PEM texts (a generation's description); authorities_pem may be "". */
int bundle_from_pem(const char *chain_pem, const char *authorities_pem, struct bundle **out,
                    struct err *err) MUST_CHECK;
void bundle_free(struct bundle *bundle);
AUTO_DEFINE(struct bundle, bundle_free)

static inline UNUSED struct cert *bundle_leaf(const struct bundle *bundle)
{
        return bundle->chain.certs[0];
}
