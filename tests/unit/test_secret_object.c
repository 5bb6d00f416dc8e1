// SPDX-License-Identifier: Apache-2.0
/*
 * A Secret of the API and the directory that a kubelet makes of it are the same thing.
 */
#include "certs/secret_object.h"

#include "base/limits.h"
#include "base/mem.h"
#include "testca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int read_text(const char *text, struct snapshot **out, struct err *err)
{
        AUTO(json_free_p) cJSON *tree = NULL;

        assert_int_equal(json_parse(text, strlen(text), &tree, err), 0);
        return secret_object_read(tree, out, err);
}

static void same_as_the_directory(void **state UNUSED)
{
        static const char *const names[] = { "tls.key", "ca.crt", "tls.crt" };
        static const char *const texts[] = { "key\n", "", "certificate" };
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(snapshot_free_p) struct snapshot *object = NULL;
        AUTO(snapshot_free_p) struct snapshot *volume = NULL;
        AUTO(snapshot_free_p) struct snapshot *copy = NULL;
        struct err err = ERR_INIT;

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                testca_write(dir, names[i], texts[i], strlen(texts[i]));
        assert_int_equal(
                read_text("{\"type\":\"kubernetes.io/tls\",\"data\":{\"tls.crt\":\"Y2VydGlmaWNhdGU=\","
                          "\"tls.key\":\"a2V5Cg==\",\"..data\":\"Y2E=\",\"ca.crt\":\"\"}}",
                          &object, &err),
                0);
        assert_int_equal(snapshot_read(dir, &volume, &err), 0);
        assert_true(hex_fingerprint_equal(&object->content, &volume->content));
        assert_true(object->atomic);
        copy = snapshot_copy(object);
        assert_memory_equal(snapshot_find(copy, "tls.key")->data.data, "key\n", 5);
        assert_true(hex_fingerprint_equal(&object->content, &copy->content));
}

static void refusals(void **state UNUSED)
{
        static const struct {
                const char *text;
                enum err_kind kind;
                const char *says;
        } cases[] = {
                { "{}", ERR_MISSING, "no data" },
                { "{\"data\":null}", ERR_MISSING, "no data" },
                { "{\"data\":{}}", ERR_MISSING, "no data" },
                { "{\"data\":[]}", ERR_PARSE, "no object" },
                { "{\"data\":{\"a\":1}}", ERR_PARSE, "'a' has no text" },
                { "{\"data\":{\"a/b\":\"\"}}", ERR_PARSE, "'a/b' is no file name" },
                { "{\"data\":{\"\":\"\"}}", ERR_PARSE, "no file name" },
                { "{\"data\":{\"a\":\"QQ=\"}}", ERR_PARSE, "'a': is no base64" },
                { "{\"data\":{\"a\":\"QQ\"}}", ERR_PARSE, "'a': is no base64" },
                { "{\"data\":{\"a\":\"Q===\"}}", ERR_PARSE, "'a': is no base64" },
                { "{\"data\":{\"a\":\"====\"}}", ERR_PARSE, "'a': is no base64" },
                { "{\"data\":{\"a\":\"QQ==QQ==\"}}", ERR_PARSE, "'a': is no base64" },
                { "{\"data\":{\"a\":\" QQ \"}}", ERR_PARSE, "'a': is no base64" },
                { "{\"data\":{\"a\":\"Q-_Q\"}}", ERR_PARSE, "'a': is no base64" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct snapshot *snapshot = NULL;
                struct err err = ERR_INIT;

                if (read_text(cases[i].text, &snapshot, &err) == 0)
                        fail_msg("taken: %s", cases[i].text);
                assert_null(snapshot);
                assert_int_equal(err.kind, cases[i].kind);
                if (strstr(err.text, cases[i].says) == NULL)
                        fail_msg("%s: '%s', wanted '%s'", cases[i].text, err.text, cases[i].says);
        }
}

static void limits(void **state UNUSED)
{
        AUTO(json_free_p) cJSON *many = json_object();
        AUTO(json_free_p) cJSON *large = json_object();
        AUTO(mem_free_p) char *text = mem_new(SNAPSHOT_MAX_BYTES / 2 * 4 / 3 + 64);
        struct snapshot *snapshot = NULL;
        struct err err = ERR_INIT;

        json_add(many, "data", json_object());
        for (int i = 0; i <= SNAPSHOT_MAX_FILES; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "k%d", i);
                json_add_str(many->child, name, "QQ==");
        }
        assert_int_equal(secret_object_read(many, &snapshot, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        memset(text, 'A', SNAPSHOT_MAX_BYTES / 2 / 3 * 4 + 8);
        json_add(large, "data", json_object());
        json_add_str(large->child, "a", text);
        json_add_str(large->child, "b", text);
        assert_int_equal(secret_object_read(large, &snapshot, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(same_as_the_directory),
                cmocka_unit_test(refusals),
                cmocka_unit_test(limits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
