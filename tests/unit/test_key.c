// SPDX-License-Identifier: Apache-2.0
/*
 * certs/key.c and key_decode.c: every type in every form, keys whose halves do not belong together, wrong
 * passwords, and costs that the file chooses.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "certs/key.h"
#include "certs/ossl.h"
#include "testca.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PASSWORD "correct horse"

static int parse(const char *text, const char *password, struct key **out, struct err *err)
{
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        AUTO(secret_done_p) struct secret secret = SECRET_INIT;

        if (password != NULL)
                secret_set(&secret, password, strlen(password));
        if (pem_parse("tls.key", (const uint8_t *)text, strlen(text), &pem, err) != 0)
                return -1;
        assert_int_equal(pem.n, 1);
        return key_parse("tls.key", &pem.blocks[0], password == NULL ? NULL : &secret, out, err);
}

static int parse_der(enum pem_label label, const uint8_t *der, size_t len, struct err *err)
{
        AUTO(key_free_p) struct key *key = NULL;
        struct pem_block block = { label, SECRET_INIT, NULL, 1 };
        int result;

        secret_set(&block.der, der, len);
        result = key_parse("tls.key", &block, NULL, &key, err);
        secret_done(&block.der);
        assert_int_equal(ERR_peek_error(), 0);
        return result;
}

static void assert_same_key(const struct key *key, EVP_PKEY *wanted)
{
        AUTO(ossl_free_p) uint8_t *spki = NULL;
        uint8_t *pkcs8 = NULL;
        AUTO(PKCS8_PRIV_KEY_INFO_free_p) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(wanted);
        int len = i2d_PUBKEY(wanted, &spki);
        uint8_t sha256[SHA256_DIGEST_LENGTH];

        (void)SHA256(spki, (size_t)len, sha256);
        assert_memory_equal(key->spki.sha256, sha256, sizeof(sha256));
        assert_int_equal(EVP_PKEY_eq(key->pkey, wanted), 1);
        len = i2d_PKCS8_PRIV_KEY_INFO(info, &pkcs8);
        assert_int_equal(key->pkcs8.len, len);
        assert_memory_equal(key->pkcs8.data, pkcs8, (size_t)len);
        OPENSSL_free(pkcs8);
}

/* What was read signs, and the original verifies it. */
static void assert_signs(const struct key *key, EVP_PKEY *wanted)
{
        AUTO(EVP_MD_CTX_free_p) EVP_MD_CTX *sign = EVP_MD_CTX_new();
        AUTO(EVP_MD_CTX_free_p) EVP_MD_CTX *verify = EVP_MD_CTX_new();
        bool edwards = EVP_PKEY_is_a(wanted, "ED25519") || EVP_PKEY_is_a(wanted, "ED448");
        const char *digest = edwards ? NULL : "SHA256";
        uint8_t signature[512];
        size_t len = sizeof(signature);

        assert_int_equal(EVP_DigestSignInit_ex(sign, NULL, digest, NULL, NULL, key->pkey, NULL), 1);
        assert_int_equal(EVP_DigestSign(sign, signature, &len, (const uint8_t *)"x", 1), 1);
        assert_int_equal(EVP_DigestVerifyInit_ex(verify, NULL, digest, NULL, NULL, wanted, NULL), 1);
        assert_int_equal(EVP_DigestVerify(verify, signature, len, (const uint8_t *)"x", 1), 1);
}

static void every_type_in_every_form(void **state UNUSED)
{
        static const enum testca_key types[] = { TESTCA_P256,    TESTCA_P384,    TESTCA_P521, TESTCA_RSA2048,
                                                 TESTCA_RSA1024, TESTCA_ED25519, TESTCA_ED448 };

        for (size_t i = 0; i < ARRAY_LEN(types); i++) {
                AUTO(testca_free_p)
                struct testca *leaf = testca_make(NULL, &(struct testca_options){ .key = types[i] });

                for (int form = TESTCA_PKCS8; form <= TESTCA_LEGACY_CRYPTED; form++) {
                        AUTO(mem_free_p) char *text = NULL;
                        AUTO(mem_free_p) char *crlf = NULL;
                        AUTO(key_free_p) struct key *key = NULL;
                        AUTO(key_free_p) struct key *again = NULL;
                        bool crypted = form != TESTCA_PKCS8 && form != TESTCA_LEGACY;
                        struct err err = ERR_INIT;

                        if ((types[i] == TESTCA_ED25519 || types[i] == TESTCA_ED448) && form >= TESTCA_LEGACY)
                                continue;
                        text = testca_key_pem(leaf, (enum testca_form)form, PASSWORD);
                        crlf = testca_crlf(text);
                        if (parse(text, crypted ? PASSWORD : NULL, &key, &err) != 0 ||
                            parse(crlf, PASSWORD, &again, &err) != 0)
                                fail_msg("type %d form %d: %s", (int)types[i], form, err.text);
                        assert_int_equal(key->was_encrypted, crypted);
                        assert_same_key(key, leaf->key);
                        assert_same_key(again, leaf->key);
                        assert_signs(key, leaf->key);
                        assert_int_equal(ERR_peek_error(), 0);
                }
        }
}

