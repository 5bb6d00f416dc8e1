// SPDX-License-Identifier: Apache-2.0
/*
 * Annotations of a schedule, one a line: whatever they say, something comes of it, now or within eight days.
 */
#include "base/mem.h"
#include "control/schedule.h"

#include <assert.h>
#include <string.h>

#define NOW 1795000000
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        AUTO(mem_free_p) char *text = mem_printf("%.*s", (int)len, len == 0 ? "" : (const char *)data);
        char *second = strchr(text, '\n'), *third = second == NULL ? NULL : strchr(second + 1, '\n');
        struct schedule_texts texts = { text, second == NULL ? NULL : second + 1,
                                        third == NULL ? NULL : third + 1 };
        struct schedule schedule;
        struct wall now = { NOW }, next;
        char *problem;

        if (second != NULL)
                *second = '\0';
        if (third != NULL)
                *third = '\0';
        problem = schedule_read(&texts, &schedule);
        assert(problem == NULL || strstr(problem, "certrotate.io/") != NULL);
        assert(schedule.n_windows <= SCHEDULE_WINDOWS_MAX && schedule.spread_s >= 0 &&
               schedule.urgent_s >= -1);
        next = schedule_next(&schedule, "demo/px", now, now);
        assert(next.s >= NOW && next.s <= NOW + 8 * 86400);
        assert(schedule_next(&schedule, "demo/px", now, next).s == next.s);
        mem_free(problem);
        return 0;
}
