// SPDX-License-Identifier: Apache-2.0
#include "control/schedule.h"

#include "base/buf.h"
#include "base/mem.h"
#include "control/request.h"
#include "control/request_check.h"

#include <string.h>
#include <strings.h>

#define MINUTE     60
#define DAY_MIN    1440
#define DAY_S      86400
#define EVERY_DAY  0x7fU
#define THURSDAY   4 /* of 1970-01-01 */
#define SPREAD_MAX (INT64_C(7) * DAY_S)
#define URGENT_MAX (INT64_C(3650) * DAY_S)
#define EXAMPLE    "such as 'Sat,Sun 02:00-04:00; Mon-Fri 23:30-00:30'"

static const char *const day_names[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static char *copy(const cJSON *annotations, const char *key)
{
        const char *text = json_get_str(annotations, key);

        return text == NULL ? NULL : mem_printf("%.*s", SCHEDULE_TEXT_MAX + 1, text);
}

void schedule_texts_read(const cJSON *annotations, struct schedule_texts *out)
{
        *out = (struct schedule_texts){ copy(annotations, SCHEDULE_WINDOW),
                                        copy(annotations, SCHEDULE_SPREAD),
                                        copy(annotations, SCHEDULE_URGENT) };
}

void schedule_texts_done(struct schedule_texts *texts)
{
        mem_free(texts->window);
        mem_free(texts->spread);
        mem_free(texts->urgent);
        *texts = (struct schedule_texts){ NULL, NULL, NULL };
}

/* --- reading; each moves *p behind what it has read */

static void skip_blanks(const char **p)
{
        *p += strspn(*p, " \t");
}

static bool read_day(const char **p, unsigned *day)
{
        for (unsigned i = 0; i < ARRAY_LEN(day_names); i++) {
                if (strncasecmp(*p, day_names[i], 3) == 0) {
                        *day = i;
                        *p += 3;
                        return true;
                }
        }
        return false;
}

/* "Sat,Sun" "Mon-Fri" "Fri-Mon" */
static bool read_days(const char **p, unsigned *days)
{
        *days = 0;
        for (;;) {
                unsigned first, last;

                if (!read_day(p, &first))
                        return false;
                last = first;
                if (**p == '-') {
                        (*p)++;
                        if (!read_day(p, &last))
                                return false;
                }
                for (unsigned day = first;; day = (day + 1) % 7) {
                        *days |= 1U << day;
                        if (day == last)
                                break;
                }
                if (**p != ',')
                        return true;
                (*p)++;
        }
}

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/* "02:00"; 24:00 is the end of a day. */
static bool read_minute(const char **p, int *minute)
{
        const char *q = *p;
        int hours, minutes;

        if (!is_digit(q[0]) || !is_digit(q[1]) || q[2] != ':' || !is_digit(q[3]) || !is_digit(q[4]))
                return false;
        hours = (q[0] - '0') * 10 + (q[1] - '0');
        minutes = (q[3] - '0') * 10 + (q[4] - '0');
        if (minutes > 59 || hours > 24 || (hours == 24 && minutes > 0))
                return false;
        *minute = hours * MINUTE + minutes;
        *p = q + 5;
        return true;
}

static bool read_window(const char **p, struct schedule_window *out)
{
        out->days = EVERY_DAY;
        skip_blanks(p);
        if (!is_digit(**p)) {
                if (!read_days(p, &out->days) || (**p != ' ' && **p != '\t'))
                        return false;
                skip_blanks(p);
        }
        if (!read_minute(p, &out->from) || out->from == DAY_MIN || **p != '-')
                return false;
        (*p)++;
        if (!read_minute(p, &out->to) || out->to == out->from)
                return false;
        if (out->to < out->from)
                out->to += DAY_MIN;
        skip_blanks(p);
        return true;
}

static bool read_windows(const char *text, struct schedule *out)
{
        const char *p = text;

        if (strlen(text) > SCHEDULE_TEXT_MAX)
                return false;
        for (;;) {
                if (out->n_windows == SCHEDULE_WINDOWS_MAX || !read_window(&p, &out->windows[out->n_windows]))
                        return false;
                out->n_windows++;
                if (*p == '\0')
                        return true;
                if (*p++ != ';')
                        return false;
                skip_blanks(&p);
                if (*p == '\0')
                        return true;
        }
}

static bool read_span(const char *text, int64_t most_s, int64_t *out)
{
        struct err ignored;
        int64_t ms;

        if (strlen(text) > SCHEDULE_TEXT_MAX || request_duration(text, &ms, &ignored) != 0 ||
            ms / 1000 > most_s)
                return false;
        *out = ms / 1000;
        return true;
}

static void add_problem(struct buf *problem, const char *annotation, const char *text, const char *is_none)
{
        char shown[REQUEST_CHECK_SHOWN_MAX];

        buf_printf(problem, "%sannotation %s: '%s' is no %s, and counts as none",
                   problem->len == 0 ? "" : "; ", annotation, request_check_shown(text, shown), is_none);
}

char *schedule_read(const struct schedule_texts *texts, struct schedule *out)
{
        AUTO(buf_done_p) struct buf problem = BUF_INIT(4096);

        *out = (struct schedule){ .urgent_s = -1 };
        if (texts == NULL)
                return NULL;
        if (texts->window != NULL && !read_windows(texts->window, out)) {
                out->n_windows = 0;
                add_problem(&problem, SCHEDULE_WINDOW, texts->window, "list of windows in UTC " EXAMPLE);
        }
        if (texts->spread != NULL && !read_span(texts->spread, SPREAD_MAX, &out->spread_s))
                add_problem(&problem, SCHEDULE_SPREAD, texts->spread, "time such as 30m, at most 168h");
        if (texts->urgent != NULL && !read_span(texts->urgent, URGENT_MAX, &out->urgent_s))
                add_problem(&problem, SCHEDULE_URGENT, texts->urgent, "time such as 72h");
        return problem.len == 0 ? NULL : mem_strdup(buf_str(&problem));
}

/* --- deciding */

/* FNV-1a, and its upper half over the lower: names differ in their last letter only. */
static uint64_t hash_of(const char *key)
{
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (const char *p = key; *p != '\0'; p++)
                hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
        hash = (hash ^ (hash >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
        return hash ^ (hash >> 32);
}

static int64_t delay(const char *key, int64_t spread_s)
{
        return spread_s <= 0 ? 0 : (int64_t)(hash_of(key) % (uint64_t)spread_s);
}

static struct wall later(struct wall a, struct wall b)
{
        return a.s > b.s ? a : b;
}

/* The first moment of this window from `now` on. */
static struct wall next_in(const struct schedule *schedule, const struct schedule_window *window,
                           const char *key, struct wall now)
{
        int64_t half_s = (int64_t)(window->to - window->from) * MINUTE / 2;
        int64_t delay_s = delay(key, schedule->spread_s < half_s ? schedule->spread_s : half_s);
        int64_t day = now.s / DAY_S - 1; /* yesterday's may still be open */

        while ((window->days >> (day + THURSDAY) % 7 & 1U) == 0 ||
               day * DAY_S + (int64_t)window->to * MINUTE <= now.s)
                day++;
        return later((struct wall){ day * DAY_S + (int64_t)window->from * MINUTE + delay_s }, now);
}

struct wall schedule_next(const struct schedule *schedule, const char *key, struct wall since,
                          struct wall now)
{
        struct wall best = { since.s + delay(key, schedule->spread_s) };

        for (size_t i = 0; i < schedule->n_windows; i++) {
                struct wall open = next_in(schedule, &schedule->windows[i], key, now);

                if (i == 0 || open.s < best.s)
                        best = open;
        }
        return later(best, now);
}
