// SPDX-License-Identifier: Apache-2.0
#include "world_scene.h"

#define LATE_TURNS 30000

static const struct kube_watch_limits watch_limits = { 4, 8, 16, 0, 5, 1000, 4000, 300, 600, 500, 8 };
static const struct world_limits limits = { .missing_ms = 6, .doubt_ms = 3, .watch = &watch_limits };

static void on_changed(const char *key, void *arg)
{
        struct world_scene *scene = arg;

        buf_printf(&scene->changed, "%s ", key);
}

static struct kube_call *find(const struct world_scene *scene, const char *resource)
{
        const size_t len = strlen(resource);

        for (size_t i = kube_fake_n(scene->client); i-- > 0;) {
                struct kube_call *call = kube_fake_at(scene->client, i);
                const size_t path = strcspn(call->path, "?");

                if (!call->is_over && path > len && call->path[path - len - 1] == '/' &&
                    strncmp(call->path + path - len, resource, len) == 0)
                        return call;
        }
        return NULL;
}

static void on_turn(void *arg)
{
        struct world_scene *scene = arg;

        if (++scene->turns > LATE_TURNS)
                fail_msg("nobody asks for %s", scene->resource);
        if (find(scene, scene->resource) != NULL)
                loop_stop(scene->loop);
        else
                loop_timer_set(scene->timer, 1);
}

struct kube_call *world_scene_call(struct world_scene *scene, const char *resource)
{
        scene->turns = 0;
        scene->resource = resource;
        if (find(scene, resource) == NULL) {
                loop_timer_set(scene->timer, 0);
                loop_run(scene->loop);
        }
        return find(scene, resource);
}

struct world_scene *world_scene_begin(const char *namespace)
{
        struct world_scene *scene = MEM_NEW(struct world_scene);
        const struct world_spec spec = { .namespace = namespace };

        scene->loop = loop_new();
        scene->client = kube_fake_new(scene->loop);
        scene->timer = loop_timer_new(scene->loop, on_turn, scene);
        scene->changed = (struct buf)BUF_INIT(4 << 20);
        scene->world = world_open_limited(scene->client, &spec, &limits, on_changed, scene);
        return scene;
}

void world_scene_finish(struct world_scene *scene)
{
        world_close(scene->world);
        assert_null(kube_fake_open(scene->client));
        kube_fake_free(scene->client);
        loop_timer_free(scene->timer);
        loop_free(scene->loop);
        buf_done(&scene->changed);
        mem_free(scene);
}

void world_scene_list(struct world_scene *scene, const char *resource, const char *version, const char *items)
{
        AUTO(mem_free_p)
        char *body =
                mem_printf("{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"%s\"},\"items\":[%s]}",
                           version, items);
        struct kube_call *call = world_scene_call(scene, resource);

        assert_null(strstr(call->path, "watch=1"));
        kube_fake_answer(call, 200, body);
}

void world_scene_list_rest(struct world_scene *scene)
{
        const size_t n = kube_fake_n(scene->client);

        for (size_t i = 0; i < n; i++) {
                struct kube_call *call = kube_fake_at(scene->client, i);

                if (!call->is_over && strstr(call->path, "watch=1") == NULL)
                        kube_fake_answer(call, 200,
                                         "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"1\"},"
                                         "\"items\":[]}");
        }
}

void world_scene_status(struct world_scene *scene, const char *resource, int status)
{
        kube_fake_answer(world_scene_call(scene, resource), status,
                         "{\"kind\":\"Status\",\"message\":\"the server could not find it\"}");
}

void world_scene_frame(struct world_scene *scene, const char *resource, const char *type, const char *object)
{
        AUTO(mem_free_p) char *frame = mem_printf("{\"type\":\"%s\",\"object\":%s}\n", type, object);
        struct kube_call *call = world_scene_call(scene, resource);

        assert_non_null(strstr(call->path, "watch=1"));
        kube_fake_data(call, frame);
}

