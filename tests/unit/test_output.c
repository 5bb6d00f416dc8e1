// SPDX-License-Identifier: Apache-2.0
/*
 * certs/output.c and certs/pkcs12.c, read back by OpenSSL. That Java reads the stores too is proven with the
 * real keytool in tests/e2e/test_convert.py.
 */
#include "certs/output.h"
#include "certs/pkcs12_check.h"
#include "testbundle.h"
#include "testca.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OUTPUT_ROOM ((size_t)1 << 20)

static const enum testca_key kinds[] = { TESTCA_RSA2048, TESTCA_P256,    TESTCA_P384,
                                         TESTCA_P521,    TESTCA_ED25519, TESTCA_ED448 };

static struct bundle *make_bundle(enum testca_key kind)
{
        AUTO(testca_free_p) struct testca *root = testca_root("root");
        AUTO(testca_free_p) struct testca *other = testca_root("other");
        AUTO(testca_free_p) struct testca *inter = testca_intermediate(root, "inter");
        AUTO(testca_free_p)
        struct testca *leaf =
                testca_make(inter, &(struct testca_options){ .names = "DNS:db.example", .key = kind });
        const struct testca *chain[] = { leaf, inter };
        const struct testca *authorities[] = { root, other };
        AUTO(mem_free_p) char *certificate = testca_chain_pem(chain, 2);
        AUTO(mem_free_p) char *key = testca_key_pem(leaf, TESTCA_PKCS8, NULL);
        AUTO(mem_free_p) char *ca = testca_chain_pem(authorities, 2);

        return testbundle_load(certificate, key, ca);
}

static void render(enum output_content content, const struct bundle *bundle, const struct secret *password,
                   struct buf *out)
{
        const struct output output = {
                .name = "file", .content = content, .alias = "db", .password = password
        };
        struct err err;

        buf_reset(out);
        if (output_render(&output, bundle, &bundle->authorities, out, &err) != 0)
                fail_msg("%s: %s", output_content_name(content), err.text);
}

static int count(const char *text, const char *part)
{
        int n = 0;

        for (; (text = strstr(text, part)) != NULL; text++)
                n++;
        return n;
}

static void check_key_pem(const struct buf *text, const struct bundle *bundle, const char *label)
{
        AUTO(mem_free_p) char *begin = mem_printf("-----BEGIN %s-----\n", label);
        BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

        assert_non_null(strstr(buf_str(text), begin));
        assert_non_null(key);
        assert_int_equal(EVP_PKEY_eq(key, bundle->key->pkey), 1);
        EVP_PKEY_free(key);
        BIO_free(bio);
}

static void pem_is_read_back(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(OUTPUT_ROOM);

        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
                AUTO(bundle_free_p) struct bundle *bundle = make_bundle(kinds[i]);

                render(OUTPUT_KEY, bundle, NULL, &out);
                check_key_pem(&out, bundle, "PRIVATE KEY");
                assert_int_equal(count(buf_str(&out), "CERTIFICATE"), 0);
                render(OUTPUT_COMBINED, bundle, NULL, &out);
                check_key_pem(&out, bundle, "PRIVATE KEY");
                assert_int_equal(count(buf_str(&out), "BEGIN CERTIFICATE"), 2);
                render(OUTPUT_LEAF, bundle, NULL, &out);
                assert_int_equal(count(buf_str(&out), "BEGIN CERTIFICATE"), 1);
                render(OUTPUT_CHAIN, bundle, NULL, &out);
                assert_int_equal(count(buf_str(&out), "BEGIN CERTIFICATE"), 2);
                render(OUTPUT_CA, bundle, NULL, &out);
                assert_int_equal(count(buf_str(&out), "BEGIN CERTIFICATE"), 2);
                assert_int_equal(count(buf_str(&out), "PRIVATE"), 0);
        }
}

