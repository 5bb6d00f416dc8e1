// SPDX-License-Identifier: Apache-2.0
/*
 * Configuration files rendered into a Secret, and what the record says of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "act_scene.h"

#define REFUSAL    "{\"kind\":\"Status\",\"message\":\"the server's own sentence\"}"
#define SAVED_PATH CORE "secrets/px-certrotate-saved"
#define GET_SAVED  "GET " SAVED_PATH

struct one {
        const char *name;
        enum err_kind kind;
        const char *text;
        struct exchange calls[EXCHANGES];
};

#define FILES "px-certrotate-files"
#define RENDERED(text)                                                                                       \
        "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"" FILES                         \
        "\",\"namespace\":\"demo\"," OUR_LABELS "," OUR_OWNER "%s},\"type\":\"Opaque\",\"stringData\":" text \
        "}"

static void records_files(const struct kube_call *call, const char *secret, bool had,
                          enum plan_restart restart)
{
        AUTO(json_free_p) cJSON *body = NULL;
        AUTO(record_done_p) struct record parsed;
        struct err err = ERR_INIT;
        const char *text;

        record_init(&parsed);
        assert_int_equal(json_parse(call->body, strlen(call->body), &body, &err), 0);
        text = json_get_str(json_get(body, "data"), "record.json");
        assert_int_equal(record_parse(text, strlen(text), &parsed, &err), 0);
        assert_int_equal(parsed.step, RECORD_WALK);
        assert_int_equal(parsed.n_files, 1);
        assert_string_equal(parsed.files[0].secret, secret);
        assert_int_equal(strlen(parsed.files[0].hash), 64);
        assert_int_equal(strlen(parsed.files[0].before), had ? 64 : 0);
        assert_int_equal(parsed.files[0].restart, restart);
}

static void add_render(struct act_scene *scene, const char *kind, const char *spec)
{
        struct record *record;

        act_scene_open(scene);
        scene->request.type = REQUEST_CONFIG;
        scene->request.kind = kind_of_request(kind);
        act_scene_spec(scene, spec);
        record = &act_scene_add(scene, ACTION_RENDER)->record;
        record_init(record);
        record->request = mem_strdup("px-ops");
        record->kind = mem_strdup(kind);
        record->uid = mem_strdup("request-uid");
        record->step = RECORD_WALK;
}

static void renders(void **state UNUSED)
{
        struct act_scene scene;
        struct kube_call *call;
        AUTO(mem_free_p)
        char *want = mem_printf(
                RENDERED("{\"b.cnf\":\"[mysqld]\\nb=1\",\"zz-inline-a.cnf\":\"[mysqld]\\nx=1\"}"), "");

        add_render(&scene, "PerconaXtraDBOpsRequest",
                   "{\"configSecret\":{\"name\":\"mine\"},\"applyConfig\":{\"a.cnf\":\"[mysqld]\\nx=1\"},"
                   "\"restart\":\"false\"}");
        act_scene_start(&scene);
        kube_fake_answer(scene_call(&scene.on, 1, "GET", SAVED_PATH), 404, REFUSAL);
        kube_fake_answer(scene_call(&scene.on, 2, "GET", CORE "secrets/mine"), 200,
                         "{\"data\":{\"b.cnf\":\"W215c3FsZF0KYj0x\"}}");
        kube_fake_answer(scene_call(&scene.on, 3, "GET", CORE "secrets/" FILES), 404, REFUSAL);
        kube_fake_answer(scene_call(&scene.on, 4, "GET", CORE "secrets/" FILES), 404, REFUSAL);
        call = scene_call(&scene.on, 5, "POST", CORE "secrets" BY);
        act_scene_body("rendered", call, want);
        kube_fake_answer(call, 201, "{}");
        call = scene_call(&scene.on, 6, "PATCH", CORE "configmaps/px-certrotate" BY);
        records_files(call, FILES, false, PLAN_RESTART_NEVER);
        kube_fake_answer(call, 200, "{\"metadata\":{\"resourceVersion\":\"8\"}}");
        assert_int_equal(scene.world.records, 1);
        act_scene_ends(&scene, "rendered", ERR_NONE, NULL);
}

/* Killed before the record was written: over what was there before the request, once more. */
static void renders_again(void **state UNUSED)
{
        AUTO(mem_free_p)
        char *saved = act_scene_saved("request-uid", "{\"files\":{\"" FILES
                                                     "\":{\"data\":{\"b.cnf\":\"W215c3FsZF0KYj0x\"}}}}");
        struct act_scene scene;
        struct kube_call *call;

        add_render(&scene, "PerconaXtraDBOpsRequest", "{\"applyConfig\":{\"a.cnf\":\"[mysqld]\\nx=1\"}}");
        act_scene_start(&scene);
        kube_fake_answer(scene_call(&scene.on, 1, "GET", SAVED_PATH), 200, saved);
        kube_fake_answer(
                scene_call(&scene.on, 2, "GET", CORE "secrets/" FILES), 200,
                "{\"data\":{\"zz-inline-a.cnf\":\"W215c3FsZF0KeD0x\",\"b.cnf\":\"W215c3FsZF0KYj0x\"}}");
        call = scene_call(&scene.on, 3, "PATCH", CORE "configmaps/px-certrotate" BY);
        records_files(call, FILES, true, PLAN_RESTART_AUTO);
        kube_fake_answer(call, 200, "{\"metadata\":{\"resourceVersion\":\"8\"}}");
        act_scene_ends(&scene, "again", ERR_NONE, NULL);
}

