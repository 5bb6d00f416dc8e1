// SPDX-License-Identifier: Apache-2.0
/*
 * agent/kube/watch_state.c in time of our own: what is asked, and what each end of a request means.
 */
#include "kube/watch_state.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECRETS "/api/v1/namespaces/demo/secrets"
#define STEADY  INT64_C(10000)

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

static void paths(void **state UNUSED)
{
        static const struct {
                struct kube_watch_spec spec;
                const char *version;
                const char *more;
                const char *path; /* without the timeout */
        } cases[] = {
                { { SECRETS, NULL, NULL }, NULL, NULL, SECRETS "?limit=100" },
                { { SECRETS, "db-cert", NULL },
                  NULL,
                  NULL,
                  SECRETS "?fieldSelector=metadata.name%3Ddb-cert" },
                { { SECRETS, NULL, "a%3Db" }, NULL, NULL, SECRETS "?labelSelector=a%3Db&limit=100" },
                { { SECRETS, NULL, "a%3Db" },
                  NULL,
                  "e+/=&x", /* escaped */
                  SECRETS "?labelSelector=a%3Db&limit=100&continue=e%2B%2F%3D%26x" },
                { { SECRETS, "a", NULL },
                  NULL,
                  "e-_.~9Z",
                  SECRETS "?fieldSelector=metadata.name%3Da&continue=e-_.~9Z" },
                { { SECRETS, NULL, NULL },
                  "77",
                  NULL,
                  SECRETS "?watch=1&allowWatchBookmarks=true&resourceVersion=77&timeoutSeconds=" },
                { { SECRETS, "a", "b" },
                  "77",
                  NULL,
                  SECRETS "?fieldSelector=metadata.name%3Da&labelSelector=b&watch=1&allowWatchBookmarks=true"
                          "&resourceVersion=77&timeoutSeconds=" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct kube_watch_state watch;
                char path[KUBE_PATH_MAX];
                struct err err = ERR_INIT;

                kube_watch_state_init(&watch, &kube_watch_defaults);
                if (cases[i].version != NULL)
                        take_list(&watch, cases[i].version, NULL);
                else if (cases[i].more != NULL)
                        take_list(&watch, "70", cases[i].more);
                for (int k = 0; k < 50; k++) {
                        const size_t len = strlen(cases[i].path);

                        assert_int_equal(kube_watch_state_path(&watch, &cases[i].spec, path, &err), 0);
                        if (cases[i].version != NULL) {
                                const long seconds = strtol(path + len, NULL, 10);

                                assert_true(seconds >= 300 && seconds <= 600);
                                path[len] = '\0';
                        }
                        assert_string_equal(path, cases[i].path);
                }
                kube_watch_state_done(&watch);
        }
}

static void usage(void **state UNUSED)
{
        char long_name[256], long_labels[1200];
        const struct {
                struct kube_watch_spec spec;
                bool is_fine;
        } cases[] = {
                { { SECRETS, NULL, NULL }, true },
                { { SECRETS, "a", NULL }, true },
                { { SECRETS, "a-b.c-1.9", NULL }, true },
                { { SECRETS, long_name + 2, NULL }, true }, /* 253 */
                { { SECRETS, long_name + 1, NULL }, false },
                { { SECRETS, "", NULL }, false },
                { { SECRETS, "A", NULL }, false },
                { { SECRETS, "-a", NULL }, false },
                { { SECRETS, "a-", NULL }, false },
                { { SECRETS, "a&watch=0", NULL }, false },
                { { SECRETS, "\303\244", NULL }, false },
                { { "", NULL, NULL }, false },
                { { "api/v1/pods", NULL, NULL }, false },
                { { "/api/v1/pods?limit=1", NULL, NULL }, false },
                { { "/api/v1/po ds", NULL, NULL }, false },
                { { "/api/v1/pods\r\nX: y", NULL, NULL }, false },
                { { SECRETS, NULL, "a b" }, false },
                { { SECRETS, NULL, "a&b" }, false },
                { { SECRETS, NULL, long_labels }, false },
        };

        memset(long_name, 'a', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = '\0';
        memset(long_labels, 'a', sizeof(long_labels) - 1);
        long_labels[sizeof(long_labels) - 1] = '\0';
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct err err = ERR_INIT;

                if ((kube_watch_state_check(&cases[i].spec, &err) == 0) != cases[i].is_fine)
                        fail_msg("'%s' '%s' %zu", cases[i].spec.collection, cases[i].spec.name, i);
                assert_int_equal(err.kind, cases[i].is_fine ? ERR_NONE : ERR_USAGE);
        }
}

static void judged(void **state UNUSED)
{
        static const char body[] = "{\"kind\":\"Status\",\"message\":\"because of that\"}";
        static const struct {
                int status;
                enum err_kind broken;
                int64_t lasted_ms;
                bool is_watch;
                enum kube_watch_end end;
                enum err_kind kind;
        } cases[] = {
                { 200, ERR_NONE, 0, true, KUBE_END_CLEAN, ERR_NETWORK },
                { 200, ERR_NETWORK, 0, true, KUBE_END_AWAY, ERR_NETWORK },
                { 200, ERR_LIMIT, 0, false, KUBE_END_LARGE, ERR_LIMIT },
                { 0, ERR_LIMIT, 0, false, KUBE_END_LARGE, ERR_LIMIT },
                { 0, ERR_NOT_READY, 0, false, KUBE_END_AWAY, ERR_NOT_READY },
                { 0, ERR_UNTRUSTED, 0, false, KUBE_END_AWAY, ERR_UNTRUSTED },
                { 0, ERR_TIMEOUT, 15000, true, KUBE_END_AWAY, ERR_TIMEOUT }, /* the head did not come */
                { 200, ERR_TIMEOUT, 150000, true, KUBE_END_SILENT, ERR_TIMEOUT },
                { 0, ERR_TIMEOUT, 150000, false, KUBE_END_AWAY, ERR_TIMEOUT },
                { 204, ERR_NONE, 0, false, KUBE_END_AWAY, ERR_PROTOCOL },
                { 302, ERR_NONE, 0, false, KUBE_END_REFUSED, ERR_PROTOCOL },
                { 400, ERR_NONE, 0, true, KUBE_END_REFUSED, ERR_REFUSED },
                { 401, ERR_NONE, 0, true, KUBE_END_REFUSED, ERR_AUTH },
                { 403, ERR_NONE, 0, true, KUBE_END_REFUSED, ERR_PRIVILEGE },
                { 404, ERR_NONE, 0, true, KUBE_END_REFUSED, ERR_MISSING },
                { 408, ERR_NONE, 0, true, KUBE_END_AWAY, ERR_REFUSED },
                { 409, ERR_NONE, 0, true, KUBE_END_REFUSED, ERR_CHANGED },
                { 410, ERR_NONE, 0, true, KUBE_END_GONE, ERR_CHANGED },
                { 410, ERR_NONE, 0, false, KUBE_END_GONE, ERR_CHANGED },
                { 429, ERR_NONE, 0, true, KUBE_END_AWAY, ERR_NOT_READY },
                { 500, ERR_NONE, 0, true, KUBE_END_AWAY, ERR_NETWORK },
                { 503, ERR_NONE, 0, true, KUBE_END_AWAY, ERR_NOT_READY },
        };
        static const struct kube_watch_spec spec = { SECRETS, "a", NULL };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct kube_answer answer = { .status = cases[i].status,
                                              .body = body,
                                              .len = sizeof(body) - 1 };
                struct kube_watch_state watch;
                struct err err = ERR_INIT;

                kube_watch_state_init(&watch, &kube_watch_defaults);
                if (cases[i].is_watch)
                        take_list(&watch, "5", NULL);
                if (cases[i].broken != ERR_NONE)
                        err_set_(&answer.err, cases[i].broken, "because of that");
                assert_int_equal(kube_watch_state_judge(&watch, &spec, &answer, cases[i].lasted_ms, &err),
                                 cases[i].end);
                assert_int_equal(err.kind, cases[i].kind);
                assert_non_null(strstr(err.text, cases[i].is_watch ? "watch of " SECRETS "/a: "
                                                                   : "list of " SECRETS "/a: "));
                if (cases[i].end != KUBE_END_CLEAN && cases[i].status != 204)
                        assert_non_null(strstr(err.text, "because of that"));
        }
}

