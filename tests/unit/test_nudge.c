// SPDX-License-Identifier: Apache-2.0
/*
 * When the kubelet is nudged: not before a renewal is due, and then neither often nor never.
 */
#include "rotate/nudge.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void pauses(void **state UNUSED)
{
        static const struct {
                bool known;
                int64_t life_s;
                int64_t age_s;
                bool due;
                int64_t pause_s;
        } cases[] = {
                { false, 0, 0, true, 60 },            /* nothing is published yet */
                { true, 3600, 0, false, 2400 },       /* until two thirds are over */
                { true, 3600, 2399, false, 1 },       /* … */
                { true, 3600, 2400, true, 10 },       /* then often */
                { true, 3600, 2600, true, 20 },       /* … and less so when nothing comes */
                { true, 90 * 86400, 0, false, 3600 }, /* clocks jump: looked at each hour */
                { true, 90 * 86400, 60 * 86400, true, 10 },
                { true, 90 * 86400, 60 * 86400 + 1800, true, 180 },
                { true, 90 * 86400, 61 * 86400, true, 600 },
                { true, 86400, 900000, true, 600 }, /* expired */
                { true, 0, 0, true, 10 },           /* nonsense */
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct status_leaf leaf = { .known = cases[i].known,
                                                  .not_before = { 1000000 },
                                                  .not_after = { 1000000 + cases[i].life_s } };
                bool due = !cases[i].due;
                int64_t pause = nudge_pause(&leaf, (struct wall){ 1000000 + cases[i].age_s }, &due);

                assert_int_equal(due, cases[i].due);
                assert_int_equal(pause, cases[i].pause_s * 1000);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(pauses) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
