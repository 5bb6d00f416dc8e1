// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * When a change is to be reported. Most rotations are over within a second: then their end is the one thing
 * told of them, and at once, since no report of their beginning makes it wait. Pure; zeroed: at rest.
 */
#include "base/clock.h"

#include <stdbool.h>

#define PACE_REST_MS INT64_C(50)   /* several changes are one report */
#define PACE_WORK_MS INT64_C(1000) /* from the beginning of the work on */

struct pace {
        bool works;
        struct mono since;
};

/* ms until what changed just now is told. step: of the status, "idle" at rest. */
int64_t pace_ms(struct pace *pace, const char *step, struct mono now);
