// SPDX-License-Identifier: Apache-2.0
/*
 * Windows and spreads: what can be written, what cannot, and when it comes to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/schedule.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* 2026-11-25 is a Wednesday. */
static struct wall at(const char *text)
{
        struct wall out = { 0 };
        struct err err = ERR_INIT;
        AUTO(mem_free_p) char *whole = mem_printf("2026-%s:00Z", text);

        if (clock_parse(whole, &out, &err) != 0)
                fail_msg("%s", err.text);
        return out;
}

static char *copy(const char *text)
{
        return text == NULL ? NULL : mem_strdup(text);
}

static char *annotated(const char *window, const char *spread, const char *urgent, struct schedule *out)
{
        struct schedule_texts texts = { copy(window), copy(spread), copy(urgent) };
        char *problem = schedule_read(&texts, out);

        schedule_texts_done(&texts);
        return problem;
}

static void windows(void **state)
{
        static const struct {
                const char *window, *now, *next;
        } cases[] = {
                { "02:00-04:00", "11-25T01:59", "11-25T02:00" },
                { "02:00-04:00", "11-25T02:00", "11-25T02:00" },
                { "02:00-04:00", "11-25T03:59", "11-25T03:59" },
                { "02:00-04:00", "11-25T04:00", "11-26T02:00" },
                { "  02:00-04:00 ; ", "11-25T04:00", "11-26T02:00" },
                { "00:00-24:00", "11-25T13:11", "11-25T13:11" },
                /* Over midnight: of the day on which it begins. */
                { "23:00-01:00", "11-25T00:30", "11-25T00:30" },
                { "23:00-01:00", "11-25T01:00", "11-25T23:00" },
                { "Wed 23:00-01:00", "11-25T00:30", "11-25T23:00" },
                { "Wed 23:00-01:00", "11-26T00:30", "11-26T00:30" },
                { "Tue 23:00-01:00", "11-25T00:30", "11-25T00:30" },
                { "Wed 22:00-00:00", "11-25T23:59", "11-25T23:59" },
                /* Days. */
                { "Sat,Sun 02:00-04:00", "11-25T03:00", "11-28T02:00" },
                { "sat 02:00-04:00", "11-28T04:00", "12-05T02:00" },
                { "Fri-Mon 02:00-04:00", "11-25T03:00", "11-27T02:00" },
                { "Fri-Mon 02:00-04:00", "11-30T03:00", "11-30T03:00" },
                { "Fri-Mon 02:00-04:00", "11-30T04:00", "12-04T02:00" },
                { "Mon,Wed-Thu 02:00-04:00", "11-25T04:00", "11-26T02:00" },
                { "Wed 02:00-04:00", "11-25T04:00", "12-02T02:00" },
                /* The first of several. */
                { "Sat 02:00-04:00; Thu 05:00-06:00", "11-25T12:00", "11-26T05:00" },
                { "Thu 05:00-06:00;Sat 02:00-04:00", "11-26T06:00", "11-28T02:00" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct schedule schedule;
                AUTO(mem_free_p) char *problem = annotated(cases[i].window, NULL, NULL, &schedule);
                char have[CLOCK_TEXT_MAX], want[CLOCK_TEXT_MAX];

                if (problem != NULL)
                        fail_msg("%s", problem);
                clock_format(schedule_next(&schedule, "demo/px", at("01-01T00:00"), at(cases[i].now)), have);
                if (strcmp(have, clock_format(at(cases[i].next), want)) != 0)
                        fail_msg("%s at %s: %s", cases[i].window, cases[i].now, have);
        }
}

/* What cannot be read is none: at once, and told. */
static void refused(void **state)
{
        static const char *const wrong[] = { "",
                                             " ",
                                             ";",
                                             "never",
                                             "2:00-4:00",
                                             "02:00",
                                             "02:00-",
                                             "02:00-02:00",
                                             "24:00-02:00",
                                             "02:60-04:00",
                                             "25:00-26:00",
                                             "02:00-24:01",
                                             "02:00 - 04:00",
                                             "Sat",
                                             "Sat02:00-04:00",
                                             "Sat,02:00-04:00",
                                             "Sat, Sun 02:00-04:00",
                                             "Sat- 02:00-04:00",
                                             "Sam 02:00-04:00",
                                             "02:00-04:00, 05:00-06:00",
                                             "02:00-04:00 UTC",
                                             "02:00-04:00;;03:00-04:00",
                                             "Sat\n02:00-04:00" };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
                struct schedule schedule;
                AUTO(mem_free_p) char *problem = annotated(wrong[i], "30m", NULL, &schedule);

                if (problem == NULL)
                        fail_msg("'%s' is taken", wrong[i]);
                assert_non_null(strstr(problem, "certrotate.io/maintenance-window"));
                assert_int_equal(schedule.n_windows, 0);
                assert_int_equal(schedule.spread_s, 1800);
        }
}