/* One step of a story: L a list, W a stream that lasts, w one that is short, f one short with a frame. */
struct step {
        char what;
        enum kube_watch_end end;
        int64_t low; /* of the pause */
        int64_t high;
        bool tells_lost;
        bool is_watch; /* the next request */
        bool is_live;
};

#define LISTED                                                                                               \
        {                                                                                                    \
                'L', 0, 0, 0, false, true, true                                                              \
        }

static void tell_story(const struct step *steps, size_t n)
{
        struct kube_watch_state watch;

        kube_watch_state_init(&watch, &kube_watch_defaults);
        for (size_t i = 0; i < n; i++) {
                const struct step *step = &steps[i];
                struct kube_watch_next next = { 0, false };

                if (step->what == 'L') {
                        assert_false(kube_watch_state_is_watching(&watch));
                        take_list(&watch, "5", NULL);
                } else {
                        if (step->what == 'f')
                                take_frame(&watch, KUBE_FRAME_ADDED, "6");
                        if (step->what == 'W')
                                kube_watch_state_alive(&watch);
                        next = kube_watch_state_end(&watch, step->end,
                                                    step->what == 'W' ? STEADY : STEADY - 1, 0);
                }
                if (next.pause_ms < step->low || next.pause_ms > step->high)
                        fail_msg("step %zu: pause %lld", i, (long long)next.pause_ms);
                if (next.tells_lost != step->tells_lost ||
                    kube_watch_state_is_watching(&watch) != step->is_watch || watch.is_live != step->is_live)
                        fail_msg("step %zu: lost %d watch %d live %d", i, next.tells_lost,
                                 kube_watch_state_is_watching(&watch), watch.is_live);
        }
        kube_watch_state_done(&watch);
}

