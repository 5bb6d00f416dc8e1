// SPDX-License-Identifier: Apache-2.0
/*
 * agent/kube/watch.c where things go wrong again and again, and with callers that close it at any moment.
 */
#include "watch_scene.h"

/* Told once, whatever comes after it; nothing is asked without a pause; then all is told anew. */
static void lost_is_told_once(void **state UNUSED)
{
        struct scene *scene = scene_begin(NULL, &scene_flimsy);

        /* Never reached: at the first failure. */
        kube_fake_break(scene_call(scene), ERR_NOT_READY);
        scene_expect(scene, "X;");
        assert_int_equal(scene->err.kind, ERR_NOT_READY);
        for (int i = 0; i < 20; i++) {
                scene_expect_no_call(scene);
                kube_fake_break(scene_call(scene), i % 2 == 0 ? ERR_TIMEOUT : ERR_NETWORK);
        }
        kube_fake_answer(scene_call(scene), 500, "oops");
        kube_fake_answer(scene_call(scene), 200, "{\"half\":");
        kube_fake_answer(scene_call(scene), 200,
                         "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"1\"}}");
        scene_expect(scene, "");
        /* Half a list is an event: what follows is told again. */
        scene_list(scene, "69", "a=4", "t");
        kube_fake_break(scene_call(scene), ERR_NETWORK);
        scene_expect(scene, "O demo/a 4; X;");
        scene_list(scene, "70", "a=5", NULL);
        scene_expect(scene, "O demo/a 5; L 70;");
        /* Cut, and the next too: told; then found again by a list. */
        kube_fake_break(scene_watch(scene, "70"), ERR_NETWORK);
        scene_expect(scene, "X;");
        for (int i = 0; i < 5; i++) {
                scene_expect_no_call(scene);
                kube_fake_break(scene_call(scene), ERR_NETWORK);
        }
        scene_list(scene, "80", "a=5", NULL);
        scene_expect(scene, "O demo/a 5; L 80;");
        scene_finish(scene);
}

/* Whoever waits for a definition, or for rights, must hear that this is what lacks. */
static void lost_is_told_for_another_reason(void **state UNUSED)
{
        struct scene *scene = scene_begin(NULL, &scene_flimsy);

        kube_fake_break(scene_call(scene), ERR_NOT_READY);
        scene_expect(scene, "X;");
        kube_fake_answer(scene_call(scene), 403, "{\"message\":\"no\"}");
        scene_expect(scene, "X;");
        assert_int_equal(scene->err.kind, ERR_PRIVILEGE);
        kube_fake_break(scene_call(scene), ERR_NETWORK);
        kube_fake_answer(scene_call(scene), 403, "{\"message\":\"no\"}");
        scene_expect(scene, "");
        kube_fake_answer(scene_call(scene), 404, "{\"message\":\"no\"}");
        scene_expect(scene, "X;");
        assert_int_equal(scene->err.kind, ERR_MISSING);
        kube_fake_answer(scene_call(scene), 404, "{\"message\":\"no\"}");
        scene_expect(scene, "");
        scene_list(scene, "70", "a=5", NULL);
        scene_expect(scene, "O demo/a 5; L 70;");
        scene_finish(scene);
}

static void alive_without_a_byte(void **state UNUSED)
{
        struct scene *scene = scene_begin(NULL, &scene_steady);

        scene_list(scene, "70", "a=5", NULL);
        scene_expect(scene, "O demo/a 5; L 70;");
        kube_fake_break(scene_watch(scene, "70"), ERR_NETWORK);
        assert_false(kube_watch_is_live(scene->watch));
        scene_expect(scene, "");
        (void)scene_watch(scene, "70");
        /* Nothing comes, but it does not fail either: alive when the head must have been there. */
        assert_false(kube_watch_is_live(scene->watch));
        scene_spin(scene, true);
        assert_int_equal(kube_watch_counts(scene->watch).losses, 0);
        scene_finish(scene);
}