static void wrong_passwords(void **state UNUSED)
{
        static const enum testca_form forms[] = { TESTCA_PKCS8_PBES2, TESTCA_PKCS8_PBES1,
                                                  TESTCA_LEGACY_CRYPTED };
        AUTO(testca_free_p) struct testca *leaf = testca_leaf(NULL, NULL);

        for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
                AUTO(mem_free_p) char *text = testca_key_pem(leaf, forms[i], PASSWORD);
                AUTO(key_free_p) struct key *key = NULL;
                struct err err = ERR_INIT;

                assert_int_equal(parse(text, NULL, &key, &err), -1);
                assert_non_null(strstr(err.text, "is encrypted: set key-password-file"));
                /* One in 256 wrong passwords leaves valid padding: then the content gives it away. */
                for (int guess = 0; guess < 300; guess++) {
                        AUTO(mem_free_p) char *wrong = mem_printf("wrong %d", guess);

                        assert_int_equal(parse(text, wrong, &key, &err), -1);
                        assert_int_equal(err.kind, ERR_PARSE);
                        assert_non_null(strstr(err.text, "password"));
                        assert_int_equal(ERR_peek_error(), 0);
                        if (guess == 5 && forms[i] == TESTCA_PKCS8_PBES1)
                                break;
                }
                assert_int_equal(parse(text, "", &key, &err), -1);
                assert_null(key);
        }
}

/* Swaps the public half in the DER of a SEC1 key for another key's: the leaf would seem to fit. */
static void a_lying_public_half(void **state UNUSED)
{
        static const enum testca_key types[] = { TESTCA_P256, TESTCA_RSA1024 };

        for (size_t i = 0; i < ARRAY_LEN(types); i++) {
                const struct testca_options options = { .key = types[i] };
                AUTO(testca_free_p) struct testca *one = testca_make(NULL, &options);
                AUTO(testca_free_p) struct testca *two = testca_make(NULL, &options);
                unsigned char *der[2] = { NULL, NULL };
                int len[2] = { i2d_PrivateKey(one->key, &der[0]), i2d_PrivateKey(two->key, &der[1]) };
                size_t public_len = types[i] == TESTCA_P256 ? 65 : 128;
                size_t at = types[i] == TESTCA_P256 ? (size_t)len[0] - public_len : 11;
                enum pem_label label = types[i] == TESTCA_P256 ? PEM_KEY_EC : PEM_KEY_RSA;
                struct err err = ERR_INIT;

                assert_int_equal(len[0] > (int)(at + public_len - 1), true);
                assert_int_equal(parse_der(label, der[0], (size_t)len[0], &err), 0);
                memcpy(der[0] + at, der[1] + at, public_len);
                assert_int_equal(parse_der(label, der[0], (size_t)len[0], &err), -1);
                assert_non_null(strstr(err.text, "do not belong together"));
                OPENSSL_free(der[0]);
                OPENSSL_free(der[1]);
        }
}

/* Each byte of each form changed: refused, or the change did not matter; never a crash, never another key. */
static void every_byte_damaged(void **state UNUSED)
{
        static const enum testca_key types[] = { TESTCA_P256, TESTCA_ED25519, TESTCA_RSA1024 };

        for (size_t i = 0; i < ARRAY_LEN(types); i++) {
                AUTO(testca_free_p)
                struct testca *leaf = testca_make(NULL, &(struct testca_options){ .key = types[i] });
                AUTO(PKCS8_PRIV_KEY_INFO_free_p) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(leaf->key);
                unsigned char *der = NULL;
                int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
                struct err err = ERR_INIT;

                for (int at = 0; at < len; at++) {
                        der[at] ^= 0x41;
                        (void)parse_der(PEM_KEY_PKCS8, der, (size_t)len, &err);
                        der[at] ^= 0x41;
                        assert_int_equal(parse_der(PEM_KEY_PKCS8, der, (size_t)at, &err), -1);
                }
                assert_int_equal(parse_der(PEM_KEY_PKCS8, der, (size_t)len, &err), 0);
                OPENSSL_free(der);
        }
}