static void legacy_is_for_old_key_types(void **state UNUSED)
{
        const struct output output = { .name = "tls.key", .content = OUTPUT_KEY_LEGACY };
        AUTO(buf_done_p) struct buf out = BUF_INIT(OUTPUT_ROOM);
        AUTO(bundle_free_p) struct bundle *rsa = make_bundle(TESTCA_RSA2048);
        AUTO(bundle_free_p) struct bundle *ec = make_bundle(TESTCA_P256);
        AUTO(bundle_free_p) struct bundle *ed = make_bundle(TESTCA_ED25519);
        struct err err;

        render(OUTPUT_KEY_LEGACY, rsa, NULL, &out);
        check_key_pem(&out, rsa, "RSA PRIVATE KEY");
        render(OUTPUT_KEY_LEGACY, ec, NULL, &out);
        check_key_pem(&out, ec, "EC PRIVATE KEY");
        buf_reset(&out);
        assert_int_equal(output_render(&output, ed, &ed->authorities, &out, &err), -1);
        assert_int_equal(err.kind, ERR_REFUSED);
        assert_int_equal(out.len, 0);
}

static PKCS12 *decode(const struct buf *der)
{
        const unsigned char *p = der->data;
        PKCS12 *store = d2i_PKCS12(NULL, &p, (long)der->len);

        assert_non_null(store);
        assert_ptr_equal(p, der->data + der->len);
        return store;
}

static void check_key_store(const struct bundle *bundle, const struct secret *password, struct buf *out)
{
        const char *text = password == NULL ? "" : (const char *)password->data;
        STACK_OF(X509) *others = NULL;
        const ASN1_OBJECT *digest;
        const X509_ALGOR *algorithm;
        EVP_PKEY *key = NULL;
        X509 *leaf = NULL;
        PKCS12 *store;
        int len = 0;

        render(OUTPUT_PKCS12, bundle, password, out);
        store = decode(out);
        PKCS12_get0_mac(NULL, &algorithm, NULL, NULL, store);
        X509_ALGOR_get0(&digest, NULL, NULL, algorithm);
        assert_int_equal(OBJ_obj2nid(digest), NID_sha256);
        assert_int_equal(PKCS12_verify_mac(store, "wrong", -1), 0);
        assert_int_equal(PKCS12_parse(store, text, &key, &leaf, &others), 1);
        assert_int_equal(EVP_PKEY_eq(key, bundle->key->pkey), 1);
        assert_int_equal(X509_cmp(leaf, bundle_leaf(bundle)->x509), 0);
        assert_int_equal(sk_X509_num(others), 1);
        assert_memory_equal(X509_alias_get0(leaf, &len), "db", 2);
        ERR_clear_error();
        EVP_PKEY_free(key);
        X509_free(leaf);
        sk_X509_pop_free(others, X509_free);
        PKCS12_free(store);
}

static void key_stores_are_read_back(void **state UNUSED)
{
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        AUTO(buf_done_p) struct buf out = BUF_INIT(OUTPUT_ROOM);

        secret_set(&password, "s3cret!", 7);
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
                AUTO(bundle_free_p) struct bundle *bundle = make_bundle(kinds[i]);

                check_key_store(bundle, &password, &out);
                check_key_store(bundle, NULL, &out);
        }
}

static bool is_trusted(PKCS12_SAFEBAG *bag)
{
        const STACK_OF(X509_ATTRIBUTE) *attributes = PKCS12_SAFEBAG_get0_attrs(bag);

        for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++) {
                X509_ATTRIBUTE *one = sk_X509_ATTRIBUTE_value(attributes, i);
                char oid[64];
                const ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(one, 0);

                (void)OBJ_obj2txt(oid, sizeof(oid), X509_ATTRIBUTE_get0_object(one), 1);
                if (strcmp(oid, "2.16.840.1.113894.746875.1.1") == 0)
                        return value->type == V_ASN1_OBJECT &&
                               OBJ_obj2nid(value->value.object) == NID_anyExtendedKeyUsage;
        }
        return false;
}