#define STORY(name, ...)                                                                                     \
        static void name(void **state UNUSED)                                                                \
        {                                                                                                    \
                static const struct step steps[] = { __VA_ARGS__ };                                          \
                                                                                                             \
                tell_story(steps, ARRAY_LEN(steps));                                                         \
        }

/* The server's own end of a stream is no event at all; one that comes early is waited out. */
STORY(clean_ends, LISTED, { 'W', KUBE_END_CLEAN, 0, 0, false, true, true },
      { 'W', KUBE_END_CLEAN, 0, 0, false, true, true }, { 'w', KUBE_END_CLEAN, 250, 500, false, true, false },
      { 'W', KUBE_END_CLEAN, 0, 0, false, true, true }, { 'w', KUBE_END_CLEAN, 250, 500, false, true, false },
      { 'f', KUBE_END_CLEAN, 500, 1000, false, true, false },
      { 'w', KUBE_END_CLEAN, 1000, 2000, true, false, false }, LISTED,
      { 'w', KUBE_END_CLEAN, 2000, 4000, true, false, false })
/* One cut of a good stream is not told; two in a row are, and the way back is a list. */
STORY(cuts, LISTED, { 'W', KUBE_END_AWAY, 250, 500, false, true, false },
      { 'W', KUBE_END_AWAY, 250, 500, false, true, false },
      { 'w', KUBE_END_AWAY, 500, 1000, true, false, false },
      { 'w', KUBE_END_AWAY, 1000, 2000, false, false, false },
      { 'w', KUBE_END_AWAY, 2000, 4000, false, false, false }, LISTED,
      { 'w', KUBE_END_AWAY, 4000, 8000, true, false, false }, LISTED,
      { 'W', KUBE_END_AWAY, 250, 500, false, true, false })
