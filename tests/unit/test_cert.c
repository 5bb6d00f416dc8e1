// SPDX-License-Identifier: Apache-2.0
/*
 * certs/cert.c: facts, names that clients use, and certificates made to confuse.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "certs/cert.h"
#include "certs/ossl.h"
#include "testca.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct cert *cert_of(const struct testca *ca)
{
        struct cert *cert = NULL;
        struct err err = ERR_INIT;

        if (cert_from_x509(ca->x509, &cert, &err) != 0)
                fail_msg("%s", err.text);
        return cert;
}

static void facts_of_a_leaf(void **state UNUSED)
{
        AUTO(testca_free_p) struct testca *root = testca_root("root");
        const struct testca_options options = { .subject = "db, one",
                                                .names = "DNS:a.example,IP:10.0.0.1,IP:::1,URI:spiffe://x/y,"
                                                         "email:a@b.example,DNS:*.b.example",
                                                .not_before = 1700000000,
                                                .not_after = 4102444800,
                                                .serial = 0x0a };
        AUTO(testca_free_p) struct testca *leaf = testca_make(root, &options);
        AUTO(cert_free_p) struct cert *cert = cert_of(leaf);
        AUTO(cert_free_p) struct cert *authority = cert_of(root);
        static const char *const names[] = { "DNS:a.example",    "IP:10.0.0.1",       "IP:::1",
                                             "URI:spiffe://x/y", "EMAIL:a@b.example", "DNS:*.b.example" };

        assert_string_equal(cert->subject, "CN=db\\, one");
        assert_string_equal(cert->issuer, "CN=root");
        assert_string_equal(cert->serial, "0a");
        assert_int_equal(cert->not_before.s, 1700000000);
        assert_int_equal(cert->not_after.s, 4102444800);
        assert_int_equal(cert->n_names, ARRAY_LEN(names));
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                assert_string_equal(cert->names[i], names[i]);
        assert_int_equal(cert->key_type, CERT_KEY_EC);
        assert_int_equal(cert->key_bits, 256);
        assert_int_equal(cert->signature_bits, 128);
        assert_true(cert->server_auth && cert->client_auth && cert->key_usage_ok);
        assert_true(cert->has_key_id && cert->has_authority_key_id);
        assert_false(cert->is_ca || cert->self_issued);
        assert_true(authority->is_ca && authority->self_issued && !authority->key_usage_ok);
        assert_true(cert_is_signed_by(cert, authority));
        assert_false(cert_is_signed_by(authority, cert));
}

static void usages(void **state UNUSED)
{
        static const struct {
                enum testca_key key;
                const char *key_usage;
                const char *ext_usage;
                bool ok;
                bool server;
                bool client;
        } cases[] = {
                { TESTCA_P256, "", "", true, true, true },
                { TESTCA_P256, "digitalSignature", "serverAuth", true, true, false },
                { TESTCA_P256, "keyEncipherment", "clientAuth", false, false, true },
                { TESTCA_RSA1024, "keyEncipherment", "anyExtendedKeyUsage", true, true, true },
                { TESTCA_RSA1024, "keyAgreement", "emailProtection", false, false, false },
                { TESTCA_ED25519, "digitalSignature", "serverAuth,clientAuth", true, true, true },
                { TESTCA_ED25519, "keyEncipherment", "codeSigning", false, false, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct testca_options options = { .key = cases[i].key,
                                                        .key_usage = cases[i].key_usage,
                                                        .ext_usage = cases[i].ext_usage };
                AUTO(testca_free_p) struct testca *leaf = testca_make(NULL, &options);
                AUTO(cert_free_p) struct cert *cert = cert_of(leaf);

                if (cert->key_usage_ok != cases[i].ok || cert->server_auth != cases[i].server ||
                    cert->client_auth != cases[i].client)
                        fail_msg("case %zu", i);
        }
}

static void kinds_of_certificates(void **state UNUSED)
{
        const struct testca_options old = { .version1 = true, .subject = "old" };
        const struct testca_options weak = { .key = TESTCA_RSA1024, .digest = "SHA1", .subject = "" };
        const struct testca_options bare = { .no_key_ids = true, .serial = INT64_MAX };
        AUTO(testca_free_p) struct testca *v1 = testca_make(NULL, &old);
        AUTO(testca_free_p) struct testca *sha1 = testca_make(NULL, &weak);
        AUTO(testca_free_p) struct testca *no_ids = testca_make(NULL, &bare);
        AUTO(cert_free_p) struct cert *v1_cert = cert_of(v1);
        AUTO(cert_free_p) struct cert *sha1_cert = cert_of(sha1);
        AUTO(cert_free_p) struct cert *no_ids_cert = cert_of(no_ids);

        assert_true(v1_cert->is_ca && v1_cert->self_issued && v1_cert->server_auth && v1_cert->key_usage_ok);
        assert_int_equal(sha1_cert->key_type, CERT_KEY_RSA);
        assert_int_equal(sha1_cert->key_bits, 1024);
        assert_true(sha1_cert->signature_bits < 80);
        assert_string_equal(sha1_cert->subject, "");
        assert_false(sha1_cert->is_ca);
        assert_false(no_ids_cert->has_key_id || no_ids_cert->has_authority_key_id);
        assert_string_equal(no_ids_cert->serial, "7fffffffffffffff");
}

static void names_that_clients_use(void **state UNUSED)
{
        static const struct {
                const char *subject;
                const char *names;
                const char *asked;
                bool covered;
        } cases[] = {
                { "cn.example", NULL, "cn.example", true },
                { "cn.example", "DNS:other.example", "cn.example", false },
                { "cn.example", "IP:10.0.0.1", "cn.example", true },
                { "x", "DNS:a.example", "A.EXAMPLE", true },
                { "x", "DNS:a.example", "a.example.", true },
                { "x", "DNS:a.example", "b.a.example", false },
                { "x", "DNS:*.example.org", "a.example.org", true },
                { "x", "DNS:*.example.org", "*.example.org", true },
                { "x", "DNS:*.example.org", "a.b.example.org", false },
                { "x", "DNS:*.example.org", "example.org", false },
                { "x", "DNS:f*.example.org", "foo.example.org", false },
                { "x", "DNS:a.*.example.org", "a.b.example.org", false },
                { "x", "IP:10.0.0.1", "10.0.0.1", true },
                { "x", "IP:10.0.0.1", "10.0.0.2", false },
                { "x", "IP:::1", "0:0:0:0:0:0:0:1", true },
                { "10.0.0.1", NULL, "10.0.0.1", false },
                { "x", "DNS:10.0.0.1", "10.0.0.1", false },
                { "x", "DNS:a.example", "", false },
                { "x", "DNS:a.example", ".", false },
                { "x", "DNS:_mysql.a.example", "_mysql.a.example", true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct testca_options options = { .subject = cases[i].subject,
                                                        .names = cases[i].names };
                AUTO(testca_free_p) struct testca *leaf = testca_make(NULL, &options);
                AUTO(cert_free_p) struct cert *cert = cert_of(leaf);

                if (cert_covers(cert, cases[i].asked) != cases[i].covered)
                        fail_msg("CN %s, %s: '%s'", cases[i].subject, cases[i].names, cases[i].asked);
                assert_int_equal(ERR_peek_error(), 0);
        }
}

static void add_names(X509 *x509, GENERAL_NAMES *names)
{
        assert_int_equal(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE), 1);
}

static struct testca *with_dns(const char *bytes, int len, int times)
{
        struct testca *leaf = testca_leaf(NULL, NULL);
        GENERAL_NAMES *names = GENERAL_NAMES_new();

        for (int i = 0; i < times; i++) {
                GENERAL_NAME *name = GENERAL_NAME_new();
                ASN1_IA5STRING *text = ASN1_IA5STRING_new();

                assert_int_equal(ASN1_STRING_set(text, bytes, len), 1);
                GENERAL_NAME_set0_value(name, GEN_DNS, text);
                assert_int_not_equal(sk_GENERAL_NAME_push(names, name), 0);
        }
        add_names(leaf->x509, names);
        assert_true(X509_sign(leaf->x509, leaf->key, EVP_sha256()) > 0);
        GENERAL_NAMES_free(names);
        return leaf;
}

static void names_made_to_confuse(void **state UNUSED)
{
        AUTO(testca_free_p) struct testca *nul = with_dns("good.example\0.evil", 18, 1);
        AUTO(testca_free_p) struct testca *escape = with_dns("\033[2Ja\\ b", 8, 1);
        AUTO(testca_free_p) struct testca *most = with_dns("a", 1, CERT_MAX_NAMES);
        AUTO(testca_free_p) struct testca *many = with_dns("a", 1, CERT_MAX_NAMES + 1);
        AUTO(cert_free_p) struct cert *nul_cert = cert_of(nul);
        AUTO(cert_free_p) struct cert *escape_cert = cert_of(escape);
        AUTO(cert_free_p) struct cert *most_cert = cert_of(most);
        struct cert *none = NULL;
        struct err err = ERR_INIT;

        assert_string_equal(nul_cert->names[0], "DNS:good.example\\x00.evil");
        assert_false(cert_covers(nul_cert, "good.example"));
        assert_string_equal(escape_cert->names[0], "DNS:\\x1b[2Ja\\x5c\\x20b");
        assert_int_equal(most_cert->n_names, CERT_MAX_NAMES);
        assert_int_equal(cert_from_x509(many->x509, &none, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        assert_null(none);
}

/* The same key in a certificate with a compressed point is the same key. */
static void a_compressed_point(void **state UNUSED)
{
        AUTO(testca_free_p) struct testca *plain = testca_leaf(NULL, NULL);
        AUTO(EVP_PKEY_free_p) EVP_PKEY *key = EVP_PKEY_dup(plain->key);
        AUTO(testca_free_p) struct testca *compressed = NULL;
        AUTO(cert_free_p) struct cert *plain_cert = cert_of(plain);
        AUTO(cert_free_p) struct cert *compressed_cert = NULL;

        assert_int_equal(
                EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"),
                1);
        compressed = testca_make(NULL, &(struct testca_options){ .reuse_key = key });
        assert_true(ASN1_STRING_length(X509_get0_pubkey_bitstr(compressed->x509)) == 33);
        compressed_cert = cert_of(compressed);
        assert_true(hex_fingerprint_equal(&plain_cert->spki, &compressed_cert->spki));
}

