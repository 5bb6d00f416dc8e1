// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Lists of certificates: a chain (leaf first) or a set of authorities.
 */
#include "base/buf.h"
#include "certs/cert.h"
#include "certs/pem.h"

struct chain {
        struct cert **certs;
        size_t n;
};

#define CHAIN_INIT                                                                                           \
        {                                                                                                    \
                NULL, 0                                                                                      \
        }

void chain_done(struct chain *chain);
static inline UNUSED void chain_done_p(struct chain *chain)
{
        chain_done(chain);
}
/* Takes a reference of its own. */
void chain_add(struct chain *chain, struct cert *cert);
/* References to the same certificates. */
void chain_copy(struct chain *to, const struct chain *from);
bool chain_has(const struct chain *chain, const struct fingerprint *fp);
/* All certificates of the list, in order. A list whose certificates `reuse` already holds shares those. */
int chain_from_pem(const struct pem *pem, size_t max, const struct chain *reuse, struct chain *out,
                   struct err *err) MUST_CHECK;
/* PEM text, LF line ends, no text around. */
void chain_to_pem(const struct chain *chain, struct buf *out);

/*
 * Leaf first, then each issuer after what it signed. `spki` picks the leaf when not none: the certificate
 * that holds this key; else the one that signed no other. Certificates that are no part of the path are
 * moved to `extra` (may be NULL: dropped). Self-signed roots at the end of the path are extra too: servers
 * need not send them.
 */
void chain_sort(struct chain *chain, const struct fingerprint *spki, struct chain *extra);

/*
 * Would a client that holds only `authorities` accept this chain for a server (or, with for_client, a server
 * accept it for a client) at this time? Partial chains are accepted, as MariaDB and Java do: an intermediate
 * in the list is a trust anchor. check_time false leaves the dates out.
 *
 * ERR_UNTRUSTED with OpenSSL's reason, the depth and the certificate it is about.
 */
int chain_verify(const struct chain *chain, const struct chain *authorities, bool for_client, bool check_time,
                 struct wall now, struct err *err) MUST_CHECK;
/* old ∪ new, new ones first, duplicates (same DER) and certificates expired at `now` dropped from old. */
void chain_merge(const struct chain *fresh, const struct chain *old, struct wall now, struct chain *out);
/* Same certificates in any order. */
bool chain_same_set(const struct chain *a, const struct chain *b);
