// SPDX-License-Identifier: Apache-2.0
/*
 * The only file that asks the kernel for the time.
 */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct mono clock_mono(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_BOOTTIME, &ts);
        return (struct mono){ (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 };
}

int64_t clock_us(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_BOOTTIME, &ts);
        return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct wall clock_wall(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_REALTIME, &ts);
        return (struct wall){ (int64_t)ts.tv_sec };
}

int64_t clock_wall_us(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_REALTIME, &ts);
        return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct mono clock_after(struct mono now, int64_t ms)
{
        struct mono out;

        if (__builtin_add_overflow(now.ms, ms, &out.ms))
                return MONO_NEVER;
        return out;
}

const char *clock_format(struct wall at, char out[static CLOCK_TEXT_MAX])
{
        time_t t = (time_t)at.s;
        struct tm tm;

        if (gmtime_r(&t, &tm) == NULL || strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                (void)snprintf(out, CLOCK_TEXT_MAX, "%lld", (long long)at.s);
        return out;
}

/* "+02:00" as seconds east; -1 when it is no offset. */
static int parse_offset(const char *text, int64_t *out_s)
{
        struct tm tm = { 0 };
        const char *end = *text == '+' || *text == '-' ? strptime(text + 1, "%H:%M", &tm) : NULL;

        if (end == NULL || *end != '\0')
                return -1;
        *out_s = (*text == '+' ? 1 : -1) * (tm.tm_hour * INT64_C(3600) + tm.tm_min * INT64_C(60));
        return 0;
}

int clock_parse(const char *text, struct wall *out, struct err *err)
{
        struct tm tm = { 0 };
        const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
        int64_t offset_s = 0;

        if (p != NULL && *p == '.')
                p += 1 + strspn(p + 1, "0123456789");
        if (p == NULL || (strcmp(p, "Z") != 0 && parse_offset(p, &offset_s) != 0))
                return err_set(err, ERR_PARSE, "'%.40s' is not a time such as 2026-11-22T10:00:00Z", text);
        out->s = (int64_t)timegm(&tm) - offset_s;
        return 0;
}
