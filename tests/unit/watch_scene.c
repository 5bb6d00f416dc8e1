// SPDX-License-Identifier: Apache-2.0
#include "watch_scene.h"

#define LATE_MS 60000

const struct kube_watch_limits scene_steady = { 4, 8, 16, 0, 5, 1000, 4000, 300, 600, 2, 8 };
const struct kube_watch_limits scene_flimsy = { 4, 8, 16, 1 << 30, 5, 1000, 4000, 300, 600, 2, 8 };

static void on_event(const struct kube_watch_event *event, void *arg)
{
        static const char letters[] = "OGLX";
        struct scene *scene = arg;

        if (scene->told.len > 0)
                buf_add_char(&scene->told, ' ');
        buf_add_char(&scene->told, letters[event->kind]);
        if (event->name != NULL)
                buf_printf(&scene->told, " %s%s%s", event->namespace, *event->namespace == '\0' ? "" : "/",
                           event->name);
        if (event->version != NULL)
                buf_printf(&scene->told, " %s", event->version);
        if (event->kind == KUBE_GONE && event->object == NULL)
                buf_add_char(&scene->told, '?');
        buf_add_char(&scene->told, ';');
        assert_int_equal(event->err != NULL, event->kind == KUBE_LOST);
        assert_true(event->kind != KUBE_OBJECT || event->object != NULL);
        if (event->err != NULL)
                scene->err = *event->err;
        if (event->kind == KUBE_LISTED)
                assert_true(kube_watch_is_live(scene->watch));
        if (event->kind == KUBE_LOST)
                assert_false(kube_watch_is_live(scene->watch));
        if (scene->close_at > 0 && --scene->close_at == 0) {
                kube_watch_close(scene->watch);
                scene->watch = NULL;
        }
}

static void on_turn(void *arg)
{
        struct scene *scene = arg;

        if (++scene->turns > LATE_MS)
                fail_msg("nothing happens; told: %s", buf_str(&scene->told));
        if (scene->wants_live ? kube_watch_is_live(scene->watch) : kube_fake_open(scene->client) != NULL)
                loop_stop(scene->loop);
        else
                loop_timer_set(scene->timer, 1);
}

void scene_spin(struct scene *scene, bool wants_live)
{
        scene->wants_live = wants_live;
        scene->turns = 0;
        loop_timer_set(scene->timer, 0);
        loop_run(scene->loop);
}

struct kube_call *scene_call(struct scene *scene)
{
        if (kube_fake_open(scene->client) == NULL)
                scene_spin(scene, false);
        return kube_fake_open(scene->client);
}

struct scene *scene_begin(const char *name, const struct kube_watch_limits *limits)
{
        struct scene *scene = MEM_NEW(struct scene);
        const struct kube_watch_spec spec = { PODS, name, NULL };

        scene->loop = loop_new();
        scene->client = kube_fake_new(scene->loop);
        scene->timer = loop_timer_new(scene->loop, on_turn, scene);
        scene->told = (struct buf)BUF_INIT(1 << 20);
        scene->watch = kube_watch_open_limited(scene->client, &spec, limits, on_event, scene);
        return scene;
}

void scene_finish(struct scene *scene)
{
        kube_watch_close(scene->watch);
        assert_null(kube_fake_open(scene->client));
        kube_fake_free(scene->client);
        loop_timer_free(scene->timer);
        loop_free(scene->loop);
        buf_done(&scene->told);
        mem_free(scene);
}

#define OBJECT_FORM "{\"metadata\":{\"name\":\"%.*s\",\"namespace\":\"demo\",\"resourceVersion\":\"%.*s\"}}"

/* "a=1,b=2" as JSON objects, separated by commas. */
static void add_objects(struct buf *to, const char *text)
{
        for (const char *sep = ""; *text != '\0'; sep = ",") {
                const int name = (int)strcspn(text, "="), version = (int)strcspn(text + name + 1, ",");

                buf_add_str(to, sep);
                buf_printf(to, OBJECT_FORM, name, text, version, text + name + 1);
                text += name + 1 + version;
                text += *text == ',';
        }
}

void scene_list(struct scene *scene, const char *version, const char *objects, const char *more)
{
        AUTO(buf_done_p) struct buf body = BUF_INIT(1 << 20);
        struct kube_call *call = scene_call(scene);

        assert_null(strstr(call->path, "watch=1"));
        assert_int_equal(call->silence_ms, 0);
        buf_printf(&body,
                   "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"%s\",\"continue\":\"%s\"},",
                   version, more == NULL ? "" : more);
        buf_add_str(&body, "\"items\":[");
        add_objects(&body, objects);
        buf_add_str(&body, "]}");
        kube_fake_answer(call, 200, buf_str(&body));
}

struct kube_call *scene_watch(struct scene *scene, const char *version)
{
        AUTO(mem_free_p) char *query = mem_printf("resourceVersion=%s&timeoutSeconds=", version);
        struct kube_call *call = scene_call(scene);

        if (strstr(call->path, "watch=1") == NULL || strstr(call->path, query) == NULL)
                fail_msg("not a watch from %s: %s; told: %s", version, call->path, buf_str(&scene->told));
        return call;
}

void scene_frame(struct kube_call *call, const char *type, const char *object)
{
        AUTO(buf_done_p) struct buf frame = BUF_INIT(1 << 16);

        buf_printf(&frame, "{\"type\":\"%s\",\"object\":", type);
        add_objects(&frame, object);
        buf_add_str(&frame, "}\n");
        kube_fake_data(call, buf_str(&frame));
}

void scene_status(struct kube_call *call, int code)
{
        AUTO(mem_free_p)
        char *frame = mem_printf("{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":%d,"
                                 "\"message\":\"because of that\"}}\n",
                                 code);

        kube_fake_data(call, frame);
}

void scene_expect(struct scene *scene, const char *told)
{
        assert_string_equal(buf_str(&scene->told), told);
        buf_reset(&scene->told);
}

void scene_expect_no_call(struct scene *scene)
{
        assert_null(kube_fake_open(scene->client));
}