static void spans(void **state)
{
        struct schedule schedule;
        char *problem = annotated(NULL, "1h30m", "72h", &schedule);

        (void)state;
        assert_null(problem);
        assert_int_equal(schedule.spread_s, 5400);
        assert_int_equal(schedule.urgent_s, 259200);
        problem = annotated(NULL, "169h", "soon", &schedule);
        assert_non_null(strstr(problem, "certrotate.io/spread: '169h'"));
        assert_non_null(strstr(problem, "certrotate.io/urgent-before: 'soon'"));
        assert_int_equal(schedule.spread_s, 0);
        assert_int_equal(schedule.urgent_s, -1);
        mem_free(problem);
        assert_null(schedule_read(NULL, &schedule));
        assert_int_equal(schedule.n_windows, 0);
}

static void bounded(void **state)
{
        struct schedule schedule;
        char text[SCHEDULE_TEXT_MAX + 64] = "";
        AUTO(mem_free_p) char *problem = NULL;

        (void)state;
        for (int i = 0; i < SCHEDULE_WINDOWS_MAX; i++)
                strcat(text, "02:00-04:00;");
        assert_null(annotated(text, NULL, NULL, &schedule));
        assert_int_equal(schedule.n_windows, SCHEDULE_WINDOWS_MAX);
        strcat(text, "02:00-04:00");
        problem = annotated(text, NULL, NULL, &schedule);
        assert_non_null(problem);
        mem_free(problem);
        memset(text, ' ', sizeof(text) - 1);
        memcpy(text, "02:00-04:00", 11);
        problem = annotated(text, NULL, NULL, &schedule);
        assert_non_null(problem);
}

/* Each database at its own moment, always the same, within the bound. */
static void spread(void **state)
{
        struct schedule schedule, windowed;
        int in_half[2] = { 0, 0 };

        (void)state;
        assert_null(annotated(NULL, "1h", NULL, &schedule));
        assert_null(annotated("02:00-03:00", "24h", NULL, &windowed));
        for (int i = 0; i < 1000; i++) {
                AUTO(mem_free_p) char *key = mem_printf("demo/px-%d", i);
                struct wall since = at("11-25T12:00");
                struct wall due = schedule_next(&schedule, key, since, since);

                assert_in_range(due.s - since.s, 0, 3599);
                in_half[due.s - since.s < 1800]++;
                assert_int_equal(schedule_next(&schedule, key, since, due).s, due.s);
                /* Later it is due at once, not an hour after each look. */
                assert_int_equal(schedule_next(&schedule, key, since, at("11-25T14:00")).s,
                                 at("11-25T14:00").s);
                /* Of a window the second half is left for what comes late. */
                due = schedule_next(&windowed, key, since, since);
                assert_in_range(due.s - at("11-26T02:00").s, 0, 1799);
        }
        assert_in_range(in_half[0], 400, 600);
        assert_in_range(in_half[1], 400, 600);
}

static void from_annotations(void **state)
{
        AUTO(json_free_p) cJSON *annotations = json_object();
        struct schedule_texts texts;

        (void)state;
        json_add_str(annotations, SCHEDULE_WINDOW, "02:00-04:00");
        json_add_int(annotations, SCHEDULE_SPREAD, 3);
        schedule_texts_read(annotations, &texts);
        assert_string_equal(texts.window, "02:00-04:00");
        assert_null(texts.spread);
        assert_null(texts.urgent);
        schedule_texts_done(&texts);
        schedule_texts_read(NULL, &texts);
        assert_null(texts.window);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(windows), cmocka_unit_test(refused), cmocka_unit_test(spans),
                cmocka_unit_test(bounded), cmocka_unit_test(spread),  cmocka_unit_test(from_annotations),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
