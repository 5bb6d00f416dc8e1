// SPDX-License-Identifier: Apache-2.0
/*
 * The PVK is not encrypted: its password would stand in the same statement, over the same encrypted
 * connection, and its cipher is RC4.
 */
#include "hooks/mssql_material.h"

#include "base/mem.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define LITERAL_MAX 131072
#define NAME_DIGITS 16

static void add_literal(struct buf *out, const uint8_t *data, size_t len)
{
        char *digits;

        buf_add_str(out, "0x");
        digits = (char *)buf_reserve(out, 2 * len);
        if (digits == NULL)
                return;
        (void)hex_encode(data, len, digits);
        out->len += 2 * len;
}

static int add_key(const struct key *key, struct buf *out, struct err *err)
{
        BIO *bio = BIO_new(BIO_s_secmem());
        char *data = NULL;
        int written = -1;
        long len;

        if (EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_RSA)
                written = i2b_PVK_bio(bio, key->pkey, 0, NULL, NULL);
        len = BIO_get_mem_data(bio, &data);
        if (written > 0 && len > 0)
                add_literal(out, (const uint8_t *)data, (size_t)len);
        BIO_free(bio); /* wipes */
        return written > 0 && !out->overflow
                       ? 0
                       : err_set(err, ERR_ENGINE, "the key cannot be written as PVK, which takes RSA only");
}

void mssql_material_thumbprint(const struct cert *leaf, char out[static MSSQL_THUMBPRINT_MAX])
{
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned int len = 0;

        if (X509_digest(leaf->x509, EVP_sha1(), digest, &len) != 1 || 2 * len + 1 > MSSQL_THUMBPRINT_MAX)
                len = 0;
        (void)hex_encode(digest, len, out);
        for (char *at = out; *at != '\0'; at++)
                if (*at >= 'a')
                        *at = (char)(*at - 'a' + 'A');
}

static int fill(const struct bundle *bundle, struct mssql_material *out, struct err *err)
{
        const struct cert *leaf = bundle_leaf(bundle);
        char digits[FINGERPRINT_TEXT_MAX];
        uint8_t *der = NULL;
        int len = i2d_X509(leaf->x509, &der);

        if (len > 0)
                add_literal(&out->certificate, der, (size_t)len);
        OPENSSL_free(der);
        if (len <= 0 || out->certificate.overflow)
                return err_set(err, ERR_ENGINE, "the certificate is too large for a statement");
        (void)snprintf(out->name, sizeof(out->name), MSSQL_PREFIX "%.*s", NAME_DIGITS,
                       hex_fingerprint(&leaf->fp, digits));
        mssql_material_thumbprint(leaf, out->thumbprint);
        return bundle->key == NULL ? 0 : add_key(bundle->key, &out->key, err);
}

int mssql_material_make(const struct bundle *bundle, struct mssql_material *out, struct err *err)
{
        struct mssql_material fresh = { .certificate = BUF_INIT(LITERAL_MAX), .key = BUF_INIT(LITERAL_MAX) };

        if (fill(bundle, &fresh, err) == -1) {
                mssql_material_done(&fresh);
                return -1;
        }
        *out = fresh;
        return 0;
}

void mssql_material_done(struct mssql_material *material)
{
        buf_done(&material->certificate);
        buf_done(&material->key);
}

void mssql_material_add_name(struct buf *sql, const char *name)
{
        buf_add_char(sql, '[');
        for (; *name != '\0'; name++) {
                if (*name == ']')
                        buf_add_char(sql, ']');
                buf_add_char(sql, *name);
        }
        buf_add_char(sql, ']');
}

void mssql_material_create(const struct mssql_material *material, const char *owner, struct buf *sql)
{
        buf_add_str(sql, "CREATE CERTIFICATE ");
        mssql_material_add_name(sql, material->name);
        if (owner[0] != '\0') {
                buf_add_str(sql, " AUTHORIZATION ");
                mssql_material_add_name(sql, owner);
        }
        buf_add_str(sql, " FROM BINARY = ");
        buf_add(sql, material->certificate.data, material->certificate.len);
        buf_add_str(sql, " WITH PRIVATE KEY (BINARY = ");
        buf_add(sql, material->key.data, material->key.len);
        buf_add_str(sql, ")");
}
