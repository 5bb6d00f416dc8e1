// SPDX-License-Identifier: Apache-2.0
/*
 * OpenSSL's own reader over what OpenSSL's writer made: it does not prove that Java reads it (the tests do,
 * with keytool), but that the bytes, the password and the content are the ones meant.
 */
#include "certs/pkcs12_check.h"

#include "base/limits.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>

static void pkcs12_free_p(PKCS12 **store)
{
        PKCS12_free(*store);
}

static void pkey_free_p(EVP_PKEY **pkey)
{
        EVP_PKEY_free(*pkey);
}

static void x509_free_p(X509 **x509)
{
        X509_free(*x509);
}

static void x509s_free_p(STACK_OF(X509) * *list)
{
        sk_X509_pop_free(*list, X509_free);
}

struct content {
        EVP_PKEY *pkey;
        X509 *leaf;
        STACK_OF(X509) * others;
};

static void content_done_p(struct content *content)
{
        pkey_free_p(&content->pkey);
        x509_free_p(&content->leaf);
        x509s_free_p(&content->others);
}

static const char *text_of(const struct secret *password)
{
        return password != NULL && password->len > 0 ? (const char *)password->data : "";
}

static PKCS12 *decode(const void *data, size_t len)
{
        const unsigned char *at = data;
        PKCS12 *store;

        if (len == 0 || len > LONG_MAX)
                return NULL;
        store = d2i_PKCS12(NULL, &at, (long)len);
        if (store != NULL && at == (const unsigned char *)data + len)
                return store;
        PKCS12_free(store);
        return NULL;
}

static int read_content(const void *data, size_t len, const struct secret *password, struct content *out,
                        struct err *err)
{
        AUTO(pkcs12_free_p) PKCS12 *store = decode(data, len);
        int read;

        if (store == NULL) {
                ERR_clear_error();
                return err_set(err, ERR_INTERNAL, "the store that was made is no PKCS#12 file");
        }
        read = PKCS12_parse(store, text_of(password), &out->pkey, &out->leaf, &out->others);
        ERR_clear_error();
        if (read != 1)
                return err_set(err, ERR_INTERNAL, "its own password does not open the store that was made");
        return 0;
}

int pkcs12_check_key_store(const void *data, size_t len, const struct secret *password,
                           const struct bundle *bundle, struct err *err)
{
        AUTO(content_done_p) struct content content = { NULL, NULL, NULL };

        if (read_content(data, len, password, &content, err) != 0)
                return -1;
        if (content.pkey == NULL || content.leaf == NULL ||
            EVP_PKEY_eq(content.pkey, bundle->key->pkey) != 1 ||
            X509_cmp(content.leaf, bundle_leaf(bundle)->x509) != 0)
                return err_set(err, ERR_INTERNAL,
                               "the key store that was made holds another key or certificate");
        return 0;
}

static bool has_cert(const STACK_OF(X509) * list, const X509 *wanted)
{
        for (int i = 0; i < sk_X509_num(list); i++)
                if (X509_cmp(sk_X509_value(list, i), wanted) == 0)
                        return true;
        return false;
}

int pkcs12_check_trust_store(const void *data, size_t len, const struct secret *password,
                             const struct chain *authorities, struct err *err)
{
        AUTO(content_done_p) struct content content = { NULL, NULL, NULL };

        if (read_content(data, len, password, &content, err) != 0)
                return -1;
        for (size_t i = 0; i < authorities->n; i++)
                if (!has_cert(content.others, authorities->certs[i]->x509))
                        return err_set(err, ERR_INTERNAL, "the trust store that was made lacks an authority");
        return 0;
}

/* The number is the file's own: it must not be able to keep us busy for hours. */
static bool is_bounded(const PKCS12 *store)
{
        const ASN1_INTEGER *iterations = NULL;

        PKCS12_get0_mac(NULL, NULL, NULL, &iterations, store);
        return iterations == NULL ||
               (ASN1_INTEGER_get(iterations) > 0 && ASN1_INTEGER_get(iterations) <= KEY_MAX_ITERATIONS);
}

enum pkcs12_lock pkcs12_check_password(const void *data, size_t len, const struct secret *password)
{
        AUTO(pkcs12_free_p) PKCS12 *store = decode(data, len);
        enum pkcs12_lock lock = PKCS12_ALIEN;

        if (store != NULL && PKCS12_mac_present(store) == 1 && is_bounded(store))
                lock = PKCS12_verify_mac(store, text_of(password), -1) == 1 ? PKCS12_OPENS : PKCS12_LOCKED;
        ERR_clear_error();
        return lock;
}