static void renders_parts(void **state UNUSED)
{
        struct act_scene scene;
        struct kube_call *call;

        add_render(&scene, "SinglestoreOpsRequest",
                   "{\"leaf\":{\"applyConfig\":{\"sdb-apply.cnf\":\"x=1\"}}}");
        act_scene_start(&scene);
        kube_fake_answer(scene_call(&scene.on, 1, "GET", SAVED_PATH), 404, REFUSAL);
        kube_fake_answer(scene_call(&scene.on, 2, "GET", CORE "secrets/" FILES "-leaf"), 404, REFUSAL);
        kube_fake_answer(scene_call(&scene.on, 3, "GET", CORE "secrets/" FILES "-leaf"), 404, REFUSAL);
        kube_fake_answer(scene_call(&scene.on, 4, "POST", CORE "secrets" BY), 201, "{}");
        call = scene_call(&scene.on, 5, "PATCH", CORE "configmaps/px-certrotate" BY);
        records_files(call, FILES "-leaf", false, PLAN_RESTART_AUTO);
        kube_fake_answer(call, 200, "{\"metadata\":{\"resourceVersion\":\"8\"}}");
        act_scene_ends(&scene, "parts", ERR_NONE, NULL);
}

#define GET_MINE "GET " CORE "secrets/mine"

static void cannot_render(void **state UNUSED)
{
        static const struct one cases[] = {
                { "no such Secret",
                  ERR_USAGE,
                  "configSecret: Secret mine: it does not exist in namespace demo",
                  { { GET_SAVED, "", 404, REFUSAL }, { GET_MINE, "", 404, REFUSAL } } },
                { "no text",
                  ERR_USAGE,
                  "its key a.cnf is no text",
                  { { GET_SAVED, "", 404, REFUSAL },
                    { GET_MINE, "", 200, "{\"data\":{\"a.cnf\":\"AAE=\"}}" } } },
                { "no base64",
                  ERR_USAGE,
                  "its key a.cnf",
                  { { GET_SAVED, "", 404, REFUSAL },
                    { GET_MINE, "", 200, "{\"data\":{\"a.cnf\":\"?\"}}" } } },
                { "no right to read it",
                  ERR_PRIVILEGE,
                  NULL,
                  { { GET_SAVED, "", 404, REFUSAL }, { GET_MINE, "", 403, REFUSAL } } },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct act_scene scene;

                add_render(&scene, "PerconaXtraDBOpsRequest", "{\"configSecret\":{\"name\":\"mine\"}}");
                act_scene_play(&scene, cases[i].name, cases[i].calls);
                act_scene_ends(&scene, cases[i].name, cases[i].kind, cases[i].text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(renders),
                cmocka_unit_test(renders_again),
                cmocka_unit_test(renders_parts),
                cmocka_unit_test(cannot_render),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
