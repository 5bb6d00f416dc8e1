// SPDX-License-Identifier: Apache-2.0
/*
 * When an agent reports: what is over within a second is told once, at its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/auto.h"
#include "rotate/pace.h"

static void works_and_rests(void **state UNUSED)
{
        static const struct {
                const char *step;
                int64_t now, ms;
        } moments[] = {
                { "starting", 0, PACE_REST_MS },  { "idle", 10, PACE_REST_MS },
                { "load", 5000, PACE_WORK_MS },   { "apply", 5200, PACE_WORK_MS - 200 },
                { "verify", 5990, PACE_REST_MS }, /* never at once */
                { "verify", 9000, PACE_REST_MS }, /* it takes longer than most: that is told */
                { "idle", 9100, PACE_REST_MS },   { "apply", 9200, PACE_WORK_MS }, /* another one */
        };
        struct pace pace = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(moments); i++)
                assert_int_equal(pace_ms(&pace, moments[i].step, (struct mono){ moments[i].now }),
                                 moments[i].ms);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(works_and_rests) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
