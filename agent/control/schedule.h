// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * When what nobody has asked for may begin: maintenance windows, and a spread so that not all databases begin
 * at one moment. Pure; all times are UTC. Fuzzed by tests/fuzz/fuzz_schedule.c.
 *
 *   certrotate.io/maintenance-window: "Sat,Sun 02:00-04:00; Mon-Fri 23:30-00:30"
 *   certrotate.io/spread: "30m"
 *   certrotate.io/urgent-before: "72h"
 *
 * Windows are separated by ';', each may name days (the day on which it begins; none: every day), and goes
 * over midnight when it ends before it begins.
 */
#include "base/clock.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

#define SCHEDULE_WINDOW      "certrotate.io/maintenance-window"
#define SCHEDULE_SPREAD      "certrotate.io/spread"
#define SCHEDULE_URGENT      "certrotate.io/urgent-before"
#define SCHEDULE_WINDOWS_MAX 16
#define SCHEDULE_TEXT_MAX    1024

/* The annotations as they are; NULL: not there. */
struct schedule_texts {
        char *window, *spread, *urgent;
};

/* annotations: of an object of the API, may be NULL. What is too long is cut, and is wrong thereby. */
void schedule_texts_read(const cJSON *annotations, struct schedule_texts *out);
void schedule_texts_done(struct schedule_texts *texts);

struct schedule_window {
        unsigned days; /* 1 << 0 is Sunday */
        int from, to;  /* minutes of the day; to may be one of the next day */
};

struct schedule {
        struct schedule_window windows[SCHEDULE_WINDOWS_MAX];
        size_t n_windows;
        int64_t spread_s; /* 0: none */
        int64_t urgent_s; /* -1: not said */
};

/*
 * What cannot be read counts as not there: never as "never". Then a sentence is returned that names the
 * annotations, otherwise NULL. mem_free.
 */
char *schedule_read(const struct schedule_texts *texts, struct schedule *out) MUST_CHECK;
/*
 * When it may begin, not before `now`: inside of a window, or at once where there is none. By the spread it
 * is later, after the window's begin or after `since`, by a time that follows from `key` alone; of a window
 * at most half is spent so.
 */
struct wall schedule_next(const struct schedule *schedule, const char *key, struct wall since,
                          struct wall now);
