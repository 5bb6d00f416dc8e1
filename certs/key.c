// SPDX-License-Identifier: Apache-2.0
/*
 * Private keys: takes the encryption off, has the rest decoded by its type, and derives what others need.
 *
 * The trap: the cost of a password is chosen by the file. Iterations are bounded before OpenSSL counts them.
 */
#include "certs/key.h"

#include "base/limits.h"
#include "base/mem.h"
#include "certs/key_decode.h"
#include "certs/ossl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define HEADER_MAX 256

AUTO_DEFINE(PBE2PARAM, PBE2PARAM_free)
AUTO_DEFINE(PBKDF2PARAM, PBKDF2PARAM_free)
AUTO_DEFINE(PBEPARAM, PBEPARAM_free)

static void *unpack(const X509_ALGOR *algorithm, const ASN1_ITEM *type)
{
        const void *value = NULL;
        int kind = V_ASN1_UNDEF;

        X509_ALGOR_get0(NULL, &kind, &value, algorithm);
        return kind == V_ASN1_SEQUENCE ? ASN1_item_unpack(value, type) : NULL;
}

/* Iterations the password costs; 0 when the scheme has none of its own (scrypt, bounded by OpenSSL). */
static int64_t iterations(const X509_ALGOR *algorithm)
{
        AUTO(PBE2PARAM_free_p) PBE2PARAM *pbes2 = NULL;
        AUTO(PBEPARAM_free_p) PBEPARAM *pbes1 = NULL;
        AUTO(PBKDF2PARAM_free_p) PBKDF2PARAM *pbkdf2 = NULL;
        int64_t n = 0;

        if (OBJ_obj2nid(algorithm->algorithm) == NID_pbes2) {
                pbes2 = unpack(algorithm, ASN1_ITEM_rptr(PBE2PARAM));
                if (pbes2 == NULL || OBJ_obj2nid(pbes2->keyfunc->algorithm) != NID_id_pbkdf2)
                        return 0;
                pbkdf2 = unpack(pbes2->keyfunc, ASN1_ITEM_rptr(PBKDF2PARAM));
                if (pbkdf2 == NULL || ASN1_INTEGER_get_int64(&n, pbkdf2->iter) != 1)
                        return INT64_MAX;
                return n;
        }
        pbes1 = unpack(algorithm, ASN1_ITEM_rptr(PBEPARAM));
        if (pbes1 != NULL && pbes1->iter != NULL && ASN1_INTEGER_get_int64(&n, pbes1->iter) != 1)
                return INT64_MAX;
        return n;
}

static int no_password(const char *what, struct err *err)
{
        return err_set(err, ERR_PARSE, "%s: the key is encrypted: set key-password-file", what);
}

static int wrong_password(const char *what, const char *cipher, struct err *err)
{
        ERR_clear_error();
        return err_set(
                err, ERR_PARSE,
                "%s: the key cannot be decrypted: the password is wrong, or OpenSSL has no %s any more", what,
                cipher);
}

static int decrypt_pkcs8(const char *what, const struct pem_block *block, const struct secret *password,
                         struct secret *out, struct err *err)
{
        const uint8_t *p = block->der.data;
        AUTO(X509_SIG_free_p) X509_SIG *wrapped = d2i_X509_SIG(NULL, &p, (long)block->der.len);
        const X509_ALGOR *algorithm;
        const ASN1_OCTET_STRING *body;
        const char *cipher;
        uint8_t *data = NULL;
        int len = 0;

        if (wrapped == NULL) {
                ERR_clear_error();
                return err_set(err, ERR_PARSE, "%s: line %d: is no encrypted private key (PKCS#8)", what,
                               block->line);
        }
        if (password == NULL)
                return no_password(what, err);
        X509_SIG_get0(wrapped, &algorithm, &body);
        cipher = OBJ_nid2ln(OBJ_obj2nid(algorithm->algorithm));
        if (iterations(algorithm) > KEY_MAX_ITERATIONS)
                return err_set(err, ERR_LIMIT, "%s: the key's password takes more than %d iterations", what,
                               KEY_MAX_ITERATIONS);
        if (PKCS12_pbe_crypt(algorithm, (const char *)password->data, (int)password->len,
                             ASN1_STRING_get0_data(body), ASN1_STRING_length(body), &data, &len, 0) == NULL)
                return wrong_password(what, cipher == NULL ? "such cipher" : cipher, err);
        secret_set(out, data, (size_t)len);
        OPENSSL_clear_free(data, (size_t)len);
        return 0;
}

