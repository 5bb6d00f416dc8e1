// SPDX-License-Identifier: Apache-2.0
#include "rotate/pace.h"

#include <string.h>

int64_t pace_ms(struct pace *pace, const char *step, struct mono now)
{
        const bool works = strcmp(step, "idle") != 0 && strcmp(step, "starting") != 0;
        int64_t left;

        if (works && !pace->works)
                pace->since = now;
        pace->works = works;
        if (!works)
                return PACE_REST_MS;
        left = clock_after(pace->since, PACE_WORK_MS).ms - now.ms;
        return left < PACE_REST_MS ? PACE_REST_MS : left;
}
