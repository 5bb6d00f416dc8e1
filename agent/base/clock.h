// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Two clocks, two types, so that they cannot be mixed. Deadlines and back-off use mono; validity of
 * certificates uses wall. Pure code takes `now` as a parameter; only the shell asks here.
 */
#include "base/err.h"

#include <stdint.h>

struct mono {
        int64_t ms; /* since boot, counts on while suspended */
};

struct wall {
        int64_t s; /* Unix time */
};

#define MONO_NEVER ((struct mono){ INT64_MAX })

struct mono clock_mono(void);
/* Microseconds of the same clock, for measuring how long something took. */
int64_t clock_us(void);
struct wall clock_wall(void);
/* Microseconds of Unix time, for comparing with times of files. */
int64_t clock_wall_us(void);

/* Saturates at MONO_NEVER. */
struct mono clock_after(struct mono now, int64_t ms);

#define CLOCK_TEXT_MAX 32
/* "2026-11-22T10:00:00Z" */
const char *clock_format(struct wall at, char out[static CLOCK_TEXT_MAX]);
/* RFC 3339, UTC ("Z") or with an offset; fractions of a second are dropped. */
int clock_parse(const char *text, struct wall *out, struct err *err) MUST_CHECK;
