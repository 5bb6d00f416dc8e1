// SPDX-License-Identifier: Apache-2.0
/*
 * agent/kube/watch_state.c in time of our own: how many requests an hour of each trouble costs.
 */
#include "kube/watch_state.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HOUR INT64_C(3600000)

static void take_list(struct kube_watch_state *state, const char *version, const char *more)
{
        const struct kube_page page = { .version = version, .more = more };
        struct err err = ERR_INIT;

        assert_int_equal(kube_watch_state_page(state, &page, &err), more == NULL);
}

static void take_frame(struct kube_watch_state *state, enum kube_frame_type type, const char *version)
{
        const struct kube_frame frame = { .type = type, .id = { "", "a", version } };

        kube_watch_state_frame(state, &frame);
}

/* A server that takes each request and answers none: each try lasts, and is a failure all the same. */
static void never_answered(void **state UNUSED)
{
        struct kube_watch_state watch;

        kube_watch_state_init(&watch, &kube_watch_defaults);
        take_list(&watch, "5", NULL);
        assert_false(kube_watch_state_end(&watch, KUBE_END_AWAY, 15000, 0).tells_lost);
        assert_true(kube_watch_state_end(&watch, KUBE_END_AWAY, 15000, 0).tells_lost);
        assert_int_equal(watch.backoff.tries, 2);
        kube_watch_state_done(&watch);
}

/*
 * An hour of each trouble, with the limits of production. Lists are answered (or not), and each stream ends
 * after so long in the same way. The numbers are the worst that any of them may cost.
 */
static void an_hour_of(void **state UNUSED)
{
        static const struct {
                const char *name;
                bool is_listed; /* lists are answered */
                enum kube_watch_end end;
                int64_t lasts_ms; /* after its head, but for the last case */
                bool has_frame;
                int first_minute;
                int hour;
        } cases[] = {
                { "all is well", true, KUBE_END_CLEAN, 300000, true, 2, 13 },
                { "nobody listens", false, KUBE_END_AWAY, 0, false, 13, 300 },
                { "each list is refused", false, KUBE_END_REFUSED, 0, false, 13, 40 },
                { "each list is 410", false, KUBE_END_GONE, 0, false, 13, 300 },
                { "each watch is refused", true, KUBE_END_REFUSED, 0, false, 20, 80 },
                { "each watch is 410", true, KUBE_END_GONE, 0, false, 20, 600 },
                { "each watch is cut", true, KUBE_END_AWAY, 0, false, 20, 600 },
                { "each watch is ended", true, KUBE_END_CLEAN, 0, false, 20, 600 },
                { "each watch is ended after an event", true, KUBE_END_CLEAN, 0, true, 20, 600 },
                { "each watch is garbled", true, KUBE_END_GARBLED, 0, false, 20, 600 },
                { "cut just before it is steady", true, KUBE_END_AWAY, 9999, true, 20, 300 },
                { "cut just after", true, KUBE_END_AWAY, 10000, true, 8, 360 },
                { "ended just after", true, KUBE_END_CLEAN, 10000, false, 8, 362 },
                { "410 just after", true, KUBE_END_GONE, 10000, true, 14, 722 },
                { "garbled just after", true, KUBE_END_GARBLED, 10000, true, 14, 720 },
                { "silent", true, KUBE_END_SILENT, 150000, false, 2, 25 },
                { "taken, and never answered", true, KUBE_END_AWAY, 15000, false, 8, 220 },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct kube_watch_state watch;
                int64_t now = 0;
                int requests = 0, first_minute = 0;

                kube_watch_state_init(&watch, &kube_watch_defaults);
                while (now < HOUR) {
                        struct kube_watch_next next = { 0, false };

                        requests++;
                        if (now < 60000)
                                first_minute = requests;
                        if (!kube_watch_state_is_watching(&watch) && cases[i].is_listed) {
                                take_list(&watch, "5", NULL);
                                continue;
                        }
                        if (cases[i].has_frame)
                                take_frame(&watch, KUBE_FRAME_MODIFIED, "6");
                        if (cases[i].lasts_ms > 0 && i + 1 < ARRAY_LEN(cases))
                                kube_watch_state_alive(&watch);
                        next = kube_watch_state_end(&watch, cases[i].end, cases[i].lasts_ms, 0);
                        now += cases[i].lasts_ms + next.pause_ms;
                }
                if (first_minute > cases[i].first_minute || requests > cases[i].hour)
                        fail_msg("%s: %d requests in the first minute, %d in the hour", cases[i].name,
                                 first_minute, requests);
                kube_watch_state_done(&watch);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(never_answered), cmocka_unit_test(an_hour_of) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
