// SPDX-License-Identifier: Apache-2.0
/*
 * Chains and sets of authorities.
 *
 * Verification is OpenSSL's own, with the authorities added in their order, so that the answer is the one a
 * real client of the database gives. Sorting asks for signatures only where names and key identifiers leave
 * a choice: a signature costs as much as the rest of the work.
 */
#include "certs/chain.h"

#include "base/limits.h"
#include "base/mem.h"
#include "certs/ossl.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <string.h>

#define LINE_BYTES 48 /* of DER in one PEM line of 64 characters */

static inline UNUSED void stack_free(STACK_OF(X509) * stack)
{
        sk_X509_free(stack);
}
AUTO_DEFINE(STACK_OF(X509), stack_free)

void chain_done(struct chain *chain)
{
        for (size_t i = 0; i < chain->n; i++)
                cert_free(chain->certs[i]);
        mem_free(chain->certs);
        *chain = (struct chain)CHAIN_INIT;
}

void chain_add(struct chain *chain, struct cert *cert)
{
        chain->certs = mem_grow(chain->certs, chain->n + 1, sizeof(struct cert *));
        chain->certs[chain->n++] = cert_ref(cert);
}

void chain_copy(struct chain *to, const struct chain *from)
{
        for (size_t i = 0; i < from->n; i++)
                chain_add(to, from->certs[i]);
}

static struct cert *find(const struct chain *chain, const struct fingerprint *fp)
{
        for (size_t i = 0; i < chain->n; i++)
                if (hex_fingerprint_equal(&chain->certs[i]->fp, fp))
                        return chain->certs[i];
        return NULL;
}

bool chain_has(const struct chain *chain, const struct fingerprint *fp)
{
        return find(chain, fp) != NULL;
}

static void hand_out(struct chain *from, struct chain *to)
{
        *to = *from;
        *from = (struct chain)CHAIN_INIT;
}

static int add_parsed(const struct pem_block *block, const struct chain *reuse, struct chain *to,
                      struct err *err)
{
        AUTO(cert_free_p) struct cert *cert = NULL;
        struct fingerprint fp;
        struct cert *known;

        (void)SHA256(block->der.data, block->der.len, fp.sha256);
        known = reuse == NULL ? NULL : find(reuse, &fp);
        if (known != NULL) {
                chain_add(to, known);
                return 0;
        }
        if (cert_parse(block->der.data, block->der.len, &cert, err) != 0)
                return err_wrap(err, "line %d", block->line);
        chain_add(to, cert);
        return 0;
}

int chain_from_pem(const struct pem *pem, size_t max, const struct chain *reuse, struct chain *out,
                   struct err *err)
{
        AUTO(chain_done_p) struct chain chain = CHAIN_INIT;

        for (size_t i = 0; i < pem->n; i++) {
                if (pem->blocks[i].label != PEM_CERTIFICATE)
                        continue;
                if (chain.n == max)
                        return err_set(err, ERR_LIMIT, "more than %zu certificates", max);
                if (add_parsed(&pem->blocks[i], reuse, &chain, err) != 0)
                        return -1;
        }
        hand_out(&chain, out);
        return 0;
}

static void add_pem(const struct cert *cert, struct buf *out)
{
        AUTO(ossl_free_p) uint8_t *der = NULL;
        uint8_t line[LINE_BYTES / 3 * 4 + 1];
        int len = i2d_X509(cert->x509, &der);

        buf_add_str(out, "-----BEGIN CERTIFICATE-----\n");
        for (int at = 0; at < len; at += LINE_BYTES) {
                int part = len - at < LINE_BYTES ? len - at : LINE_BYTES;

                buf_add(out, line, (size_t)EVP_EncodeBlock(line, der + at, part));
                buf_add_char(out, '\n');
        }
        buf_add_str(out, "-----END CERTIFICATE-----\n");
}

void chain_to_pem(const struct chain *chain, struct buf *out)
{
        for (size_t i = 0; i < chain->n; i++)
                add_pem(chain->certs[i], out);
}