void world_scene_expect(struct world_scene *scene, const char *changed)
{
        assert_string_equal(buf_str(&scene->changed), changed);
        buf_reset(&scene->changed);
}

struct observed world_scene_observe(struct world_scene *scene, const char *key)
{
        struct observed seen = { .n_pods = 99 };

        if (!world_observe(scene->world, key, (struct wall){ 1800000000 }, &seen))
                fail_msg("nothing is known of %s", key);
        return seen;
}

#define META                                                                                                 \
        "\"metadata\":{\"namespace\":\"demo\",\"name\":\"%s\",\"uid\":\"u-%s-%d\",\"resourceVersion\":\"%"   \
        "d\""

char *world_scene_pod(const char *name, const char *database, int version, const char *report)
{
        AUTO(buf_done_p) struct buf quoted = BUF_INIT(1 << 16);

        if (report != NULL)
                buf_add_str(&quoted, ",\"annotations\":{\"certrotate.io/report\":");
        if (report != NULL)
                buf_add_json(&quoted, report);
        if (report != NULL)
                buf_add_char(&quoted, '}');
        return mem_printf(
                "{" META ",\"labels\":{\"app.kubernetes.io/instance\":\"%s\","
                "\"app.kubernetes.io/name\":\"perconaxtradbs.kubedb.com\"}%s},\"status\":"
                "{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
                name, name, version, version, database, buf_str(&quoted));
}

char *world_scene_request(const char *name, const char *database, int version, const char *phase)
{
        return mem_printf("{\"kind\":\"PerconaXtraDBOpsRequest\"," META
                          ",\"creationTimestamp\":\"2026-11-22T10:00:00Z\"},\"spec\":{\"type\":"
                          "\"ReconfigureTLS\",\"databaseRef\":{\"name\":\"%s\"},\"tls\":"
                          "{\"rotateCertificates\":true}},\"status\":{\"phase\":\"%s\"}}",
                          name, name, version, version, database, phase);
}

char *world_scene_certificate(const char *name, const char *database, int version)
{
        return mem_printf("{\"kind\":\"Certificate\"," META ",\"generation\":1,\"labels\":"
                          "{\"app.kubernetes.io/instance\":\"%s\"}},\"spec\":{\"secretName\":\"%s\","
                          "\"issuerRef\":{\"kind\":\"Issuer\",\"name\":\"px-issuer\"}},\"status\":"
                          "{\"revision\":3,\"notAfter\":\"2027-02-20T10:00:00Z\",\"conditions\":"
                          "[{\"type\":\"Ready\",\"status\":\"True\",\"observedGeneration\":1}]}}",
                          name, name, version, version, database, name);
}

char *world_scene_database(const char *name, int version)
{
        return mem_printf("{\"kind\":\"PerconaXtraDB\"," META
                          ",\"annotations\":{\"certrotate.io/maintenance-window\":\"02:00-04:00\"}},\"spec\":"
                          "{\"halted\":false,\"tls\":{\"issuerRef\":{\"kind\":\"Issuer\",\"name\":\"i\"}}},"
                          "\"status\":{\"phase\":\"Ready\",\"conditions\":[{\"type\":\"Paused\","
                          "\"status\":\"True\"}]}}",
                          name, name, version, version);
}

char *world_scene_record(const char *database, int version, const char *record)
{
        AUTO(buf_done_p) struct buf quoted = BUF_INIT(1 << 16);
        AUTO(mem_free_p) char *name = mem_printf("%s-certrotate", database);

        buf_add_json(&quoted, record);
        return mem_printf("{" META ",\"annotations\":{\"certrotate.io/spread\":\"30m\"}},"
                          "\"data\":{\"record.json\":%s}}",
                          name, name, version, version, buf_str(&quoted));
}

char *world_scene_issuer(const char *namespace, const char *name, int version, const char *ready)
{
        return mem_printf("{\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s\",\"resourceVersion\":\"%d\"},"
                          "\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\",\"message\":"
                          "\"no key\"}]}}",
                          namespace, name, version, ready);
}