static void check_trust_store(const struct bundle *bundle, const struct secret *password, struct buf *out)
{
        PKCS12 *store;
        STACK_OF(PKCS7) * safes;
        STACK_OF(PKCS12_SAFEBAG) * bags;

        render(OUTPUT_TRUSTSTORE, bundle, password, out);
        store = decode(out);
        assert_int_equal(PKCS12_mac_present(store), password != NULL);
        safes = PKCS12_unpack_authsafes(store);
        assert_int_equal(sk_PKCS7_num(safes), 1);
        bags = password == NULL ? PKCS12_unpack_p7data(sk_PKCS7_value(safes, 0))
                                : PKCS12_unpack_p7encdata(sk_PKCS7_value(safes, 0),
                                                          (const char *)password->data, (int)password->len);
        assert_int_equal(sk_PKCS12_SAFEBAG_num(bags), bundle->authorities.n);
        for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
                AUTO(mem_free_p) char *want = mem_printf("ca-%d", i + 1);
                char *alias = PKCS12_get_friendlyname(sk_PKCS12_SAFEBAG_value(bags, i));

                assert_true(is_trusted(sk_PKCS12_SAFEBAG_value(bags, i)));
                assert_string_equal(alias, want);
                OPENSSL_free(alias);
        }
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
        sk_PKCS7_pop_free(safes, PKCS7_free);
        PKCS12_free(store);
}

static void trust_stores_are_read_back(void **state UNUSED)
{
        AUTO(bundle_free_p) struct bundle *bundle = make_bundle(TESTCA_P256);
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        AUTO(buf_done_p) struct buf out = BUF_INIT(OUTPUT_ROOM);

        secret_set(&password, "changeit", 8);
        check_trust_store(bundle, &password, &out);
        check_trust_store(bundle, NULL, &out);
}

/* A file that asks for two thousand million rounds is left alone at once. */
static void check_absurd_mac(const struct buf *good, const struct secret *password)
{
        PKCS12 *store = decode(good);
        unsigned char *der = NULL;
        const ASN1_INTEGER *iterations;
        int len;

        PKCS12_get0_mac(NULL, NULL, NULL, &iterations, store);
        assert_int_equal(ASN1_INTEGER_set((ASN1_INTEGER *)(uintptr_t)iterations, 2000000000), 1);
        len = i2d_PKCS12(store, &der);
        assert_true(len > 0);
        assert_int_equal(pkcs12_check_password(der, (size_t)len, password), PKCS12_ALIEN);
        OPENSSL_free(der);
        PKCS12_free(store);
}

/* What is read back must be what was meant: every difference is seen, and so is another password. */
static void bad_stores_are_found(void **state UNUSED)
{
        AUTO(bundle_free_p) struct bundle *bundle = make_bundle(TESTCA_P256);
        AUTO(bundle_free_p) struct bundle *other = make_bundle(TESTCA_P256);
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        AUTO(secret_done_p) struct secret wrong = SECRET_INIT;
        AUTO(buf_done_p) struct buf keys = BUF_INIT(OUTPUT_ROOM);
        AUTO(buf_done_p) struct buf trust = BUF_INIT(OUTPUT_ROOM);
        struct bundle mixed;
        struct err err = ERR_INIT;

        secret_set(&password, "changeit", 8);
        secret_set(&wrong, "changeiT", 8);
        render(OUTPUT_PKCS12, bundle, &password, &keys);
        render(OUTPUT_TRUSTSTORE, bundle, &password, &trust);
        assert_int_equal(pkcs12_check_key_store(keys.data, keys.len, &password, bundle, &err), 0);
        assert_int_equal(
                pkcs12_check_trust_store(trust.data, trust.len, &password, &bundle->authorities, &err), 0);
        assert_int_equal(pkcs12_check_key_store(keys.data, keys.len, &wrong, bundle, &err), -1);
        assert_int_equal(pkcs12_check_key_store(keys.data, keys.len, NULL, bundle, &err), -1);
        assert_int_equal(pkcs12_check_key_store(keys.data, keys.len, &password, other, &err), -1);
        assert_non_null(strstr(err.text, "another key"));
        mixed = *bundle;
        mixed.chain = other->chain;
        assert_int_equal(pkcs12_check_key_store(keys.data, keys.len, &password, &mixed, &err), -1);
        assert_int_equal(pkcs12_check_key_store(keys.data, keys.len - 1, &password, bundle, &err), -1);
        assert_int_equal(pkcs12_check_key_store(keys.data, 0, &password, bundle, &err), -1);
        assert_int_equal(pkcs12_check_key_store(trust.data, trust.len, &password, bundle, &err), -1);
        assert_int_equal(
                pkcs12_check_trust_store(trust.data, trust.len, &password, &other->authorities, &err), -1);
        assert_non_null(strstr(err.text, "lacks"));
        for (size_t i = 0; i < keys.len; i += 41) {
                keys.data[i] ^= 0x20;
                assert_int_equal(pkcs12_check_key_store(keys.data, keys.len, &password, bundle, &err), -1);
                keys.data[i] ^= 0x20;
        }
        assert_int_equal(pkcs12_check_password(keys.data, keys.len, &password), PKCS12_OPENS);
        assert_int_equal(pkcs12_check_password(keys.data, keys.len, &wrong), PKCS12_LOCKED);
        assert_int_equal(pkcs12_check_password(keys.data, keys.len - 1, &wrong), PKCS12_ALIEN);
        assert_int_equal(pkcs12_check_password("\xfe\xed\xfe\xed", 4, &wrong), PKCS12_ALIEN);
        assert_int_equal(pkcs12_check_password(NULL, 0, &wrong), PKCS12_ALIEN);
        check_absurd_mac(&keys, &password);
}

