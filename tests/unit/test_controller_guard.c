// SPDX-License-Identifier: Apache-2.0
#include "control/controller_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ALLOWED 0

static int64_t ask(struct controller_guard *guard, const char *list, int64_t ms)
{
        bool is_fresh;

        return controller_guard_ask(guard, list, (struct mono){ ms }, &is_fresh);
}

static void fill(struct controller_guard *guard, const char *list, int64_t from_ms)
{
        for (int i = 0; i < CONTROLLER_GUARD_TIMES; i++)
                assert_int_equal(ask(guard, list, from_ms + i), ALLOWED);
}

static void test_so_often_and_no_more(void **state)
{
        struct controller_guard guard = { 0 };
        bool is_fresh;

        (void)state;
        fill(&guard, "x", 1000);
        assert_int_equal(controller_guard_ask(&guard, "x", (struct mono){ 1100 }, &is_fresh),
                         1019 + CONTROLLER_GUARD_REST_MS - 1100);
        assert_true(is_fresh);
        assert_true(controller_guard_ask(&guard, "x", (struct mono){ 1200 }, &is_fresh) > 0);
        assert_false(is_fresh);
}

static void test_then_once_in_a_while(void **state)
{
        struct controller_guard guard = { 0 };
        int64_t at = 1019;

        (void)state;
        fill(&guard, "x", 1000);
        for (int i = 0; i < 10; i++) {
                at += CONTROLLER_GUARD_REST_MS;
                assert_true(ask(&guard, "x", at - 1) > 0);
                assert_int_equal(ask(&guard, "x", at), ALLOWED);
                assert_true(ask(&guard, "x", at + 1) > 0);
        }
}

static void test_quiet_for_a_while_is_forgiven(void **state)
{
        struct controller_guard guard = { 0 };

        (void)state;
        fill(&guard, "x", 1000);
        assert_true(ask(&guard, "x", 2000) > 0);
        assert_false(controller_guard_is_idle(&guard, (struct mono){ 1019 + CONTROLLER_GUARD_MS }));
        assert_true(controller_guard_is_idle(&guard, (struct mono){ 1020 + CONTROLLER_GUARD_MS }));
        fill(&guard, "x", 1020 + CONTROLLER_GUARD_MS);
}

static void test_slow_enough_is_for_ever(void **state)
{
        struct controller_guard guard = { 0 };

        (void)state;
        for (int64_t i = 0; i < 1000; i++)
                assert_int_equal(ask(&guard, "x", i * (CONTROLLER_GUARD_MS / CONTROLLER_GUARD_TIMES + 200)),
                                 ALLOWED);
}

static void test_taking_turns_hides_nothing(void **state)
{
        static const char *const lists[CONTROLLER_GUARD_LISTS] = { "a", "b", "c", "d" };
        struct controller_guard guard = { 0 };

        (void)state;
        for (int i = 0; i < CONTROLLER_GUARD_TIMES; i++)
                for (size_t k = 0; k < ARRAY_LEN(lists); k++)
                        assert_int_equal(ask(&guard, lists[k], 1000 + i), ALLOWED);
        for (size_t k = 0; k < ARRAY_LEN(lists); k++)
                assert_true(ask(&guard, lists[k], 1100) > 0);
}

static void test_many_lists_are_progress(void **state)
{
        struct controller_guard guard = { 0 };

        (void)state;
        for (int i = 0; i < 10000; i++)
                assert_int_equal(
                        ask(&guard, (char[]){ (char)('a' + i % 20), (char)('a' + i / 20 % 20), 0 }, i),
                        ALLOWED);
}

/* The first of all: times start at 0 after boot. */
static void test_the_empty_list_at_the_beginning(void **state)
{
        struct controller_guard guard = { 0 };

        (void)state;
        assert_true(controller_guard_is_idle(&guard, (struct mono){ 0 }));
        fill(&guard, "", 0);
        assert_true(ask(&guard, "", 30) > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_so_often_and_no_more),
                cmocka_unit_test(test_then_once_in_a_while),
                cmocka_unit_test(test_quiet_for_a_while_is_forgiven),
                cmocka_unit_test(test_slow_enough_is_for_ever),
                cmocka_unit_test(test_taking_turns_hides_nothing),
                cmocka_unit_test(test_many_lists_are_progress),
                cmocka_unit_test(test_the_empty_list_at_the_beginning),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
