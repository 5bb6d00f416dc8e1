// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "act_scene.h"

void world_note_record(struct world *world, const cJSON *config_map)
{
        assert_true(cJSON_IsObject(config_map));
        world->records++;
}

void world_note_certificate(struct world *world, const cJSON *certificate)
{
        assert_true(cJSON_IsObject(certificate));
        world->certificates++;
}

void world_note_request(struct world *world, const cJSON *request)
{
        assert_true(cJSON_IsObject(request));
        world->requests++;
}

static void scene_act_done(const struct err *err, void *arg)
{
        struct act_scene *scene = arg;

        assert_false(scene->is_over);
        scene->is_over = true;
        scene->err = *err;
}

void act_scene_open(struct act_scene *scene)
{
        *scene = (struct act_scene){ .err = ERR_INIT };
        scene_open(&scene->on);
        scene->request = (struct request){ .kind = kind_of_request("PerconaXtraDBOpsRequest"),
                                           .namespace = mem_strdup("demo"),
                                           .name = mem_strdup("px-ops"),
                                           .uid = mem_strdup("request-uid"),
                                           .database = mem_strdup("px"),
                                           .type = REQUEST_TLS };
        scene->database.uid = mem_strdup("database-uid");
        record_init(&scene->record);
        scene->seen = (struct observed){ .namespace = "demo",
                                         .name = "px",
                                         .database = &scene->database,
                                         .certificates = scene->list,
                                         .n_pods = 3,
                                         .record = &scene->record,
                                         .record_version = "7",
                                         .now = { 1795600800 } };
        actions_init(&scene->actions);
}

void act_scene_spec(struct act_scene *scene, const char *text)
{
        struct err err = ERR_INIT;

        json_free(scene->request.spec);
        assert_int_equal(json_parse(text, strlen(text), &scene->request.spec, &err), 0);
}

void act_scene_certificate(struct act_scene *scene, const char *name, const char *alias, const char *secret)
{
        const size_t i = scene->seen.n_certificates++;

        scene->certificates[i] = (struct certificate){ .name = mem_strdup(name),
                                                       .alias = mem_strdup(alias),
                                                       .secret = mem_strdup(secret) };
        scene->list[i] = &scene->certificates[i];
}

void act_scene_remember(struct act_scene *scene, const char *name, const char *uid, int64_t revision,
                        bool asked)
{
        scene->record.certificates[scene->record.n_certificates++] = (struct record_certificate){
                .name = mem_strdup(name), .uid = mem_strdup(uid), .revision = revision, .asked = asked
        };
}

struct action *act_scene_add(struct act_scene *scene, enum action_kind kind)
{
        struct action *action = &scene->actions.items[scene->actions.n++];

        action->kind = kind;
        action->request = &scene->request;
        action->database = scene->request.kind;
        return action;
}

/* What was observed is gone as soon as the list has begun. */
void act_scene_start(struct act_scene *scene)
{
        scene->act = act_start(scene->on.client, &scene->world, &scene->seen, &scene->actions, scene_act_done,
                               scene);
        assert_int_equal(scene->actions.n, 0);
        for (size_t i = 0; i < scene->seen.n_certificates; i++) {
                mem_free(scene->certificates[i].name);
                mem_free(scene->certificates[i].alias);
                mem_free(scene->certificates[i].secret);
        }
        mem_free(scene->request.namespace);
        mem_free(scene->request.name);
        mem_free(scene->request.uid);
        mem_free(scene->request.database);
        json_free(scene->request.spec);
        mem_free(scene->database.uid);
        record_done(&scene->record);
        memset(&scene->request, 0xa5, sizeof(scene->request));
        memset(&scene->seen, 0xa5, sizeof(scene->seen));
        assert_int_equal(kube_fake_n(scene->on.client), 0); /* from the loop only */
}

