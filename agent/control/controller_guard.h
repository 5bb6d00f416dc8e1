// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Against running in a circle: whoever does the same list of actions over and over within a minute is held
 * back from then on, until that list was not asked for for a minute. Remembers the last few lists by their
 * hash, so that taking turns does not hide it. Pure.
 */
#include "base/clock.h"

#include <stdbool.h>

#define CONTROLLER_GUARD_LISTS   4
#define CONTROLLER_GUARD_TIMES   20
#define CONTROLLER_GUARD_MS      INT64_C(60000)
#define CONTROLLER_GUARD_REST_MS INT64_C(30000)

struct controller_guard {
        struct controller_guard_list {
                uint64_t hash;
                int times; /* since `first` */
                struct mono first, last;
        } lists[CONTROLLER_GUARD_LISTS];
};

/* 0: go on; otherwise for how many ms the list is to be left alone. *fresh: since just now. */
int64_t controller_guard_ask(struct controller_guard *guard, const char *text, struct mono now, bool *fresh);
/* Nothing is remembered that would still count. */
bool controller_guard_is_idle(const struct controller_guard *guard, struct mono now);
