// SPDX-License-Identifier: Apache-2.0
/*
 * Naming a change. What counts is keys: an authority or an intermediate that was renewed keeps its key, and
 * everybody who trusts the old certificate trusts what the new one signs.
 */
#include "certs/change.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

static const char *const change_names[] = {
        [CHANGE_NONE] = "none",
        [CHANGE_SAME_KEY] = "same-key",
        [CHANGE_NEW_KEY] = "new-key",
        [CHANGE_AUTHORITIES] = "authorities",
        [CHANGE_NEW_INTERMEDIATE] = "new-intermediate",
        [CHANGE_NAMES] = "names",
        [CHANGE_BACK] = "back",
        [CHANGE_NEW_AUTHORITY] = "new-authority",
        [CHANGE_FIRST] = "first",
};

const char *change_name(enum change_class change)
{
        return change_names[change];
}

static bool has_key(const struct chain *chain, size_t from, const struct fingerprint *spki)
{
        for (size_t i = from; i < chain->n; i++)
                if (hex_fingerprint_equal(&chain->certs[i]->spki, spki))
                        return true;
        return false;
}

/* Did the key of `issuer` sign `cert`, whatever the names say? */
static bool key_signed(const struct cert *cert, const struct cert *issuer)
{
        EVP_PKEY *key = X509_get0_pubkey(issuer->x509);
        const bool is = key != NULL && X509_verify(cert->x509, key) == 1;

        ERR_clear_error();
        return is;
}

/* One of the authorities' keys stands in the chain, or has signed one of its certificates. */
bool change_builds_to(const struct chain *chain, const struct chain *authorities)
{
        for (size_t i = 0; i < chain->n; i++)
                if (has_key(authorities, 0, &chain->certs[i]->spki))
                        return true;
        for (size_t i = chain->n; i-- > 0;)
                for (size_t j = 0; j < authorities->n; j++)
                        if (key_signed(chain->certs[i], authorities->certs[j]))
                                return true;
        return false;
}

/* Without authorities on either side: the key identifier that the top of each chain asks for, else the name.
 */
static bool same_issuer(const struct cert *a, const struct cert *b)
{
        const ASN1_OCTET_STRING *left = X509_get0_authority_key_id(a->x509);
        const ASN1_OCTET_STRING *right = X509_get0_authority_key_id(b->x509);

        if (left != NULL && right != NULL)
                return ASN1_OCTET_STRING_cmp(left, right) == 0;
        return strcmp(a->issuer, b->issuer) == 0;
}

static bool share_authority(const struct chain *a, const struct chain *b, const struct chain *authorities)
{
        for (size_t i = 0; i < authorities->n; i++) {
                const struct chain one = { &authorities->certs[i], 1 };

                if (change_builds_to(a, &one) && change_builds_to(b, &one))
                        return true;
        }
        return false;
}

/* The same intermediate was published before, and judged then: its signature need not be checked again. */
static bool share_intermediate(const struct chain *a, const struct chain *b)
{
        for (size_t i = 1; i < a->n; i++)
                if (chain_has(b, &a->certs[i]->fp))
                        return true;
        return false;
}

static bool is_new_authority(const struct bundle *old, const struct bundle *fresh)
{
        const struct chain *was = &old->chain;
        const struct chain *is = &fresh->chain;

        if (hex_fingerprint_equal(&bundle_leaf(old)->fp, &bundle_leaf(fresh)->fp) ||
            share_intermediate(was, is))
                return false;
        if (old->authorities.n > 0)
                return !change_builds_to(is, &old->authorities);
        if (fresh->authorities.n > 0)
                return !share_authority(was, is, &fresh->authorities);
        return !same_issuer(was->certs[was->n - 1], is->certs[is->n - 1]);
}

static bool has_name(const struct cert *cert, const char *name)
{
        for (size_t i = 0; i < cert->n_names; i++)
                if (strcmp(cert->names[i], name) == 0)
                        return true;
        return false;
}

static bool same_names(const struct cert *a, const struct cert *b)
{
        for (size_t i = 0; i < a->n_names; i++)
                if (!has_name(b, a->names[i]))
                        return false;
        for (size_t i = 0; i < b->n_names; i++)
                if (!has_name(a, b->names[i]))
                        return false;
        return true;
}

static bool has_new_intermediate(const struct chain *old, const struct chain *fresh)
{
        for (size_t i = 1; i < fresh->n; i++)
                if (!has_key(old, 1, &fresh->certs[i]->spki))
                        return true;
        return false;
}

enum change_class change_classify(const struct bundle *old, const struct bundle *fresh)
{
        const struct cert *was;
        const struct cert *is = bundle_leaf(fresh);

        if (old == NULL)
                return CHANGE_FIRST;
        was = bundle_leaf(old);
        if (is_new_authority(old, fresh))
                return CHANGE_NEW_AUTHORITY;
        if (is->not_before.s < was->not_before.s)
                return CHANGE_BACK;
        if (!same_names(was, is))
                return CHANGE_NAMES;
        if (has_new_intermediate(&old->chain, &fresh->chain))
                return CHANGE_NEW_INTERMEDIATE;
        if (!chain_same_set(&old->authorities, &fresh->authorities))
                return CHANGE_AUTHORITIES;
        if (!hex_fingerprint_equal(&was->spki, &is->spki))
                return CHANGE_NEW_KEY;
        if (!chain_same_set(&old->chain, &fresh->chain))
                return CHANGE_SAME_KEY;
        return CHANGE_NONE;
}
