// SPDX-License-Identifier: Apache-2.0
/*
 * The record at rest: who was left behind, what is trusted; and the plans that follow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/record.h"

#include "base/mem.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void assert_same_text(const char *a, const char *b)
{
        assert_true((a == NULL) == (b == NULL));
        if (a != NULL)
                assert_string_equal(a, b);
}

static char *plan_text(const struct record *record)
{
        AUTO(json_free_p) cJSON *tree = record_plan(record);

        return json_print(tree, false);
}

/* Names that are parts of others. */
static void who_was_left(void **state UNUSED)
{
        char *list = NULL;

        assert_false(record_lists(list, "px-1"));
        record_list_add(&list, "px-11");
        record_list_add(&list, "px-1");
        record_list_add(&list, "x-1");
        record_list_add(&list, "px-1");
        assert_string_equal(list, "px-11 px-1 x-1 ");
        assert_true(record_lists(list, "px-1") && record_lists(list, "x-1") && record_lists(list, "px-11"));
        assert_false(record_lists(list, "px") || record_lists(list, "1"));
        record_list_drop(&list, "px-1");
        record_list_drop(&list, "px-1");
        assert_string_equal(list, "px-11 x-1 ");
        record_list_drop(&list, "px-11");
        record_list_drop(&list, "x-1");
        assert_null(list);
        assert_false(record_lists("px-1", "px-1")); /* no list of ours */
}

static void settled(void **state UNUSED)
{
        static const struct {
                const char *failure, *lost, *left, *want;
        } cases[] = {
                { NULL, NULL, "a ", NULL }, { "it", NULL, "a ", "a " }, { "it", "b ", "a ", "b " },
                { "it", "b ", NULL, "b " }, { NULL, NULL, NULL, NULL },
        };
        static const struct {
                bool is_tls;
                enum tls_mode wanted;
                const char *trusts, *want;
        } trusts[] = {
                { true, TLS_ON, "new", "new" },  { true, TLS_ON, "", "" },
                { true, TLS_ON, NULL, "old" },   { true, TLS_OFF, NULL, NULL },
                { false, TLS_OFF, NULL, "old" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(record_done_p)
                struct record record = { .failure = mem_strdup(cases[i].failure),
                                         .lost = mem_strdup(cases[i].lost),
                                         .left = mem_strdup(cases[i].left) };

                record_settle(&record);
                assert_same_text(record.left, cases[i].want);
        }
        for (size_t i = 0; i < ARRAY_LEN(trusts); i++) {
                AUTO(record_done_p)
                struct record record = { .is_tls = trusts[i].is_tls,
                                         .wanted = trusts[i].wanted,
                                         .trusts = mem_strdup(trusts[i].trusts),
                                         .trusted = mem_strdup("old") };

                record_set_trusted(&record);
                assert_same_text(record.trusted, trusts[i].want);
        }
}

static void the_plan_at_rest(void **state UNUSED)
{
        struct record record = { .generation = 4 };
        AUTO(mem_free_p) char *unknown = plan_text(&record);
        AUTO(mem_free_p) char *known = NULL;
        AUTO(mem_free_p) char *left = NULL;

        record.mode = TLS_ON;
        known = plan_text(&record);
        assert_string_equal(unknown, "{\"generation\":4,\"turn\":[]}");
        assert_string_equal(known, "{\"generation\":4,\"tls\":\"on\",\"turn\":[]}");
        record.turn = (char[]){ "px-1" };
        record.files[0] = (struct record_files){ .secret = (char[]){ "s" }, .hash = (char[]){ HASH } };
        record.n_files = 1;
        left = plan_text(&record);
        assert_string_equal(
                left, "{\"generation\":4,\"tls\":\"on\",\"turn\":[\"px-1\"],\"files\":{\"s\":\"" HASH "\"}}");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_was_left),
                cmocka_unit_test(settled),
                cmocka_unit_test(the_plan_at_rest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