static void refuses_what_cannot_be(void **state UNUSED)
{
        static const enum output_content need_key[] = { OUTPUT_KEY, OUTPUT_KEY_LEGACY, OUTPUT_COMBINED,
                                                        OUTPUT_PKCS12 };
        AUTO(bundle_free_p) struct bundle *full = make_bundle(TESTCA_P256);
        AUTO(bundle_free_p) struct bundle *public = NULL;
        AUTO(buf_done_p) struct buf out = BUF_INIT(OUTPUT_ROOM);
        AUTO(buf_done_p) struct buf tiny = BUF_INIT(100);
        struct output output = { .name = "file", .content = OUTPUT_TRUSTSTORE };
        struct err err;

        render(OUTPUT_CHAIN, full, NULL, &out);
        assert_int_equal(bundle_from_pem(buf_str(&out), "", &public, &err), 0);
        buf_reset(&out);
        assert_int_equal(output_render(&output, public, &public->authorities, &out, &err), -1);
        assert_int_equal(err.kind, ERR_REFUSED);
        for (size_t i = 0; i < ARRAY_LEN(need_key); i++) {
                output.content = need_key[i];
                assert_int_equal(output_render(&output, public, &public->authorities, &out, &err), -1);
                assert_int_equal(err.kind, ERR_REFUSED);
        }
        assert_int_equal(out.len, 0);
        for (int i = OUTPUT_KEY; i <= OUTPUT_TRUSTSTORE; i++) {
                buf_done(&tiny);
                output.content = (enum output_content)i;
                assert_int_equal(output_render(&output, full, &full->authorities, &tiny, &err), -1);
                assert_int_equal(err.kind, ERR_LIMIT);
        }
}

static void contents_have_names(void **state UNUSED)
{
        for (int i = OUTPUT_KEY; i <= OUTPUT_TRUSTSTORE; i++)
                assert_int_equal(output_parse_content(output_content_name((enum output_content)i)), i);
        assert_int_equal(output_parse_content("jks"), -1);
        assert_int_equal(output_parse_content(""), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pem_is_read_back),         cmocka_unit_test(legacy_is_for_old_key_types),
                cmocka_unit_test(key_stores_are_read_back), cmocka_unit_test(trust_stores_are_read_back),
                cmocka_unit_test(bad_stores_are_found),     cmocka_unit_test(refuses_what_cannot_be),
                cmocka_unit_test(contents_have_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