/* Each stream, or each list, ends so at once. What was asked stays in step with the pauses. */
static void no_busy_loop(void **state UNUSED)
{
        static const struct {
                int list; /* status; 0: broken, 200: a list */
                int watch;
                const char *data;
        } cases[] = {
                { 200, 200, NULL },
                { 200, 410, NULL },
                { 200, 429, NULL },
                { 200, 500, NULL },
                { 200, 403, NULL },
                { 200, 0, NULL },
                { 200, 200,
                  "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"70\"}}}\n" },
                { 200, -1, "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n" },
                { 200, -1, "nonsense\n" },
                { 410, 0, NULL },
                { 403, 0, NULL },
                { 0, 0, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct scene *scene = scene_begin(NULL, &scene_flimsy);
                size_t at_once = 0;

                for (int k = 0; k < 24; k++) {
                        struct kube_call *call = scene_call(scene);
                        const bool is_watch = call->silence_ms != 0;
                        const int status = is_watch ? cases[i].watch : cases[i].list;

                        if (!is_watch && status == 200)
                                scene_list(scene, "70", "a=5", NULL);
                        else if (is_watch && cases[i].data != NULL)
                                kube_fake_data(call, cases[i].data);
                        if (!call->is_over && status == 0)
                                kube_fake_break(call, ERR_NETWORK);
                        else if (!call->is_over)
                                kube_fake_answer(call, status, NULL);
                        /* Without a pause only: the watch after a list, and the list after the first 410. */
                        if (kube_fake_open(scene->client) != NULL && (is_watch || status != 200))
                                at_once++;
                }
                if (at_once > 1)
                        fail_msg("case %zu: %zu requests at once", i, at_once);
                scene_finish(scene);
        }
}

static void retry_after_is_kept(void **state UNUSED)
{
        struct scene *scene = scene_begin(NULL, &scene_steady);
        struct mono before;

        scene_list(scene, "70", "a=5", NULL);
        before = clock_mono();
        kube_fake_answer_later(scene_watch(scene, "70"), 429, 150);
        (void)scene_watch(scene, "70");
        assert_true(clock_mono().ms - before.ms >= 149); /* a lower bound holds on any machine */
        kube_fake_data(
                kube_fake_open(scene->client),
                "{\"type\":\"ERROR\",\"object\":{\"code\":429,\"details\":{\"retryAfterSeconds\":1}}}\n");
        before = clock_mono();
        (void)scene_watch(scene, "70");
        assert_true(clock_mono().ms - before.ms >= 990);
        scene_finish(scene);
}

static void large_pages(void **state UNUSED)
{
        struct scene *scene = scene_begin(NULL, &scene_flimsy);

        assert_string_equal(scene_call(scene)->path, PODS "?limit=2");
        kube_fake_break(scene_call(scene), ERR_LIMIT);
        assert_string_equal(kube_fake_open(scene->client)->path, PODS "?limit=1");
        scene_expect(scene, "");
        kube_fake_break(scene_call(scene), ERR_LIMIT);
        scene_expect(scene, "X;");
        scene_expect_no_call(scene);
        scene_list(scene, "70", "a=5", NULL);
        scene_expect(scene, "O demo/a 5; L 70;");
        scene_finish(scene);
}

static void large_frames(void **state UNUSED)
{
        static const size_t sizes[] = { 3 << 20, 5 << 20 };
        struct scene *scene = scene_begin(NULL, &scene_steady);

        scene_list(scene, "70", "", NULL);
        scene_expect(scene, "L 70;");
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
                struct kube_call *call = scene_watch(scene, "70");
                AUTO(mem_free_p) char *piece = mem_new(65537);

                memset(piece, 'x', 65536);
                kube_fake_data(call, "{\"type\":\"ADDED\",\"object\":{\"data\":\"");
                for (size_t sent = 0; sent < sizes[i] && !call->is_over; sent += 65536)
                        kube_fake_data(call, piece);
                assert_int_equal(call->is_over, i == 1);
                if (i == 1)
                        break;
                kube_fake_data(call, "\",\"metadata\":{\"name\":\"big\",\"resourceVersion\":\"7");
                kube_fake_data(call, "0\"}}}\n");
                scene_expect(scene, "O big 70;");
                kube_fake_answer(call, 200, NULL);
        }
        scene_expect(scene, "");
        scene_list(scene, "80", "", NULL);
        scene_expect(scene, "G big 80?; L 80;");
        scene_finish(scene);
}