/* Key identifiers decide where both sides have them; else the signature does. */
static bool issued(const struct cert *issuer, const struct cert *cert)
{
        if (X509_check_issued(issuer->x509, cert->x509) != X509_V_OK)
                return false;
        return (issuer->has_key_id && X509_get0_authority_key_id(cert->x509) != NULL) ||
               cert_is_signed_by(cert, issuer);
}

static bool issued_another(const struct chain *chain, size_t which)
{
        for (size_t i = 0; i < chain->n; i++)
                if (i != which && issued(chain->certs[which], chain->certs[i]))
                        return true;
        return false;
}

static size_t pick_leaf(const struct chain *chain, const struct fingerprint *spki)
{
        size_t best = SIZE_MAX;

        if (spki != NULL && !hex_fingerprint_is_none(spki))
                for (size_t i = 0; i < chain->n; i++)
                        if (hex_fingerprint_equal(&chain->certs[i]->spki, spki))
                                return i;
        for (size_t i = 0; i < chain->n; i++) {
                if (issued_another(chain, i))
                        continue;
                /* Of several that signed none, a leaf rather than an authority that strayed in. */
                if (best == SIZE_MAX || (chain->certs[best]->is_ca && !chain->certs[i]->is_ca))
                        best = i;
        }
        return best == SIZE_MAX ? 0 : best;
}

/* Index of the issuer of `cert` among those left (not NULL), an intermediate before a root; SIZE_MAX: none.
 */
static size_t pick_issuer(const struct chain *left, const struct cert *cert)
{
        size_t root = SIZE_MAX;

        for (size_t i = 0; i < left->n; i++) {
                if (left->certs[i] == NULL || !issued(left->certs[i], cert))
                        continue;
                if (!left->certs[i]->self_issued)
                        return i;
                if (root == SIZE_MAX)
                        root = i;
        }
        return root;
}

static void move_to(struct chain *to, struct chain *from, size_t which)
{
        to->certs = mem_grow(to->certs, to->n + 1, sizeof(struct cert *));
        to->certs[to->n++] = TAKE(from->certs[which]);
}

static void move_rest(struct chain *to, struct chain *from)
{
        for (size_t i = 0; i < from->n; i++) {
                if (from->certs[i] == NULL)
                        continue;
                if (to != NULL)
                        move_to(to, from, i);
                else
                        cert_free(from->certs[i]);
        }
        mem_free(from->certs);
}

void chain_sort(struct chain *chain, const struct fingerprint *spki, struct chain *extra)
{
        struct chain path = CHAIN_INIT;
        size_t next = chain->n == 0 ? SIZE_MAX : pick_leaf(chain, spki);

        while (next != SIZE_MAX) {
                const struct cert *last = chain->certs[next];

                move_to(&path, chain, next);
                /* What signed itself ends the path, and needs not be sent unless it is the leaf. */
                next = last->self_issued && issued(last, last) ? SIZE_MAX : pick_issuer(chain, last);
                if (next != SIZE_MAX && chain->certs[next]->self_issued &&
                    issued(chain->certs[next], chain->certs[next]))
                        next = SIZE_MAX;
        }
        move_rest(extra, chain);
        ERR_clear_error();
        *chain = path;
}

static int refuse(const X509_STORE_CTX *ctx, struct err *err)
{
        int code = X509_STORE_CTX_get_error(ctx);
        int depth = X509_STORE_CTX_get_error_depth(ctx);
        X509 *x509 = X509_STORE_CTX_get_current_cert(ctx);
        AUTO(cert_free_p) struct cert *cert = NULL;
        struct err ignored;

        if (x509 == NULL || cert_from_x509(x509, &cert, &ignored) != 0)
                return err_set(err, ERR_UNTRUSTED, "%s", X509_verify_cert_error_string(code));
        if (code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
            code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT)
                return err_set(
                        err, ERR_UNTRUSTED,
                        "%s at depth %d: certificate '%.150s' was issued by '%.150s', which is neither in "
                        "the chain nor among the authorities",
                        X509_verify_cert_error_string(code), depth, cert->subject, cert->issuer);
        return err_set(err, ERR_UNTRUSTED, "%s at depth %d: certificate '%.150s'",
                       X509_verify_cert_error_string(code), depth, cert->subject);
}

