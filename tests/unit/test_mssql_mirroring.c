// SPDX-License-Identifier: Apache-2.0
/*
 * The pure parts of the mssqlserver-endpoint driver: rows of the views and what follows, the text of CREATE
 * CERTIFICATE, and that no key gets into a message. The rest is in tests/e2e/test_mssql_endpoint.py.
 */
#include "hooks/drivers.h"
#include "hooks/mssql_error.h"
#include "hooks/mssql_material.h"
#include "testbundle.h"
#include "testca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define THUMB "00112233445566778899AABBCCDDEEFF00112233"
#define OTHER "FF112233445566778899AABBCCDDEEFF00112233"

static void judgement(void **state UNUSED)
{
        static const struct {
                const char *endpoint[4];
                const char *certificate[5];
                enum err_kind kind;
                const char *said;
        } cases[] = {
                { { "hadr", "STARTED", "CERTIFICATE", "256" },
                  { "a", "256", THUMB, "5", "ENCRYPTED_BY_MASTER_KEY" },
                  ERR_NONE,
                  NULL },
                { { "hadr", "STARTED", "CERTIFICATE", "256" },
                  { "a", "256", OTHER, "5", NULL },
                  ERR_MISMATCH,
                  "not " THUMB },
                { { "hadr", "STARTED", "CERTIFICATE", "0" },
                  { "a", "0", THUMB, "5", NULL },
                  ERR_MISMATCH,
                  "shows no certificate" },
                { { "hadr", "STOPPED", "CERTIFICATE", "256" },
                  { "a", "256", THUMB, "5", NULL },
                  ERR_UNHEALTHY,
                  "is STOPPED" },
                { { NULL, NULL, NULL, NULL },
                  { "a", "256", THUMB, "5", NULL },
                  ERR_NOT_READY,
                  "no mirroring" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct mssql_mirroring seen = { .known = true };
                struct err err = ERR_INIT;

                mssql_mirroring_take_endpoint(&seen, cases[i].endpoint, 4);
                mssql_mirroring_take_certificate(&seen, cases[i].certificate, 5);
                assert_int_equal(mssql_mirroring_judge(&seen, THUMB, &err),
                                 cases[i].kind == ERR_NONE ? 0 : -1);
                assert_int_equal(err.kind, cases[i].kind);
                if (cases[i].said != NULL && strstr(err.text, cases[i].said) == NULL)
                        fail_msg("%zu: %s", i, err.text);
        }
}

static void rows(void **state UNUSED)
{
        static const char *const one[] = { "certrotate_0011", "256", THUMB, "5", "ENCRYPTED_BY_MASTER_KEY" };
        static const char *const owner[] = { "dbm", "5" };
        static const char *const nobody[] = { "nobody", NULL };
        struct mssql_mirroring seen = { .known = true };
        struct err err = ERR_INIT;

        mssql_mirroring_take_certificate(&seen, one, 0);
        mssql_mirroring_take_certificate(&seen, one, 5);
        mssql_mirroring_take_owner(&seen, nobody, 2);
        mssql_mirroring_take_owner(&seen, owner, 2);
        assert_int_equal(seen.n_certificates, 2);
        assert_string_equal(seen.certificates[0].owner, "");
        assert_string_equal(seen.certificates[1].owner, "dbm");
        assert_false(mssql_mirroring_is_ours(&seen.certificates[0]));
        assert_true(mssql_mirroring_is_ours(&seen.certificates[1]) && seen.certificates[1].has_key);
        for (int i = 0; i < MSSQL_CERTIFICATES_MAX; i++)
                mssql_mirroring_take_certificate(&seen, one, 5);
        assert_int_equal(seen.n_certificates, MSSQL_CERTIFICATES_MAX);
        (void)snprintf(seen.endpoint, sizeof(seen.endpoint), "hadr");
        assert_int_equal(mssql_mirroring_need(&seen, &err), -1);
        assert_non_null(strstr(err.text, "more than 64"));
}

static void statement(void **state UNUSED)
{
        AUTO(testca_free_p) struct testca *root = testca_root("root");
        const struct testca_options options = { .key = TESTCA_RSA2048, .names = "DNS:db" };
        AUTO(testca_free_p) struct testca *leaf = testca_make(root, &options);
        AUTO(mem_free_p) char *certificate = testca_cert_pem(leaf);
        AUTO(mem_free_p) char *key = testca_key_pem(leaf, TESTCA_PKCS8, NULL);
        AUTO(bundle_free_p) struct bundle *bundle = testbundle_load(certificate, key, certificate);
        AUTO(buf_done_p) struct buf sql = BUF_INIT(65536);
        struct mssql_material material;
        struct err err = ERR_INIT;

        assert_int_equal(mssql_material_make(bundle, &material, &err), 0);
        mssql_material_create(&material, "a]b", &sql);
        assert_ptr_equal(strstr(buf_str(&sql), "CREATE CERTIFICATE [certrotate_"), buf_str(&sql));
        assert_non_null(strstr(buf_str(&sql), "] AUTHORIZATION [a]]b] FROM BINARY = 0x3082"));
        assert_non_null(strstr(buf_str(&sql), " WITH PRIVATE KEY (BINARY = 0x1ef1b5b0")); /* PVK's mark */
        assert_int_equal(strlen(material.name), strlen("certrotate_") + 16);
        assert_int_equal(strlen(material.thumbprint), 40);
        mssql_material_done(&material);
        assert_null(material.key.data);
}

static void other_keys(void **state UNUSED)
{
        AUTO(testca_free_p) struct testca *root = testca_root("root");
        const struct testca_options options = { .key = TESTCA_P256, .names = "DNS:db" };
        AUTO(testca_free_p) struct testca *leaf = testca_make(root, &options);
        AUTO(mem_free_p) char *certificate = testca_cert_pem(leaf);
        AUTO(mem_free_p) char *key = testca_key_pem(leaf, TESTCA_PKCS8, NULL);
        AUTO(bundle_free_p) struct bundle *bundle = testbundle_load(certificate, key, certificate);
        struct mssql_material material;
        struct err err = ERR_INIT;

        assert_int_equal(mssql_material_make(bundle, &material, &err), -1);
        assert_int_equal(err.kind, ERR_ENGINE);
}

static void scrubbed(void **state UNUSED)
{
        static const char *const cases[][2] = {
                { "", "" },
                { "Incorrect syntax near '0x1EF1B5B00000000001.", "Incorrect syntax near '0x...." },
                { "deadbeefdeadbeef", "..." },
                { "Msg 15151, state 1: added a bad feed", "Msg 15151, state 1: added a bad feed" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                char text[128];

                (void)snprintf(text, sizeof(text), "%s", cases[i][0]);
                mssql_error_scrub(text);
                assert_string_equal(text, cases[i][1]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(judgement),  cmocka_unit_test(rows),     cmocka_unit_test(statement),
                cmocka_unit_test(other_keys), cmocka_unit_test(scrubbed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
