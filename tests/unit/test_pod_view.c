// SPDX-License-Identifier: Apache-2.0
/*
 * agent/cli/pod_view over a scripted API server: once, watched, refused, cut off.
 */
#include "base/mem.h"
#include "cli/pod_view.h"
#include "loop/loop.h"

#include "kube_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TICK_MS   5
#define TICKS_MAX 4000

/* What the server does next, when the page or the calls are as far as that. */
struct act {
        size_t calls;     /* made by now */
        const char *page; /* on it by now; NULL: whatever */
        int status;       /* answer of the last call; 0: data */
        const char *body;
        enum err_kind breaks; /* no answer */
};

struct scene {
        struct loop *loop;
        struct kube_client *client;
        struct loop_timer *timer;
        const struct act *acts;
        size_t n;
        size_t at;
        int ticks;
        FILE *out;
        char page[8192];
};

static void read_page(struct scene *scene)
{
        const ssize_t n = pread(fileno(scene->out), scene->page, sizeof(scene->page) - 1, 0);

        assert_true(n >= 0);
        scene->page[n] = '\0';
}

static void act(struct scene *scene, const struct act *act)
{
        struct kube_call *call = kube_fake_open(scene->client);

        if (call == NULL) {
                loop_stop(scene->loop);
                return;
        }
        if (act->breaks != ERR_NONE)
                kube_fake_break(call, act->breaks);
        else if (act->status != 0)
                kube_fake_answer(call, act->status, act->body);
        else
                kube_fake_data(call, act->body);
}

static void tick(void *arg)
{
        struct scene *scene = arg;
        const struct act *next = scene->at < scene->n ? &scene->acts[scene->at] : NULL;

        read_page(scene);
        if (++scene->ticks > TICKS_MAX) {
                loop_stop(scene->loop); /* the assertions say what is missing */
                return;
        }
        loop_timer_set(scene->timer, TICK_MS);
        if (next == NULL || kube_fake_n(scene->client) < next->calls ||
            (next->page != NULL && strstr(scene->page, next->page) == NULL))
                return;
        scene->at++;
        if (next->body == NULL && next->breaks == ERR_NONE)
                loop_stop(scene->loop);
        else
                act(scene, next);
}

static void open_scene(struct scene *scene, const struct act *acts, size_t n)
{
        *scene = (struct scene){ .acts = acts, .n = n };
        scene->loop = loop_new();
        scene->client = kube_fake_new(scene->loop);
        scene->timer = loop_timer_new(scene->loop, tick, scene);
        scene->out = tmpfile();
        assert_non_null(scene->out);
        loop_timer_set(scene->timer, 0);
}

static void close_scene(struct scene *scene)
{
        (void)fclose(scene->out);
        loop_timer_free(scene->timer);
        kube_fake_free(scene->client);
        loop_free(scene->loop);
}

static int run(struct scene *scene, struct pod_view view, struct err *err)
{
        int result;

        view.out = scene->out;
        view.pause_ms = view.pause_ms == 0 ? 1 : view.pause_ms;
        if (view.namespace == NULL && !view.all_namespaces)
                view.namespace = "demo";
        result = pod_view_run(scene->client, &view, err);
        read_page(scene);
        return result;
}

#define POD(name, version, fp)                                                                               \
        "{\"metadata\":{\"namespace\":\"demo\",\"name\":\"" name "\",\"resourceVersion\":\"" version         \
        "\",\"annotations\":{\"certrotate.io/report\":\"" fp "\"}},\"status\":{\"phase\":\"Running\"}}"
#define QUIET "{}"
#define GOOD                                                                                                 \
        "{\\\"step\\\":\\\"idle\\\",\\\"bundles\\\":[{\\\"published\\\":" LEAF_IN ",\\\"served\\\":" LEAF_IN \
        "}]}"
#define LEAF_IN                                                                                              \
        "{\\\"fingerprint\\\":\\\"abababababababababababababababababababababababababababababababab\\\","     \
        "\\\"notAfter\\\":\\\"2999-01-01T00:00:00Z\\\"}"
#define APPLY "{\\\"step\\\":\\\"apply\\\"}"
#define LIST(items)                                                                                          \
        "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"10\"},\"items\":"   \
        "[" items "]}"
#define EVENT(type, pod) "{\"type\":\"" type "\",\"object\":" pod "}\n"