/* RFC 5958 version 2, as ring writes it: with the public key behind. OpenSSL 3.0 cannot read it. */
static void pkcs8_version_2(void **state UNUSED)
{
        static const uint8_t head[] = { 0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06,
                                        0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };
        static const uint8_t middle[] = { 0x81, 0x21, 0x00 };
        AUTO(testca_free_p)
        struct testca *leaf = testca_make(NULL, &(struct testca_options){ .key = TESTCA_ED25519 });
        uint8_t der[sizeof(head) + 32 + sizeof(middle) + 32];
        size_t len = 32;
        struct err err = ERR_INIT;

        memcpy(der, head, sizeof(head));
        assert_int_equal(EVP_PKEY_get_raw_private_key(leaf->key, der + sizeof(head), &len), 1);
        memcpy(der + sizeof(head) + 32, middle, sizeof(middle));
        assert_int_equal(
                EVP_PKEY_get_raw_public_key(leaf->key, der + sizeof(head) + 32 + sizeof(middle), &len), 1);
        assert_int_equal(parse_der(PEM_KEY_PKCS8, der, sizeof(der), &err), 0);
}

static size_t put_integer(uint8_t *to, size_t len)
{
        to[0] = 0x02;
        to[1] = 0x83;
        to[2] = (uint8_t)(len >> 16);
        to[3] = (uint8_t)(len >> 8);
        to[4] = (uint8_t)len;
        memset(to + 5, 0x7f, len);
        return len + 5;
}

/* A small modulus beside primes of a megabit, which would take seconds to multiply. */
static void numbers_without_measure(void **state UNUSED)
{
        static const size_t sizes[] = { 3, 128, 300000, 600000, 64, 64, 64 };
        AUTO(mem_free_p) uint8_t *der = mem_new(PEM_FILE_MAX_BYTES);
        struct mono start = clock_mono();
        struct err err = ERR_INIT;
        size_t len = 8;

        memcpy(der, "\x30\x83\0\0\0\x02\x01\0", 8);
        len += put_integer(der + len, 128);
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
                len += put_integer(der + len, sizes[i]);
        der[2] = (uint8_t)((len - 5) >> 16);
        der[3] = (uint8_t)((len - 5) >> 8);
        der[4] = (uint8_t)(len - 5);
        assert_int_equal(parse_der(PEM_KEY_RSA, der, len, &err), -1);
        assert_non_null(strstr(err.text, "do not belong together"));
        assert_true(clock_mono().ms - start.ms < 400);
}

static void unsupported_type(void **state UNUSED)
{
        struct testca fake = { NULL, EVP_PKEY_Q_keygen(NULL, NULL, "X25519") };
        AUTO(mem_free_p) char *text = testca_key_pem(&fake, TESTCA_PKCS8, NULL);
        AUTO(key_free_p) struct key *key = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(parse(text, NULL, &key, &err), -1);
        assert_non_null(strstr(err.text, "X25519: RSA, EC, Ed25519 and Ed448"));
        EVP_PKEY_free(fake.key);
}

/* A file that asks for minutes of PBKDF2 must be refused before the first iteration. */
static void iterations_are_bounded(void **state UNUSED)
{
        X509_ALGOR *algorithm = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), KEY_MAX_ITERATIONS + 1, NULL, 0, NULL,
                                                  NID_hmacWithSHA256);
        uint8_t body[32] = { 0 };
        AUTO(X509_SIG_free_p) X509_SIG *wrapped = X509_SIG_new();
        X509_ALGOR *to;
        ASN1_OCTET_STRING *digest;
        unsigned char *der = NULL;
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        AUTO(key_free_p) struct key *key = NULL;
        struct pem_block block = { PEM_KEY_PKCS8_CRYPTED, SECRET_INIT, NULL, 1 };
        struct err err = ERR_INIT;
        int len;

        X509_SIG_getm(wrapped, &to, &digest);
        assert_int_equal(X509_ALGOR_copy(to, algorithm), 1);
        assert_int_equal(ASN1_OCTET_STRING_set(digest, body, sizeof(body)), 1);
        len = i2d_X509_SIG(wrapped, &der);
        secret_set(&block.der, der, (size_t)len);
        secret_set(&password, PASSWORD, strlen(PASSWORD));
        assert_int_equal(key_parse("tls.key", &block, &password, &key, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        secret_done(&block.der);
        OPENSSL_free(der);
        X509_ALGOR_free(algorithm);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_type_in_every_form), cmocka_unit_test(wrong_passwords),
                cmocka_unit_test(a_lying_public_half),      cmocka_unit_test(every_byte_damaged),
                cmocka_unit_test(pkcs8_version_2),          cmocka_unit_test(unsupported_type),
                cmocka_unit_test(iterations_are_bounded),   cmocka_unit_test(numbers_without_measure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