static void bytes_of_all_kinds(void **state UNUSED)
{
        AUTO(testca_free_p) struct testca *leaf = testca_leaf(NULL, "DNS:a.example");
        unsigned char *der = NULL;
        size_t len = (size_t)i2d_X509(leaf->x509, &der);
        AUTO(mem_free_p) uint8_t *longer = mem_new(len + 1);
        struct err err = ERR_INIT;
        struct cert *none = NULL;

        memcpy(longer, der, len);
        assert_int_equal(cert_parse(longer, len + 1, &none, &err), -1);
        for (size_t at = 0; at < len; at++) {
                AUTO(cert_free_p) struct cert *cert = NULL;
                AUTO(mem_free_p) uint8_t *cut = mem_dup(der, at);

                assert_int_equal(cert_parse(cut, at, &none, &err), -1);
                assert_int_equal(err.kind, ERR_PARSE);
                longer[at] ^= 0x81;
                if (cert_parse(longer, len, &cert, &err) == 0)
                        assert_non_null(cert->subject);
                longer[at] ^= 0x81;
                assert_int_equal(ERR_peek_error(), 0);
        }
        OPENSSL_free(der);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(facts_of_a_leaf),       cmocka_unit_test(usages),
                cmocka_unit_test(kinds_of_certificates), cmocka_unit_test(names_that_clients_use),
                cmocka_unit_test(names_made_to_confuse), cmocka_unit_test(a_compressed_point),
                cmocka_unit_test(bytes_of_all_kinds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
