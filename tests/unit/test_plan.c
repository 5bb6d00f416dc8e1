// SPDX-License-Identifier: Apache-2.0
/*
 * The plan: what it says is understood whole or not at all.
 */
#include "rotate/plan.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "testca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static int parse(const char *text, struct plan *out, struct err *err)
{
        return plan_parse(text, strlen(text), "px-1", out, err);
}

static void everything(void **state UNUSED)
{
        AUTO(testca_free_p) struct testca *root = testca_root("old");
        AUTO(mem_free_p) char *pem = testca_cert_pem(root);
        AUTO(json_free_p) cJSON *tree = json_object();
        AUTO(mem_free_p) char *text = NULL;
        AUTO(plan_done_p) struct plan plan = { .turn = false };
        struct err err;

        json_add_str(tree, "request", "px-rotate");
        json_add_str(tree, "kind", "MariaDBOpsRequest");
        json_add_int(tree, "generation", 3);
        json_add_str(tree, "phase", "trust");
        json_add_str(tree, "tls", "required");
        json_add_str(tree, "authorities", pem);
        json_add_str(tree, "of a newer controller", "ignored");
        text = json_print(tree, false);
        assert_int_equal(parse(text, &plan, &err), 0);
        assert_true(plan.given && plan.turn);
        assert_string_equal(plan.request, "px-rotate");
        assert_string_equal(plan.kind, "MariaDBOpsRequest");
        assert_int_equal(plan.generation, 3);
        assert_int_equal(plan.phase, PLAN_TRUST);
        assert_int_equal(plan.tls, TLS_REQUIRED);
        assert_int_equal(plan.authorities.n, 1);
}

