// SPDX-License-Identifier: Apache-2.0
/*
 * agent/kube/watch.c: what is asked and told in the normal course, and when a good stream ends.
 */
#include "watch_scene.h"

static void lists_and_watches(void **state UNUSED)
{
        struct scene *scene = scene_begin(NULL, &scene_steady);
        struct kube_call *call;
        struct kube_watch_counts counts;

        assert_int_equal(kube_fake_n(scene->client), 1);
        assert_string_equal(kube_fake_at(scene->client, 0)->path, PODS "?limit=2");
        assert_false(kube_watch_is_live(scene->watch));
        scene_list(scene, "70", "a=5,b=6", "t/1");
        assert_string_equal(kube_fake_open(scene->client)->path, PODS "?limit=2&continue=t%2F1");
        scene_list(scene, "70", "c=7", NULL);
        scene_expect(scene, "O demo/a 5; O demo/b 6; O demo/c 7; L 70;");
        call = scene_watch(scene, "70");
        assert_int_equal(call->silence_ms, 1000);
        scene_frame(call, "MODIFIED", "b=71");
        scene_frame(call, "ADDED", "d=72");
        scene_frame(call, "DELETED", "a=73");
        scene_frame(call, "BOOKMARK", "=90");
        scene_expect(scene, "O demo/b 71; O demo/d 72; G demo/a 73;");
        /* The server's own end: at once, from the bookmark; what comes again is not told again. */
        kube_fake_answer(call, 200, NULL);
        call = scene_watch(scene, "90");
        assert_true(kube_watch_is_live(scene->watch));
        scene_frame(call, "MODIFIED", "b=71");
        scene_frame(call, "ADDED", "d=72");
        scene_frame(call, "DELETED", "a=73");
        scene_frame(call, "DELETED", "unknown=74");
        scene_expect(scene, "");
        scene_frame(call, "ADDED", "a=75");
        scene_expect(scene, "O demo/a 75;");
        counts = kube_watch_counts(scene->watch);
        assert_int_equal(counts.lists, 2);
        assert_int_equal(counts.watches, 2);
        assert_int_equal(counts.events, 7);
        assert_int_equal(counts.losses, 0);
        scene_finish(scene);
}

static void one_by_name(void **state UNUSED)
{
        struct scene *scene = scene_begin("a", &scene_steady);
        struct kube_call *call;

        assert_string_equal(scene_call(scene)->path, PODS "?fieldSelector=metadata.name%3Da");
        scene_list(scene, "70", "", NULL);
        scene_expect(scene, "G a 70?; L 70;");
        call = scene_watch(scene, "70");
        assert_non_null(strstr(call->path, "?fieldSelector=metadata.name%3Da&watch=1"));
        scene_frame(call, "ADDED", "a=71");
        scene_frame(call, "ADDED", "b=72"); /* somebody knows no selectors */
        scene_frame(call, "DELETED", "b=73");
        scene_frame(call, "DELETED", "a=74");
        scene_expect(scene, "O demo/a 71; G demo/a 74;");
        scene_frame(call, "ADDED", "a=75");
        scene_status(call, 410);
        scene_expect(scene, "O demo/a 75;");
        scene_list(scene, "80", "b=72", NULL);
        scene_expect(scene, "G demo/a 80?; L 80;");
        kube_fake_answer(scene_watch(scene, "80"), 410, NULL);
        scene_list(scene, "81", "a=75,b=72", NULL);
        scene_expect(scene, "O demo/a 75; L 81;");
        scene_finish(scene);
}

static void vanished_meanwhile(void **state UNUSED)
{
        struct scene *scene = scene_begin(NULL, &scene_steady);

        scene_list(scene, "70", "a=1,b=2,c=3,d=4", NULL);
        kube_fake_answer(scene_watch(scene, "70"), 410, NULL);
        scene_expect(scene, "O demo/a 1; O demo/b 2; O demo/c 3; O demo/d 4; L 70;");
        assert_false(kube_watch_is_live(scene->watch));
        /* 410 in the middle of paging: over again; what the first page told is no matter. */
        scene_list(scene, "80", "a=1,b=9", "t1");
        kube_fake_answer(scene_call(scene), 410, NULL);
        scene_expect(scene, "O demo/a 1; O demo/b 9;");
        scene_list(scene, "90", "b=9", "t2");
        scene_list(scene, "90", "d=4", NULL);
        scene_expect(scene, "O demo/b 9; O demo/d 4; G demo/a 90?; G demo/c 90?; L 90;");
        (void)scene_watch(scene, "90");
        scene_finish(scene);
}