static void once(void **state UNUSED)
{
        static char px1[] = "px-1";
        static char nobody[] = "nobody";
        static char *const names[] = { px1, nobody };
        static const struct {
                const char *list;
                struct pod_view view;
                int result;
                const char *page; /* on it */
                const char *err;
        } cases[] = {
                { LIST(POD("px-0", "1", GOOD)), { 0 }, 0, "1 pod of 1 database: all well", NULL },
                { LIST(POD("px-0", "1", GOOD) "," POD("px-1", "2", QUIET)), { 0 }, 1, "not served", NULL },
                { LIST(POD("px-0", "1", GOOD)), { .form = POD_VIEW_JSON }, 0, "\"well\":\ttrue", NULL },
                { LIST(POD("px-0", "1", GOOD)), { .form = POD_VIEW_WIDE }, 0, "abababababababab", NULL },
                { LIST(""), { 0 }, -1, "", "no pod with certrotate in namespace 'demo'" },
                { LIST(""), { .all_namespaces = true }, -1, "", "no pod with certrotate in any namespace" },
                { LIST(""), { .form = POD_VIEW_JSON }, -1, "\"items\":\t[]", "no pod with certrotate" },
                { LIST(POD("px-0", "1", GOOD) "," POD("px-1", "2", GOOD)),
                  { .names = names, .n_names = 1 },
                  0,
                  "1 pod of 1",
                  NULL },
                { LIST(POD("px-0", "1", GOOD) "," POD("px-1", "2", GOOD)),
                  { .names = names, .n_names = 2 },
                  -1,
                  "1 pod of 1",
                  "no database or pod 'nobody' in namespace 'demo'" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct act acts[] = { { 1, NULL, 200, cases[i].list, ERR_NONE } };
                struct scene scene;
                struct err err = ERR_INIT;
                int result;

                open_scene(&scene, acts, ARRAY_LEN(acts));
                result = run(&scene, cases[i].view, &err);
                if (result != cases[i].result || strstr(scene.page, cases[i].page) == NULL ||
                    strstr(err.text, cases[i].err == NULL ? "" : cases[i].err) == NULL)
                        fail_msg("case %zu: %d '%s' %s", i, result, scene.page, err.text);
                close_scene(&scene);
        }
}

static void asked_for(void **state UNUSED)
{
        static const struct {
                struct pod_view view;
                const char *path; /* NULL: it is refused before anything is asked */
        } cases[] = {
                { { 0 }, "/api/v1/namespaces/demo/pods?limit=" },
                { { .all_namespaces = true }, "/api/v1/pods?limit=" },
                { { .selector = "" }, "/api/v1/namespaces/demo/pods?limit=" },
                { { .selector = "a in (b,c),d!=e&limit=1#" },
                  "/api/v1/namespaces/demo/"
                  "pods?labelSelector=a%20in%20%28b%2Cc%29%2Cd%21%3De%26limit%3D1%23&limit=" },
                { { .namespace = "Demo" }, NULL },
                { { .namespace = "" }, NULL },
                { { .namespace = "a/../b" }, NULL },
                { { .namespace = "demo?x=" }, NULL },
                { { .namespace = "-a" }, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                static const struct act acts[] = { { 1, NULL, 500, "", ERR_NONE } };
                struct scene scene;
                struct err err = ERR_INIT;

                open_scene(&scene, acts, ARRAY_LEN(acts));
                assert_int_equal(run(&scene, cases[i].view, &err), -1);
                if (cases[i].path == NULL) {
                        assert_int_equal(err.kind, ERR_USAGE);
                        assert_int_equal(kube_fake_n(scene.client), 0);
                } else if (strncmp(kube_fake_at(scene.client, 0)->path, cases[i].path,
                                   strlen(cases[i].path)) != 0) {
                        fail_msg("%s", kube_fake_at(scene.client, 0)->path);
                }
                close_scene(&scene);
        }
}

#define FORBIDDEN                                                                                            \
        "{\"kind\":\"Status\",\"message\":\"pods is forbidden: User \\\"eve\\\" cannot list resource\"}"

/* Nothing was shown yet: one sentence, and the end, watched or not. */
static void refused(void **state UNUSED)
{
        static const struct {
                struct act act;
                bool all;
                enum err_kind kind;
                const char *err;
        } cases[] = {
                { { 1, NULL, 403, FORBIDDEN, ERR_NONE },
                  false,
                  ERR_PRIVILEGE,
                  "the right to list pods in namespace 'demo' is missing: " },
                { { 1, NULL, 403, FORBIDDEN, ERR_NONE },
                  true,
                  ERR_PRIVILEGE,
                  "the right to list pods in all namespaces is missing: " },
                { { 1, NULL, 403, FORBIDDEN, ERR_NONE }, false, ERR_PRIVILEGE, "User \"eve\" cannot list" },
                { { 1, NULL, 401, "{\"message\":\"Unauthorized\"}", ERR_NONE },
                  false,
                  ERR_AUTH,
                  "Unauthorized" },
                { { 1, NULL, 429, "", ERR_NONE }, false, ERR_NOT_READY, "429" },
                { { 1, NULL, 0, NULL, ERR_NOT_READY }, false, ERR_NOT_READY, "the test broke it" },
                { { 1, NULL, 200, "{\"items\":", ERR_NONE }, false, ERR_PARSE, "" },
                { { 1, NULL, 200, "<html>", ERR_NONE }, false, ERR_PARSE, "" },
        };

        for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
                const size_t at = i / 2;
                struct scene scene;
                struct err err = ERR_INIT;

                open_scene(&scene, &cases[at].act, 1);
                assert_int_equal(
                        run(&scene, (struct pod_view){ .all_namespaces = cases[at].all, .watch = i % 2 == 0 },
                            &err),
                        -1);
                if ((err.kind != cases[at].kind && cases[at].kind != ERR_PARSE) ||
                    strstr(err.text, cases[at].err) == NULL)
                        fail_msg("case %zu: %s", at, err.text);
                assert_string_equal(scene.page, "");
                close_scene(&scene);
        }
}

static size_t count(const char *text, const char *what)
{
        size_t n = 0;

        for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
                n++;
        return n;
}

/* Each change is a page, what is no change is none; a pod that goes is no longer on it. */
static void watched(void **state UNUSED)
{
        static const struct act acts[] = {
                { 1, NULL, 200, LIST(POD("px-0", "1", GOOD)), ERR_NONE },
                { 2, "1 pod of 1 database: all well", 0, EVENT("MODIFIED", POD("px-0", "11", APPLY)),
                  ERR_NONE },
                { 2, "1 rotating", 0, EVENT("MODIFIED", POD("px-0", "12", APPLY)), ERR_NONE },
                { 2, NULL, 0, EVENT("ADDED", POD("px-1", "13", GOOD)), ERR_NONE },
                { 2, "2 pods", 0,
                  EVENT("DELETED", POD("px-0", "14", APPLY)) EVENT("DELETED", POD("px-1", "15", GOOD)),
                  ERR_NONE },
                { 2, "no pods", 0, NULL, ERR_NONE },
        };
        struct scene scene;
        struct err err = ERR_INIT;

        open_scene(&scene, acts, ARRAY_LEN(acts));
        assert_int_equal(run(&scene, (struct pod_view){ .watch = true }, &err), 0);
        assert_int_equal(scene.at, ARRAY_LEN(acts));
        assert_int_equal(count(scene.page, "1 pod of 1 database: 1 rotating"), 1);
        assert_null(strchr(scene.page, '\033'));
        close_scene(&scene);
}

/* Changes within the pause wait for its end, however many; here it has none. */
static void at_most_once_a_pause(void **state UNUSED)
{
        static const struct act acts[] = {
                { 1, NULL, 200, LIST(POD("px-0", "1", GOOD)), ERR_NONE },
                { 2, "all well", 0, EVENT("MODIFIED", POD("px-0", "11", APPLY)), ERR_NONE },
                { 2, NULL, 0, EVENT("ADDED", POD("px-1", "12", GOOD)), ERR_NONE },
                { 2, NULL, 0, NULL, ERR_NONE },
        };
        struct scene scene;
        struct err err = ERR_INIT;

        open_scene(&scene, acts, ARRAY_LEN(acts));
        assert_int_equal(run(&scene, (struct pod_view){ .watch = true, .pause_ms = INT64_C(3600000) }, &err),
                         0);
        assert_int_equal(scene.at, ARRAY_LEN(acts));
        assert_int_equal(count(scene.page, "database"), 1);
        close_scene(&scene);
}

/* On a terminal each page begins at its top. */
static void screens(void **state UNUSED)
{
        static const struct act acts[] = {
                { 1, NULL, 200, LIST(POD("px-0", "1", GOOD)), ERR_NONE },
                { 2, "all well", 0, EVENT("MODIFIED", POD("px-0", "11", APPLY)), ERR_NONE },
                { 2, "1 rotating", 0, NULL, ERR_NONE },
        };
        struct scene scene;
        struct err err = ERR_INIT;

        open_scene(&scene, acts, ARRAY_LEN(acts));
        assert_int_equal(run(&scene, (struct pod_view){ .watch = true, .screen = true }, &err), 0);
        assert_int_equal(count(scene.page, "\033[H\033[2J1 pod"), 2);
        close_scene(&scene);
}

/* The server goes away and refuses the watch afterwards: said on the page, which stays; then it is back. */
static void lost_and_found(void **state UNUSED)
{
        static const struct act acts[] = {
                { 1, NULL, 200, LIST(POD("px-0", "1", GOOD)), ERR_NONE },
                { 2, "all well", 403, FORBIDDEN, ERR_NONE },
                { 3, "not live: the right to watch pods in namespace 'demo' is missing", 200,
                  LIST(POD("px-1", "2", APPLY)), ERR_NONE },
                { 4, "1 rotating", 0, NULL, ERR_NONE },
        };
        struct scene scene;
        struct err err = ERR_INIT;

        open_scene(&scene, acts, ARRAY_LEN(acts));
        assert_int_equal(run(&scene, (struct pod_view){ .watch = true }, &err), 0);
        assert_int_equal(scene.at, ARRAY_LEN(acts));
        assert_int_equal(count(scene.page, "not live"), 1);
        assert_null(strstr(strstr(scene.page, "1 rotating"), "px-0")); /* it vanished meanwhile */
        close_scene(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(once),
                cmocka_unit_test(asked_for),
                cmocka_unit_test(refused),
                cmocka_unit_test(watched),
                cmocka_unit_test(at_most_once_a_pause),
                cmocka_unit_test(screens),
                cmocka_unit_test(lost_and_found),
        };

        return cmocka_run_group_tests_name("pod_view", tests, NULL, NULL);
}