static void whose_turn(void **state UNUSED)
{
        static const struct {
                const char *text;
                bool turn;
        } cases[] = {
                { "{}", true },
                { "{\"turn\":null}", true },
                { "{\"turn\":[]}", false },
                { "{\"turn\":[\"px-0\"]}", false },
                { "{\"turn\":[\"px-0\",\"px-1\"]}", true },
                { "{\"turn\":[\"px-11\"]}", false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(plan_done_p) struct plan plan = { .given = false };
                struct err err;

                assert_int_equal(parse(cases[i].text, &plan, &err), 0);
                assert_int_equal(plan.turn, cases[i].turn);
                assert_int_equal(plan.phase, PLAN_NO_PHASE);
                assert_int_equal(plan.tls, TLS_UNMANAGED);
        }
}

/* A list of its own: who does not know it waits for its turn. */
static void who_may_reload(void **state UNUSED)
{
        static const struct {
                const char *text;
                bool turn, reload;
        } cases[] = {
                { "{\"turn\":[]}", false, false },
                { "{\"turn\":[],\"reload\":null}", false, false },
                { "{\"turn\":[\"px-0\"],\"reload\":[\"px-1\"]}", false, true },
                { "{\"turn\":[\"px-1\"],\"reload\":[\"px-2\"]}", true, false },
                { "{\"reload\":[\"px-2\"]}", true, false },
                { "{\"turn\":[],\"reload\":[\"px-11\",\"px-1\"]}", false, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(plan_done_p) struct plan plan = { .given = false };
                struct err err;

                assert_int_equal(parse(cases[i].text, &plan, &err), 0);
                assert_int_equal(plan.turn, cases[i].turn);
                assert_int_equal(plan.reload, cases[i].reload);
        }
}

static void half_a_plan_is_none(void **state UNUSED)
{
        static const struct {
                const char *text;
                const char *says;
        } cases[] = {
                { "", "" },
                { "{", "" },
                { "[]", "must be an object" },
                { "{\"phase\":\"leave\"}", "phase is 'leave': there are trust, leaf and prune" },
                { "{\"phase\":1}", "phase must be a text" },
                { "{\"tls\":\"yes\"}", "tls is 'yes': there are off, mixed, on and required" },
                { "{\"turn\":\"px-1\"}", "turn must be a list of instances" },
                { "{\"turn\":[1]}", "turn must be a list of instances" },
                { "{\"turn\":[],\"reload\":\"px-1\"}", "reload must be a list of instances" },
                { "{\"turn\":[\"px-1\"],\"turn\":[]}", "" },
                { "{\"authorities\":\"-----BEGIN CERTIFICATE-----\"}", "authorities" },
                { "{\"request\":{}}", "request must be a text" },
                { "{\"files\":[]}", "files must be an object of Secrets" },
                { "{\"files\":{\"px\":\"ab\"}}", "files: that of 'px' must be a SHA-256 in hex" },
                { "{\"files\":{\"px\":null}}", "files: that of 'px' must be a SHA-256 in hex" },
                { "{\"files\":{\"\":\"" SHA "\"}}", "files: '' is no name of a Secret" },
                { "{\"files\":{\"px\":\"" SHA "\",\"px\":\"" SHA "\"}}", "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct plan plan = { .generation = 7 };
                struct err err = ERR_INIT;

                assert_int_equal(parse(cases[i].text, &plan, &err), -1);
                assert_int_equal(err.kind, ERR_PARSE);
                if (strstr(err.text, cases[i].says) == NULL)
                        fail_msg("'%s' says '%s'", cases[i].text, err.text);
                assert_int_equal(plan.generation, 7);
        }
}

static void which_files(void **state UNUSED)
{
        AUTO(plan_done_p) struct plan plan = { .given = false };
        const struct fingerprint *content;
        struct err err;
        char hex[FINGERPRINT_TEXT_MAX];

        assert_int_equal(parse("{\"files\":{\"px-files\":\"" SHA "\",\"px-leaf\":\"" SHA "\"}}", &plan, &err),
                         0);
        assert_int_equal(plan.n_files, 2);
        content = plan_find_files(&plan, "px-files");
        assert_non_null(content);
        assert_string_equal(hex_fingerprint(content, hex), SHA);
        assert_null(plan_find_files(&plan, "px"));
        assert_null(plan_find_files(&plan, NULL));
}

static void who_is_restarted(void **state UNUSED)
{
        static const char *const wrong[] = { "7", "[]", "\"true\"", "{\"px-files\":true}",
                                             "{\"px-files\":\"no\"}" };
        AUTO(plan_done_p) struct plan plan = { .given = false };
        struct err err = ERR_INIT;

        assert_int_equal(parse("{\"files\":{\"a\":\"" SHA "\",\"b\":\"" SHA "\",\"c\":\"" SHA "\"},"
                               "\"restart\":{\"a\":\"true\",\"b\":\"false\",\"d\":\"false\"}}",
                               &plan, &err),
                         0);
        assert_int_equal(plan_find_restart(&plan, "a"), PLAN_RESTART_ALWAYS);
        assert_int_equal(plan_find_restart(&plan, "b"), PLAN_RESTART_NEVER);
        assert_int_equal(plan_find_restart(&plan, "c"), PLAN_RESTART_AUTO);
        assert_int_equal(plan_find_restart(&plan, "d"), PLAN_RESTART_AUTO);
        assert_int_equal(plan_find_restart(&plan, NULL), PLAN_RESTART_AUTO);
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
                AUTO(mem_free_p)
                char *text = mem_printf("{\"files\":{\"px-files\":\"" SHA "\"},\"restart\":%s}", wrong[i]);

                assert_int_equal(parse(text, &plan, &err), -1);
                assert_int_equal(err.kind, ERR_PARSE);
                assert_non_null(strstr(err.text, "restart"));
        }
}

static void not_too_many_files(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(PLAN_MAX_BYTES);
        struct plan plan = { .generation = 7 };
        struct err err = ERR_INIT;

        buf_add_str(&text, "{\"files\":{\"s\":\"" SHA "\"");
        for (int i = 0; i < PLAN_FILES_MAX; i++)
                buf_printf(&text, ",\"s%d\":\"" SHA "\"", i);
        buf_add_str(&text, "}}");
        assert_int_equal(parse(buf_str(&text), &plan, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        assert_int_equal(plan.generation, 7);
}

static void no_file_is_no_plan(void **state UNUSED)
{
        struct plan plan = { .given = true };
        struct err err = ERR_INIT;

        assert_int_equal(plan_read("/nonexistent/plan.json", "px-1", &plan, &err), 0);
        assert_false(plan.given);
        assert_true(plan.turn);
        assert_int_equal(plan_read("/proc/self", "px-1", &plan, &err), -1);
        assert_int_equal(err.kind, ERR_IO);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(everything),         cmocka_unit_test(whose_turn),
                cmocka_unit_test(who_may_reload),     cmocka_unit_test(half_a_plan_is_none),
                cmocka_unit_test(which_files),        cmocka_unit_test(who_is_restarted),
                cmocka_unit_test(not_too_many_files), cmocka_unit_test(no_file_is_no_plan),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