static int give_password(char *to, int room, int writing UNUSED, void *data)
{
        const struct secret *password = data;

        if (room < 0 || password->len > (size_t)room)
                return -1;
        memcpy(to, password->data, password->len);
        return (int)password->len;
}

/* RFC 1421's DEK-Info, with OpenSSL's MD5 key derivation: weak, but what old key files have. */
static int decrypt_legacy(const char *what, const struct pem_block *block, const struct secret *password,
                          struct secret *out, struct err *err)
{
        char header[HEADER_MAX];
        EVP_CIPHER_INFO cipher;
        struct secret lent; /* for the callback, which takes no const */
        long len = (long)block->der.len;

        if (password == NULL)
                return no_password(what, err);
        if (snprintf(header, sizeof(header), "Proc-Type: 4,ENCRYPTED\nDEK-Info: %s\n", block->dek_info) >=
                    (int)sizeof(header) ||
            PEM_get_EVP_CIPHER_INFO(header, &cipher) != 1 || cipher.cipher == NULL) {
                ERR_clear_error();
                return err_set(err, ERR_PARSE,
                               "%s: line %d: the DEK-Info of the encrypted key is unknown to OpenSSL", what,
                               block->line);
        }
        secret_set(out, block->der.data, block->der.len);
        lent = *password;
        if (PEM_do_header(&cipher, out->data, &len, give_password, &lent) != 1)
                return wrong_password(what, EVP_CIPHER_get0_name(cipher.cipher), err);
        explicit_bzero(out->data + len, out->len - (size_t)len);
        out->len = (size_t)len;
        return 0;
}

/* Public half and PKCS#8. */
static int derive(const char *what, struct key *key, struct err *err)
{
        AUTO(PKCS8_PRIV_KEY_INFO_free_p) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
        AUTO(ossl_free_p) uint8_t *spki = NULL;
        uint8_t *pkcs8 = NULL;
        int spki_len = i2d_PUBKEY(key->pkey, &spki);
        int pkcs8_len = info == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, &pkcs8);

        if (spki_len <= 0 || pkcs8_len <= 0) {
                ERR_clear_error();
                OPENSSL_free(pkcs8);
                return err_set(err, ERR_INTERNAL, "%s: OpenSSL cannot encode the key", what);
        }
        (void)SHA256(spki, (size_t)spki_len, key->spki.sha256);
        secret_set(&key->pkcs8, pkcs8, (size_t)pkcs8_len);
        OPENSSL_clear_free(pkcs8, (size_t)pkcs8_len);
        return 0;
}

static enum key_decode_form form_of(enum pem_label label)
{
        if (label == PEM_KEY_RSA)
                return KEY_DECODE_RSA;
        return label == PEM_KEY_EC ? KEY_DECODE_EC : KEY_DECODE_PKCS8;
}

int key_parse(const char *what, const struct pem_block *block, const struct secret *password,
              struct key **out, struct err *err)
{
        AUTO(key_free_p) struct key *key = MEM_NEW(struct key);
        AUTO(secret_done_p) struct secret plain = SECRET_INIT;
        const struct secret *der = &block->der;

        if (block->label == PEM_CERTIFICATE || block->label == PEM_OTHER)
                return err_set(err, ERR_PARSE, "%s: line %d: is no private key", what, block->line);
        if (block->label == PEM_KEY_PKCS8_CRYPTED) {
                if (decrypt_pkcs8(what, block, password, &plain, err) != 0)
                        return -1;
        } else if (block->dek_info != NULL) {
                if (decrypt_legacy(what, block, password, &plain, err) != 0)
                        return -1;
        }
        if (plain.data != NULL) {
                der = &plain;
                key->was_encrypted = true;
        }
        if (key_decode(form_of(block->label), der->data, der->len, &key->pkey, err) != 0)
                return err_wrap(err, "%s: line %d: the key%s", what, block->line,
                                key->was_encrypted ? " (decrypted, perhaps with a wrong password)" : "");
        if (derive(what, key, err) != 0)
                return -1;
        *out = TAKE(key);
        return 0;
}

struct key *key_copy(const struct key *key)
{
        struct key *copy = MEM_NEW(struct key);

        if (EVP_PKEY_up_ref(key->pkey) != 1)
                abort();
        copy->pkey = key->pkey;
        copy->spki = key->spki;
        copy->was_encrypted = key->was_encrypted;
        secret_set(&copy->pkcs8, key->pkcs8.data, key->pkcs8.len);
        return copy;
}

void key_free(struct key *key)
{
        if (key == NULL)
                return;
        EVP_PKEY_free(key->pkey);
        secret_done(&key->pkcs8);
        mem_free(key);
}
