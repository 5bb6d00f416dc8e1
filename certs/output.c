// SPDX-License-Identifier: Apache-2.0
/*
 * One file for the database, rendered from a bundle. Pure: bytes in, bytes out; writing is the store's work.
 */
#include "certs/output.h"

#include "certs/pkcs12.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define LINE_BYTES    48 /* of DER in one line of PEM, 64 characters */
#define DEFAULT_ALIAS "certrotate"

static const char *const names[] = {
        [OUTPUT_KEY] = "key",       [OUTPUT_KEY_LEGACY] = "key-legacy",
        [OUTPUT_LEAF] = "leaf",     [OUTPUT_CHAIN] = "chain",
        [OUTPUT_CA] = "ca",         [OUTPUT_COMBINED] = "combined",
        [OUTPUT_PKCS12] = "pkcs12", [OUTPUT_TRUSTSTORE] = "truststore",
};

int output_parse_content(const char *text)
{
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (strcmp(names[i], text) == 0)
                        return (int)i;
        return -1;
}

const char *output_content_name(enum output_content content)
{
        return names[content];
}

bool output_is_store(enum output_content content)
{
        return content == OUTPUT_PKCS12 || content == OUTPUT_TRUSTSTORE;
}

const struct output *output_find(const struct output *outputs, size_t n, enum output_content content)
{
        for (size_t i = 0; i < n; i++)
                if (outputs[i].content == content)
                        return &outputs[i];
        return NULL;
}

static void add_pem(const char *label, const uint8_t *der, size_t len, struct buf *out)
{
        uint8_t line[LINE_BYTES / 3 * 4 + 1];

        buf_printf(out, "-----BEGIN %s-----\n", label);
        for (size_t i = 0; i < len; i += LINE_BYTES) {
                const size_t part = len - i < LINE_BYTES ? len - i : LINE_BYTES;

                buf_add(out, line, (size_t)EVP_EncodeBlock(line, der + i, (int)part));
                buf_add_char(out, '\n');
        }
        buf_printf(out, "-----END %s-----\n", label);
        OPENSSL_cleanse(line, sizeof(line));
}

static int add_legacy(const struct key *key, struct buf *out, struct err *err)
{
        const int type = EVP_PKEY_get_base_id(key->pkey);
        unsigned char *der = NULL;
        int len;

        if (type != EVP_PKEY_RSA && type != EVP_PKEY_EC)
                return err_set(
                        err, ERR_REFUSED,
                        "only RSA and EC keys have a legacy form, this one is %s: use the content 'key'",
                        EVP_PKEY_get0_type_name(key->pkey));
        len = i2d_PrivateKey(key->pkey, &der);
        if (len <= 0) {
                ERR_clear_error();
                return err_set(err, ERR_INTERNAL, "OpenSSL cannot encode the private key");
        }
        add_pem(type == EVP_PKEY_RSA ? "RSA PRIVATE KEY" : "EC PRIVATE KEY", der, (size_t)len, out);
        OPENSSL_clear_free(der, (size_t)len);
        return 0;
}

static bool needs_key(enum output_content content)
{
        return content == OUTPUT_KEY || content == OUTPUT_KEY_LEGACY || content == OUTPUT_COMBINED ||
               content == OUTPUT_PKCS12;
}

static int render(const struct output *output, const struct bundle *bundle, const struct chain *authorities,
                  struct buf *out, struct err *err)
{
        const struct chain leaf = { bundle->chain.certs, 1 };

        switch (output->content) {
        case OUTPUT_KEY:
                add_pem("PRIVATE KEY", bundle->key->pkcs8.data, bundle->key->pkcs8.len, out);
                return 0;
        case OUTPUT_KEY_LEGACY:
                return add_legacy(bundle->key, out, err);
        case OUTPUT_LEAF:
                chain_to_pem(&leaf, out);
                return 0;
        case OUTPUT_CHAIN:
                chain_to_pem(&bundle->chain, out);
                return 0;
        case OUTPUT_CA:
                chain_to_pem(authorities, out);
                return 0;
        case OUTPUT_COMBINED:
                add_pem("PRIVATE KEY", bundle->key->pkcs8.data, bundle->key->pkcs8.len, out);
                chain_to_pem(&bundle->chain, out);
                return 0;
        case OUTPUT_PKCS12:
                return pkcs12_key_store(bundle, output->alias == NULL ? DEFAULT_ALIAS : output->alias,
                                        output->password, out, err);
        case OUTPUT_TRUSTSTORE:
                return pkcs12_trust_store(authorities, output->password, out, err);
        }
        return err_set(err, ERR_INTERNAL, "unknown content %d", (int)output->content);
}

int output_render(const struct output *output, const struct bundle *bundle, const struct chain *authorities,
                  struct buf *out, struct err *err)
{
        if (needs_key(output->content) && bundle->key == NULL)
                return err_set(err, ERR_REFUSED, "'%s' needs a private key, and the bundle has none",
                               output->name);
        if (render(output, bundle, authorities, out, err) != 0)
                return err_wrap(err, "make '%s' (%s)", output->name, names[output->content]);
        if (out->overflow)
                return err_set(err, ERR_LIMIT, "'%s' would be larger than %zu bytes", output->name, out->max);
        return 0;
}