static X509_STORE *make_store(const struct chain *authorities)
{
        AUTO(X509_STORE_free_p) X509_STORE *store = X509_STORE_new();

        if (store == NULL)
                return NULL;
        for (size_t i = 0; i < authorities->n; i++)
                if (X509_STORE_add_cert(store, authorities->certs[i]->x509) != 1)
                        return NULL;
        return TAKE(store);
}

static int set_terms(X509_STORE_CTX *ctx, bool for_client, bool check_time, struct wall now)
{
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
        unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN | (check_time ? 0 : X509_V_FLAG_NO_CHECK_TIME);

        if (check_time)
                X509_VERIFY_PARAM_set_time(param, now.s);
        return X509_VERIFY_PARAM_set_flags(param, flags) == 1 &&
                               X509_STORE_CTX_set_purpose(ctx, for_client ? X509_PURPOSE_SSL_CLIENT
                                                                          : X509_PURPOSE_SSL_SERVER) == 1
                       ? 0
                       : -1;
}

int chain_verify(const struct chain *chain, const struct chain *authorities, bool for_client, bool check_time,
                 struct wall now, struct err *err)
{
        AUTO(X509_STORE_free_p) X509_STORE *store = NULL;
        AUTO(stack_free_p) STACK_OF(X509) *untrusted = NULL;
        AUTO(X509_STORE_CTX_free_p) X509_STORE_CTX *ctx = NULL;
        int result = 0;

        if (chain->n == 0)
                return err_set(err, ERR_UNTRUSTED, "there is no certificate to verify");
        if (authorities->n == 0)
                return err_set(err, ERR_UNTRUSTED,
                               "certificate '%.150s' cannot be verified: there are no authorities",
                               chain->certs[0]->subject);
        store = make_store(authorities);
        untrusted = sk_X509_new_null();
        ctx = X509_STORE_CTX_new();
        if (store == NULL || untrusted == NULL || ctx == NULL)
                return err_set(err, ERR_INTERNAL, "OpenSSL cannot make a certificate store");
        for (size_t i = 1; i < chain->n; i++)
                if (sk_X509_push(untrusted, chain->certs[i]->x509) == 0)
                        return err_set(err, ERR_INTERNAL, "OpenSSL cannot hold the chain");
        if (X509_STORE_CTX_init(ctx, store, chain->certs[0]->x509, untrusted) != 1 ||
            set_terms(ctx, for_client, check_time, now) != 0)
                return err_set(err, ERR_INTERNAL, "OpenSSL cannot set up the verification");
        if (X509_verify_cert(ctx) != 1)
                result = refuse(ctx, err);
        ERR_clear_error();
        return result;
}

void chain_merge(const struct chain *fresh, const struct chain *old, struct wall now, struct chain *out)
{
        struct chain merged = CHAIN_INIT;

        for (size_t i = 0; i < fresh->n; i++)
                if (!chain_has(&merged, &fresh->certs[i]->fp))
                        chain_add(&merged, fresh->certs[i]);
        for (size_t i = 0; i < old->n; i++)
                if (!chain_has(&merged, &old->certs[i]->fp) && old->certs[i]->not_after.s >= now.s)
                        chain_add(&merged, old->certs[i]);
        *out = merged;
}

static bool is_subset(const struct chain *a, const struct chain *b)
{
        for (size_t i = 0; i < a->n; i++)
                if (!chain_has(b, &a->certs[i]->fp))
                        return false;
        return true;
}

bool chain_same_set(const struct chain *a, const struct chain *b)
{
        return is_subset(a, b) && is_subset(b, a);
}
