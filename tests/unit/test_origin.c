// SPDX-License-Identifier: Apache-2.0
/*
 * Which way of the two counts. Each case is a story: "v1" the volume is seen with content 1, "a1" the API
 * brings content 1, "v-" the volume cannot be read, "a-" the Secret is gone; after it what is chosen.
 */
#include "rotate/origin.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct fingerprint content(char c)
{
        struct fingerprint fp = { { 0 } };

        fp.sha256[0] = (uint8_t)c;
        return fp;
}

/* Returns what is chosen after the last look at the volume: "a2", "v1", "v-". */
static void play(const char *story, char out[3], bool *lags)
{
        struct origin origin = { 0 };

        for (const char *p = story; *p != '\0'; p += p[2] == ' ' ? 3 : 2) {
                struct fingerprint fp = content(p[1]);

                if (p[0] == 'a') {
                        struct snapshot *snapshot = p[1] == '-' ? NULL : MEM_NEW(struct snapshot);

                        if (snapshot != NULL)
                                snapshot->content = fp;
                        origin_set_api(&origin, snapshot);
                } else {
                        enum origin_way way = origin_choose(&origin, p[1] == '-' ? NULL : &fp);

                        out[0] = way == ORIGIN_API ? 'a' : 'v';
                        out[1] = way == ORIGIN_API ? (char)origin.api->content.sha256[0] : p[1];
                        out[2] = '\0';
                }
        }
        *lags = origin_lags(&origin);
        origin_done(&origin);
}

static void stories(void **state UNUSED)
{
        static const struct {
                const char *story;
                const char *chosen;
                bool lags;
        } cases[] = {
                { "v1", "v1", false },                /* no API */
                { "v-", "v-", false },                /* nothing at all */
                { "a1 v-", "a1", false },             /* no volume */
                { "v1 a1 v1", "a1", false },          /* both the same */
                { "v1 a2 v1", "a2", true },           /* the API was first */
                { "v1 a2 v1 v2", "a2", false },       /* … and the volume follows */
                { "a2 v1", "a2", true },              /* started while the volume lags */
                { "a1 v1 v2", "v2", true },           /* the volume was first: the watch is cut */
                { "a1 v1 v2 a2 v2", "a2", false },    /* … and the API follows */
                { "a1 v1 v2 a3 v2", "a3", true },     /* the API brings something newer than that */
                { "a1 v1 a2 a3 v2", "a3", true },     /* the volume brings what the API had meanwhile */
                { "a1 v1 a2 v1 a1 v1", "a1", false }, /* back, by a person */
                { "a1 v1 a- v1", "v1", false },       /* deleted: the kubelet keeps its files */
                { "a1 v1 a- v1 a2 v1", "a2", true },  /* … and made again */
                { "a1 v- v2", "v2", true },           /* the volume comes late, with something new */
                { "v1 a1 v- v1", "a1", false },       /* … or for a moment not at all */
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                char chosen[3] = "";
                bool lags;

                play(cases[i].story, chosen, &lags);
                if (strcmp(chosen, cases[i].chosen) != 0 || lags != cases[i].lags)
                        fail_msg("'%s': chosen %s%s, wanted %s%s", cases[i].story, chosen,
                                 lags ? " lagging" : "", cases[i].chosen, cases[i].lags ? " lagging" : "");
        }
}

/* More contents than are remembered: the volume is years behind and still does not win. */
static void long_history(void **state UNUSED)
{
        struct origin origin = { 0 };
        struct fingerprint old = content('0');

        assert_int_equal(origin_choose(&origin, &old), ORIGIN_VOLUME);
        for (char c = '1'; c < '1' + 40; c++) {
                struct snapshot *snapshot = MEM_NEW(struct snapshot);

                snapshot->content = content(c);
                origin_set_api(&origin, snapshot);
                assert_int_equal(origin_choose(&origin, &old), ORIGIN_API);
        }
        origin_done(&origin);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(stories),
                cmocka_unit_test(long_history),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