/* A script that tells events of all kinds; the callback closes at the first, the second, and so on. */
static void closed_in_the_callback(void **state UNUSED)
{
        for (int at = 1; at <= 9; at++) {
                struct scene *scene = scene_begin(NULL, &scene_flimsy);
                struct kube_call *call;

                scene->close_at = at;
                for (int turn = 0; scene->watch != NULL; turn++) {
                        call = scene_call(scene);
                        if (turn == 0) {
                                scene_list(scene, "70", "a=5,b=6", "t");
                        } else if (turn == 1) {
                                scene_list(scene, "70", "c=7", NULL);
                        } else if (turn == 2) {
                                scene_frame(call, "DELETED", "a=71");
                                if (scene->watch != NULL) /* two in one piece */
                                        kube_fake_data(call, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{"
                                                             "\"name\":\"x\",\"resourceVersion\":\"72\"}}}\n"
                                                             "nonsense\n");
                        } else if (turn == 3) {
                                scene_list(scene, "80", "", NULL);
                        }
                        assert_true(turn < 5);
                }
                scene_expect_no_call(scene);
                assert_int_equal(scene->close_at, 0);
                scene_finish(scene);
        }
}

static void closed_by_lost(void **state UNUSED)
{
        struct scene *scene = scene_begin(NULL, &scene_flimsy);

        scene->close_at = 1;
        kube_fake_break(scene_call(scene), ERR_NETWORK);
        scene_expect(scene, "X;");
        assert_null(scene->watch);
        scene_finish(scene);
        /* And between two tries, and at once. */
        scene = scene_begin(NULL, &scene_flimsy);
        kube_fake_break(scene_call(scene), ERR_NETWORK);
        scene_finish(scene);
        scene_finish(scene_begin("a", &scene_flimsy));
        kube_watch_close(NULL);
}

static void on_stop(void *arg)
{
        loop_stop(arg);
}

static void usage_is_told_from_the_loop(void **state UNUSED)
{
        struct scene *scene = scene_begin("No Name", &scene_flimsy);
        struct loop_timer *stop = loop_timer_new(scene->loop, on_stop, scene->loop);

        scene_expect(scene, "");
        loop_timer_set(stop, 50);
        loop_run(scene->loop);
        loop_timer_free(stop);
        scene_expect(scene, "X;");
        assert_int_equal(scene->err.kind, ERR_USAGE);
        assert_int_equal(kube_fake_n(scene->client), 0);
        assert_false(kube_watch_is_live(scene->watch));
        scene_finish(scene);
}

/* A continue token that does not fit, one that leads to itself, and pages without end. */
static void strange_tokens(void **state UNUSED)
{
        AUTO(mem_free_p) char *token = mem_new(3000);
        struct scene *scene = scene_begin(NULL, &scene_flimsy);
        char next[16];
        int pages = 0;

        memset(token, '/', 1500);
        scene_list(scene, "70", "a=5", token);
        scene_expect(scene, "O demo/a 5; X;");
        scene_expect_no_call(scene);
        assert_int_equal(scene->err.kind, ERR_LIMIT);
        scene_list(scene, "70", "", "t");
        scene_list(scene, "70", "", "t");
        scene_expect_no_call(scene);
        do {
                (void)snprintf(next, sizeof(next), "t%d", pages);
                scene_list(scene, "70", "", next);
        } while (kube_fake_open(scene->client) != NULL && ++pages < 4000);
        assert_int_equal(pages, 7);
        scene_expect(scene, "X;");
        scene_list(scene, "70", "a=5", NULL);
        scene_expect(scene, "O demo/a 5; L 70;");
        scene_finish(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lost_is_told_once),    cmocka_unit_test(lost_is_told_for_another_reason),
                cmocka_unit_test(alive_without_a_byte), cmocka_unit_test(no_busy_loop),
                cmocka_unit_test(retry_after_is_kept),  cmocka_unit_test(large_pages),
                cmocka_unit_test(large_frames),         cmocka_unit_test(closed_in_the_callback),
                cmocka_unit_test(closed_by_lost),       cmocka_unit_test(usage_is_told_from_the_loop),
                cmocka_unit_test(strange_tokens),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
