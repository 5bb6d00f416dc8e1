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
                { "{\"turn\":[\"px-1\"],\"turn\":[]}", "" },
                { "{\"authorities\":\"-----BEGIN CERTIFICATE-----\"}", "authorities" },
                { "{\"request\":{}}", "request must be a text" },
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
                cmocka_unit_test(everything),
                cmocka_unit_test(whose_turn),
                cmocka_unit_test(half_a_plan_is_none),
                cmocka_unit_test(no_file_is_no_plan),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