/* All that can end a good stream once: told or not, listed or not, and never without a pause but for 410. */
static const struct {
        const char *data; /* NULL: none */
        int status;       /* of HTTP; 0: the connection breaks; -1: nothing, the data was enough */
        bool is_at_once;
        bool is_listed;
        const char *told;
        enum err_kind kind;
} ends[] = {
        { NULL, 0, false, false, "", ERR_NONE },
        { "{\"type\":\"ADDED\",\"obj", 0, false, false, "", ERR_NONE },
        { "{\"type\":\"ADDED\",\"obj", 200, false, false, "", ERR_NONE },
        { "{\"type\":\"ADDED\",\"obj\n", -1, false, true, "", ERR_NONE },
        { "<html>\n", -1, false, true, "", ERR_NONE },
        { "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n", -1, false, true, "",
          ERR_NONE },
        { "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}\n", -1, false, true, "", ERR_NONE },
        { "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n", -1, true, true, "", ERR_NONE },
        { "{\"type\":\"ERROR\",\"object\":{\"code\":500}}\n", -1, false, false, "", ERR_NONE },
        { "{\"type\":\"ERROR\",\"object\":{\"code\":429}}\n", -1, false, false, "", ERR_NONE },
        { "{\"type\":\"ERROR\",\"object\":{\"code\":403}}\n", -1, false, true, "X;", ERR_PRIVILEGE },
        { NULL, 410, true, true, "", ERR_NONE },
        { NULL, 429, false, false, "", ERR_NONE },
        { NULL, 500, false, false, "", ERR_NONE },
        { NULL, 401, false, true, "X;", ERR_AUTH },
        { NULL, 403, false, true, "X;", ERR_PRIVILEGE },
        { NULL, 404, false, true, "X;", ERR_MISSING },
};

static void ends_of_a_good_stream(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
                struct scene *scene = scene_begin(NULL, &scene_steady);
                struct kube_call *call;

                scene_list(scene, "70", "a=5", NULL);
                call = scene_watch(scene, "70");
                scene_frame(call, "MODIFIED", "a=71");
                scene_expect(scene, "O demo/a 5; L 70; O demo/a 71;");
                if (ends[i].data != NULL)
                        kube_fake_data(call, ends[i].data);
                if (ends[i].status > 0)
                        kube_fake_answer(call, ends[i].status, "{\"message\":\"because of that\"}");
                else if (ends[i].status == 0)
                        kube_fake_break(call, ERR_NETWORK);
                else
                        assert_true(call->is_cancelled);
                scene_expect(scene, ends[i].told);
                assert_int_equal(scene->err.kind, ends[i].kind);
                if (ends[i].status >= 400 && ends[i].kind != ERR_NONE)
                        assert_non_null(
                                strstr(scene->err.text, "watch of " PODS ": the API server answered"));
                assert_int_equal(kube_fake_open(scene->client) != NULL, ends[i].is_at_once);
                assert_false(kube_watch_is_live(scene->watch));
                if (!ends[i].is_listed) {
                        scene_frame(scene_watch(scene, "71"), "MODIFIED", "a=72");
                        assert_true(kube_watch_is_live(scene->watch));
                        scene_expect(scene, "O demo/a 72;");
                } else {
                        scene_list(scene, "80", "a=71", NULL);
                        scene_expect(scene, "O demo/a 71; L 80;");
                }
                scene_finish(scene);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lists_and_watches),
                cmocka_unit_test(one_by_name),
                cmocka_unit_test(vanished_meanwhile),
                cmocka_unit_test(ends_of_a_good_stream),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