void act_scene_body(const char *what, const struct kube_call *call, const char *want)
{
        AUTO(json_free_p) cJSON *have = NULL;
        AUTO(json_free_p) cJSON *tree = NULL;
        struct err err = ERR_INIT;

        if (want == NULL)
                return;
        if (*want == '\0') {
                assert_null(call->body);
                return;
        }
        if (json_parse(want, strlen(want), &tree, &err) != 0)
                fail_msg("%s: the test's own: %s: %s", what, err.text, want);
        if (call->body == NULL || json_parse(call->body, strlen(call->body), &have, &err) != 0)
                fail_msg("%s: %s is no JSON: %s", what, call->body, err.text);
        if (!cJSON_Compare(have, tree, true))
                fail_msg("%s: %s %s:\n%s\nis not\n%s", what, call->method, call->path, call->body, want);
}

bool act_scene_moves(void *arg)
{
        struct act_scene *scene = arg;

        return scene->is_over || kube_fake_open(scene->on.client) != NULL;
}

/* All of them, in this order, and nothing else. */
void act_scene_play(struct act_scene *scene, const char *what, const struct exchange *exchanges)
{
        size_t n = 0;

        if (scene->act == NULL)
                act_scene_start(scene);
        for (; n < EXCHANGES && exchanges[n].call != NULL; n++) {
                const struct exchange *exchange = &exchanges[n];
                struct kube_call *call;
                char text[KUBE_PATH_MAX + 32];

                scene_until(&scene->on, act_scene_moves, scene);
                call = kube_fake_open(scene->on.client);
                if (call == NULL)
                        fail_msg("%s: instead of %s the list is over: %s", what, exchange->call,
                                 scene->err.text);
                (void)snprintf(text, sizeof(text), "%s %s", call->method, call->path);
                if (strcmp(text, exchange->call) != 0)
                        fail_msg("%s: call %zu is %s, not %s", what, n + 1, text, exchange->call);
                assert_string_equal(call->type,
                                    strcmp(call->method, "PATCH") == 0 ? KUBE_MERGE_PATCH : KUBE_JSON);
                act_scene_body(what, call, exchange->body);
                if (exchange->status == CUT)
                        kube_fake_break(call, ERR_NETWORK);
                else
                        kube_fake_answer(call, exchange->status, exchange->answer);
        }
        scene_until(&scene->on, act_scene_moves, scene);
        if (!scene->is_over)
                fail_msg("%s: one call too many: %s %s", what, kube_fake_open(scene->on.client)->method,
                         kube_fake_open(scene->on.client)->path);
        assert_int_equal(kube_fake_n(scene->on.client), n);
}

void act_scene_ends(struct act_scene *scene, const char *what, enum err_kind kind, const char *text)
{
        if (!scene->is_over || scene->err.kind != kind)
                fail_msg("%s: it ended as %s: %s", what, err_reason(scene->err.kind), scene->err.text);
        if (text != NULL && strstr(scene->err.text, text) == NULL)
                fail_msg("%s: '%s' is not in '%s'", what, text, scene->err.text);
        scene_close(&scene->on);
}

char *act_scene_encode(const char *text)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const size_t len = strlen(text);
        char *made = mem_new(len / 3 * 4 + 8);
        char *out = made;

        for (size_t i = 0; i < len; i += 3) {
                const unsigned a = (unsigned char)text[i];
                const unsigned b = i + 1 < len ? (unsigned char)text[i + 1] : 0;
                const unsigned c = i + 2 < len ? (unsigned char)text[i + 2] : 0;

                *out++ = digits[a >> 2];
                *out++ = digits[(a & 3) << 4 | b >> 4];
                *out++ = i + 1 < len ? digits[(b & 15) << 2 | c >> 6] : '=';
                *out++ = i + 2 < len ? digits[c & 63] : '=';
        }
        return made;
}

char *act_scene_saved(const char *uid, const char *json)
{
        AUTO(mem_free_p) char *text = act_scene_encode(json);

        return mem_printf("{\"metadata\":{\"name\":\"px-certrotate-saved\",\"uid\":\"s9\",\"annotations\":{"
                          "\"certrotate.io/request\":\"%s\"}},\"data\":{\"saved.json\":\"%s\"}}",
                          uid, text);
}
