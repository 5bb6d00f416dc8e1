// SPDX-License-Identifier: Apache-2.0
/*
 * agent/control/missed.c, and what the world knows of such pods; agent/control/controller_webhook.c: which
 * cluster is an old one.
 */
#include "world_scene.h"

#include "control/controller_webhook.h"
#include "control/missed.h"

/* px-0 with these annotations. */
static char *pod(const char *annotations, const char *more)
{
        return mem_printf("{\"metadata\":{\"name\":\"px-0\",\"namespace\":\"demo\",\"uid\":\"0123456789abc\","
                          "\"resourceVersion\":\"4\",\"labels\":{\"app.kubernetes.io/instance\":\"px\"},"
                          "\"annotations\":{%s}%s},\"status\":{\"phase\":\"Pending\"}}",
                          annotations, more);
}

static void which_pods(void **state UNUSED)
{
        static const struct {
                const char *annotations, *more;
                size_t n;
        } cases[] = {
                { "\"certrotate.io/inject\":\"true\"", "", 1 },
                { "\"certrotate.io/inject\":\"true\",\"certrotate.io/status\":\"injected\"", "", 0 },
                { "\"certrotate.io/inject\":\"true\",\"certrotate.io/status\":\"\"", "", 1 },
                { "\"certrotate.io/inject\":\"false\"", "", 0 },
                { "\"certrotate.io/inject\":true", "", 0 },
                { "", "", 0 },
                { "\"certrotate.io/inject\":\"true\"", ",\"deletionTimestamp\":\"2026-11-22T10:00:00Z\"", 0 },
                { "\"certrotate.io/inject\":\"true\"",
                  ",\"ownerReferences\":[{\"kind\":\"Job\",\"controller\":true}]", 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct world_scene *scene = world_scene_begin(NULL);
                AUTO(mem_free_p) char *text = pod(cases[i].annotations, cases[i].more);

                world_scene_list(scene, "pods", "5", text);
                world_scene_list_rest(scene);
                if (world_counts(scene->world).missed != cases[i].n)
                        fail_msg("case %zu", i);
                world_scene_finish(scene);
        }
}

static struct kube_call *event_call(const struct world_scene *scene, size_t from)
{
        struct kube_call *found = NULL;

        for (size_t i = from; i < kube_fake_n(scene->client); i++)
                if (strstr(kube_fake_at(scene->client, i)->path, "/events") != NULL)
                        found = kube_fake_at(scene->client, i);
        return found;
}

static void look_again(struct missed *missed, const struct world_scene *scene)
{
        const size_t n = kube_fake_n(scene->client);

        missed_look(missed, scene->world);
        assert_int_equal(kube_fake_n(scene->client), n);
}

static void told_once(void **state UNUSED)
{
        static const int statuses[] = { 201, 409, 403, 500 };

        for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
                struct world_scene *scene = world_scene_begin(NULL);
                struct missed *missed = missed_new(scene->client);
                AUTO(mem_free_p) char *text = pod("\"certrotate.io/inject\":\"true\"", "");
                struct kube_call *call;
                size_t n;

                world_scene_list(scene, "pods", "5", text);
                world_scene_list_rest(scene);
                missed_look(missed, scene->world);
                call = event_call(scene, 0);
                assert_non_null(call);
                assert_string_equal(call->path, "/apis/events.k8s.io/v1/namespaces/demo/events");
                assert_non_null(strstr(call->body, "\"name\":\"px-0.01234567.injection-missed\""));
                look_again(missed, scene); /* while it is under way */
                kube_fake_answer(call, statuses[i], "{\"kind\":\"Status\"}");
                look_again(missed, scene);
                /* It goes, and comes back: to be told anew, whatever the server makes of it. */
                world_scene_frame(scene, "pods", "DELETED", text);
                look_again(missed, scene);
                n = kube_fake_n(scene->client);
                mem_free(text);
                text = pod("\"certrotate.io/inject\":\"true\"", "");
                strstr(text, "\"4\"")[1] = '9';
                world_scene_frame(scene, "pods", "ADDED", text);
                missed_look(missed, scene->world);
                assert_non_null(event_call(scene, n));
                missed_free(missed);
                world_scene_finish(scene);
        }
}

static void which_clusters(void **state UNUSED)
{
        static const struct {
                const char *version;
                bool is_old;
        } cases[] = {
                { "{\"major\":\"1\",\"minor\":\"28\"}", true },
                { "{\"major\":\"1\",\"minor\":\"28+\"}", true },
                { "{\"major\":\"1\",\"minor\":\"29\"}", false },
                { "{\"major\":\"1\",\"minor\":\"33+\"}", false },
                { "{\"major\":\"2\",\"minor\":\"0\"}", false },
                { "{\"major\":\"1\"}", false },
                { "{}", false },
                { "[]", false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(json_free_p) cJSON *version = NULL;
                struct err err = ERR_INIT;

                assert_int_equal(json_parse(cases[i].version, strlen(cases[i].version), &version, &err), 0);
                assert_int_equal(controller_webhook_is_old(version), cases[i].is_old);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(which_pods),
                cmocka_unit_test(told_once),
                cmocka_unit_test(which_clusters),
        };

        return cmocka_run_group_tests_name("control_missed", tests, NULL, NULL);
}
