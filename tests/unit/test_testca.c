// SPDX-License-Identifier: Apache-2.0
/*
 * The test helper itself: what it makes verifies with OpenSSL, every key form reads back, and a volume has
 * kubelet's layout after a swap.
 */
#include "base/mem.h"
#include "testca.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void chains_verify(void **state UNUSED)
{
        AUTO(testca_free_p) struct testca *root = testca_root("root");
        AUTO(testca_free_p) struct testca *other = testca_twin(root, false);
        AUTO(testca_free_p) struct testca *renewed = testca_renewed(root);
        AUTO(testca_free_p) struct testca *leaf = testca_leaf(root, "DNS:db.example,IP:127.0.0.1");

        assert_int_equal(X509_verify(leaf->x509, root->key), 1);
        assert_int_equal(X509_check_issued(renewed->x509, leaf->x509), X509_V_OK);
        assert_int_not_equal(X509_verify(leaf->x509, other->key), 1);
        assert_int_equal(EVP_PKEY_eq(renewed->key, root->key), 1);
        assert_int_not_equal(X509_cmp(renewed->x509, root->x509), 0);
}

static void every_form_reads_back(void **state UNUSED)
{
        static const enum testca_key types[] = { TESTCA_P256, TESTCA_P384, TESTCA_RSA1024, TESTCA_ED25519 };

        for (size_t i = 0; i < ARRAY_LEN(types); i++) {
                AUTO(testca_free_p)
                struct testca *leaf = testca_make(NULL, &(struct testca_options){ .key = types[i] });

                for (int form = TESTCA_PKCS8; form <= TESTCA_LEGACY_CRYPTED; form++) {
                        AUTO(mem_free_p) char *pem = NULL;
                        char password[] = "secret";
                        EVP_PKEY *key;
                        BIO *bio;

                        if (types[i] == TESTCA_ED25519 && form >= TESTCA_LEGACY)
                                continue;
                        pem = testca_key_pem(leaf, (enum testca_form)form, password);
                        bio = BIO_new_mem_buf(pem, -1);
                        key = PEM_read_bio_PrivateKey(bio, NULL, NULL, password);
                        assert_non_null(key);
                        assert_int_equal(EVP_PKEY_eq(key, leaf->key), 1);
                        EVP_PKEY_free(key);
                        BIO_free(bio);
                }
        }
}

static void volumes_swap(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *file = mem_printf("%s/b", dir);
        AUTO(mem_free_p) char *gone = mem_printf("%s/a", dir);
        const struct testca_file first[] = { TESTCA_TEXT("a", "1"), TESTCA_TEXT("b", "2") };
        const struct testca_file second[] = { TESTCA_TEXT("b", "333") };
        struct stat st;

        testca_volume_write(dir, first, 2);
        assert_int_equal(lstat(file, &st), 0);
        assert_true(S_ISLNK(st.st_mode));
        testca_volume_write(dir, second, 1);
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_size, 3);
        assert_int_equal(lstat(gone, &st), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(chains_verify),
                cmocka_unit_test(every_form_reads_back),
                cmocka_unit_test(volumes_swap),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