/* Before the first list the first failure is told, up to 30 s pass between tries. */
STORY(first_list, { 'w', KUBE_END_AWAY, 250, 500, true, false, false },
      { 'w', KUBE_END_AWAY, 500, 1000, false, false, false },
      { 'w', KUBE_END_AWAY, 1000, 2000, false, false, false },
      { 'w', KUBE_END_AWAY, 2000, 4000, false, false, false },
      { 'w', KUBE_END_AWAY, 4000, 8000, false, false, false },
      { 'w', KUBE_END_AWAY, 8000, 16000, false, false, false },
      { 'w', KUBE_END_AWAY, 15000, 30000, false, false, false },
      { 'w', KUBE_END_REFUSED, 32000, 64000, false, false, false },
      { 'w', KUBE_END_REFUSED, 64000, 128000, false, false, false },
      { 'w', KUBE_END_REFUSED, 128000, 256000, false, false, false },
      { 'w', KUBE_END_REFUSED, 150000, 300000, false, false, false },
      { 'w', KUBE_END_REFUSED, 150000, 300000, false, false, false }, LISTED)
/* 410 is the normal course once; a server that answers nothing else is waited out. */
STORY(gone, LISTED, { 'w', KUBE_END_GONE, 0, 0, false, false, false }, LISTED,
      { 'w', KUBE_END_GONE, 250, 500, false, false, false },
      { 'w', KUBE_END_GONE, 500, 1000, true, false, false }, LISTED,
      { 'W', KUBE_END_CLEAN, 0, 0, false, true, true }, { 'w', KUBE_END_GONE, 0, 0, false, false, false })
/* A cut and then 410: an API server was restarted. Nobody has to know. */
STORY(restarted, LISTED, { 'W', KUBE_END_AWAY, 250, 500, false, true, false },
      { 'w', KUBE_END_GONE, 0, 0, false, false, false }, LISTED)
STORY(garbled, LISTED, { 'W', KUBE_END_GARBLED, 250, 500, false, false, false }, LISTED,
      { 'w', KUBE_END_GARBLED, 500, 1000, true, false, false })
STORY(refused, LISTED, { 'W', KUBE_END_REFUSED, 250, 500, true, false, false }, LISTED,
      { 'w', KUBE_END_REFUSED, 500, 1000, true, false, false })
STORY(large, { 'w', KUBE_END_LARGE, 0, 0, false, false, false }, /* 25 */
      { 'w', KUBE_END_LARGE, 0, 0, false, false, false },        /* 6 */
      { 'w', KUBE_END_LARGE, 0, 0, false, false, false },        /* 1 */
      { 'w', KUBE_END_LARGE, 250, 500, true, false, false }, LISTED)

static void silence(void **state UNUSED)
{
        struct kube_watch_state watch;

        kube_watch_state_init(&watch, &kube_watch_defaults);
        take_list(&watch, "5", NULL);
        assert_int_equal(watch.silence_ms, 150000);
        /* Never a bookmark: quiet is normal here, and not told. */
        for (int64_t limit = 300000; limit <= 1200000; limit *= 2) {
                struct kube_watch_next next;

                kube_watch_state_alive(&watch);
                next = kube_watch_state_end(&watch, KUBE_END_SILENT, watch.silence_ms, 0);

                assert_false(next.tells_lost);
                assert_true(kube_watch_state_is_watching(&watch));
                assert_int_equal(watch.silence_ms, limit < 630000 ? limit : 630000);
        }
        take_frame(&watch, KUBE_FRAME_BOOKMARK, "6");
        assert_int_equal(watch.silence_ms, 150000);
        kube_watch_state_alive(&watch);
        (void)kube_watch_state_end(&watch, KUBE_END_SILENT, watch.silence_ms, 0);
        assert_int_equal(watch.silence_ms, 150000);
        assert_string_equal(watch.version, "6");
        kube_watch_state_done(&watch);
}

static void retry_after(void **state UNUSED)
{
        struct kube_watch_state watch;
        int64_t pause;

        kube_watch_state_init(&watch, &kube_watch_defaults);
        pause = kube_watch_state_end(&watch, KUBE_END_AWAY, 0, 20000).pause_ms;
        assert_true(pause >= 20000 && pause <= 20500);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(paths),       cmocka_unit_test(usage),     cmocka_unit_test(judged),
                cmocka_unit_test(clean_ends),  cmocka_unit_test(cuts),      cmocka_unit_test(first_list),
                cmocka_unit_test(gone),        cmocka_unit_test(restarted), cmocka_unit_test(garbled),
                cmocka_unit_test(refused),     cmocka_unit_test(large),     cmocka_unit_test(silence),
                cmocka_unit_test(retry_after),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
