// SPDX-License-Identifier: Apache-2.0
/*
 * PKCS#12 stores that Java reads: PBES2 with AES-256 and a SHA-256 MAC, which every JDK since 8u301 takes.
 *
 * Java counts a certificate as trusted only when its bag carries Oracle's attribute; the trust store is
 * therefore put together bag by bag. Without a password a trust store is neither encrypted nor has it a MAC
 * (Java reads that with no password or any); a key store is encrypted with the empty one, because Java
 * does not read keys in the clear.
 */
#include "certs/pkcs12.h"

#include "certs/pkcs12_check.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs12.h>
#include <stdio.h>

#define ITERATIONS   10000 /* keytool's own default */
#define STORE_MAX    ((int)(4 << 20))
#define TRUSTED_USES "2.16.840.1.113894.746875.1.1"

static void pkcs12_free_p(PKCS12 **store)
{
        PKCS12_free(*store);
}

static void x509s_free_p(STACK_OF(X509) * *list)
{
        sk_X509_free(*list); /* the certificates are borrowed */
}

static void bags_free_p(STACK_OF(PKCS12_SAFEBAG) * *bags)
{
        sk_PKCS12_SAFEBAG_pop_free(*bags, PKCS12_SAFEBAG_free);
}

static void safes_free_p(STACK_OF(PKCS7) * *safes)
{
        sk_PKCS7_pop_free(*safes, PKCS7_free);
}

static int fail(const char *what, struct err *err)
{
        char reason[128];
        unsigned long code = ERR_peek_last_error();

        ERR_error_string_n(code, reason, sizeof(reason));
        ERR_clear_error();
        return err_set(err, ERR_INTERNAL, "PKCS#12: %s: %s", what, code == 0 ? "OpenSSL failed" : reason);
}

/* What was appended and is not what was meant is taken back. */
static int read_back(int checked, struct buf *out, size_t start)
{
        if (checked != 0)
                out->len = start;
        return checked;
}

static int to_der(const PKCS12 *store, struct buf *out, struct err *err)
{
        const int len = i2d_PKCS12(store, NULL);
        uint8_t *to;

        if (len <= 0 || len > STORE_MAX)
                return fail("encode", err);
        to = buf_reserve(out, (size_t)len);
        if (to == NULL)
                return err_set(err, ERR_LIMIT, "PKCS#12: the store is larger than %zu bytes", out->max);
        if (i2d_PKCS12(store, &to) != len)
                return fail("encode", err);
        out->len += (size_t)len;
        return 0;
}

static bool has_password(const struct secret *password)
{
        return password != NULL && password->len > 0;
}

int pkcs12_key_store(const struct bundle *bundle, const char *alias, const struct secret *password,
                     struct buf *out, struct err *err)
{
        AUTO(x509s_free_p) STACK_OF(X509) *chain = sk_X509_new_null();
        AUTO(pkcs12_free_p) PKCS12 *store = NULL;
        const char *text = has_password(password) ? (const char *)password->data : "";
        const size_t start = out->len;

        if (bundle->key == NULL)
                return err_set(err, ERR_REFUSED,
                               "PKCS#12: a key store needs a private key, and there is none");
        if (chain == NULL)
                return fail("allocate", err);
        for (size_t i = 1; i < bundle->chain.n; i++)
                if (sk_X509_push(chain, bundle->chain.certs[i]->x509) == 0)
                        return fail("allocate", err);
        /* Last but one: -1 leaves the MAC out, which is then made with SHA-256 whatever the default is. */
        store = PKCS12_create(text, alias, bundle->key->pkey, bundle_leaf(bundle)->x509, chain,
                              NID_aes_256_cbc, NID_aes_256_cbc, ITERATIONS, -1, 0);
        if (store == NULL)
                return fail("make the key store", err);
        if (PKCS12_set_mac(store, text, -1, NULL, 0, ITERATIONS, EVP_sha256()) != 1)
                return fail("make the MAC", err);
        if (to_der(store, out, err) != 0)
                return -1;
        return read_back(pkcs12_check_key_store(out->data + start, out->len - start, password, bundle, err),
                         out, start);
}

static int add_trusted(STACK_OF(PKCS12_SAFEBAG) * bags, const struct cert *cert, size_t number,
                       struct err *err)
{
        PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_create_cert(cert->x509);
        const ASN1_OBJECT *any = OBJ_nid2obj(NID_anyExtendedKeyUsage);
        char alias[32];

        (void)snprintf(alias, sizeof(alias), "ca-%zu", number);
        if (bag == NULL || sk_PKCS12_SAFEBAG_push(bags, bag) == 0) {
                PKCS12_SAFEBAG_free(bag);
                return fail("add an authority", err);
        }
        /* Length -1: the value is an object, not its bytes. */
        if (PKCS12_add_friendlyname_utf8(bag, alias, -1) != 1 ||
            PKCS12_add1_attr_by_txt(bag, TRUSTED_USES, V_ASN1_OBJECT, (const unsigned char *)any, -1) != 1)
                return fail("mark an authority as trusted", err);
        return 0;
}

int pkcs12_trust_store(const struct chain *authorities, const struct secret *password, struct buf *out,
                       struct err *err)
{
        AUTO(bags_free_p) STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
        AUTO(safes_free_p) STACK_OF(PKCS7) *safes = NULL;
        AUTO(pkcs12_free_p) PKCS12 *store = NULL;
        const bool crypted = has_password(password);
        const char *text = crypted ? (const char *)password->data : NULL;
        const size_t start = out->len;

        if (authorities->n == 0)
                return err_set(err, ERR_REFUSED,
                               "PKCS#12: a trust store needs an authority, and there is none");
        if (bags == NULL)
                return fail("allocate", err);
        for (size_t i = 0; i < authorities->n; i++)
                if (add_trusted(bags, authorities->certs[i], i + 1, err) != 0)
                        return -1;
        if (PKCS12_add_safe(&safes, bags, crypted ? NID_aes_256_cbc : -1, ITERATIONS, text) != 1)
                return fail("encrypt the trust store", err);
        store = PKCS12_add_safes(safes, 0);
        if (store == NULL)
                return fail("make the trust store", err);
        if (crypted && PKCS12_set_mac(store, text, -1, NULL, 0, ITERATIONS, EVP_sha256()) != 1)
                return fail("make the MAC", err);
        if (to_der(store, out, err) != 0)
                return -1;
        return read_back(
                pkcs12_check_trust_store(out->data + start, out->len - start, password, authorities, err),
                out, start);
}
