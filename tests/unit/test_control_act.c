// SPDX-License-Identifier: Apache-2.0
/*
 * The sequence of actions, and the record: what each refusal means, and that nothing is done after it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "act_scene.h"

#define PATCH(conditions, more)                                                                              \
        "{\"metadata\":{\"resourceVersion\":\"41\"},\"status\":{\"conditions\":[" conditions "]" more "}}"
#define REFUSAL "{\"kind\":\"Status\",\"message\":\"the server's own sentence\"}"
#define RECORD_DATA(n)                                                                                       \
        "\"data\":{\"record.json\":\"{\\\"generation\\\":" #n "}\",\"plan.json\":\"{\\\"generation\\\":" #n  \
        ",\\\"turn\\\":[]}\"}"
#define CONFIG_MAP(meta, n)                                                                                  \
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"px-certrotate\","            \
        "\"namespace\":\"demo\"," OUR_LABELS meta "}," RECORD_DATA(n) "}"
#define VERSION(n) ",\"resourceVersion\":\"" #n "\""
#define WROTE(n)   "{\"metadata\":{\"resourceVersion\":\"" #n "\"}}"
#define OVER       "PATCH " CORE "configmaps/px-certrotate" BY

static const struct {
        const char *name;
        bool is_new;
        enum err_kind kind;
        int told;
        struct exchange calls[EXCHANGES];
} records_cases[] = {
        { "two, the second over the first",
          false,
          ERR_NONE,
          2,
          { { OVER, CONFIG_MAP(VERSION(7), 5), 200, WROTE(8) },
            { OVER, CONFIG_MAP(VERSION(8), 6), 200, WROTE(9) } } },
        { "the first of all",
          true,
          ERR_NONE,
          2,
          { { "POST " CORE "configmaps" BY, CONFIG_MAP("," OUR_OWNER, 5), 201, WROTE(8) },
            { OVER, CONFIG_MAP(VERSION(8), 6), 200, WROTE(9) } } },
        { "there meanwhile", true, ERR_CHANGED, 0, { { "POST " CORE "configmaps" BY, NULL, 409, REFUSAL } } },
        { "changed", false, ERR_CHANGED, 0, { { OVER, NULL, 409, REFUSAL } } },
        { "gone", false, ERR_CHANGED, 0, { { OVER, NULL, 404, REFUSAL } } },
        { "no right", false, ERR_PRIVILEGE, 0, { { OVER, NULL, 403, REFUSAL } } },
        { "refused", false, ERR_REFUSED, 0, { { OVER, NULL, 422, REFUSAL } } },
        { "trouble", false, ERR_NETWORK, 0, { { OVER, NULL, 500, "<html>" } } },
        { "cut", false, ERR_NETWORK, 0, { { OVER, NULL, CUT, NULL } } },
        { "busy", false, ERR_NOT_READY, 0, { { OVER, NULL, 429, REFUSAL } } },
};

static void records(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(records_cases); i++) {
                struct act_scene scene;

                act_scene_open(&scene);
                if (records_cases[i].is_new) {
                        scene.seen.record = NULL;
                        scene.seen.record_version = NULL;
                }
                for (int generation = 5; generation <= 6; generation++) {
                        struct record *record = &act_scene_add(&scene, ACTION_RECORD)->record;

                        record_init(record);
                        record->generation = generation;
                }
                act_scene_play(&scene, records_cases[i].name, records_cases[i].calls);
                assert_int_equal(scene.world.records, records_cases[i].told);
                act_scene_ends(&scene, records_cases[i].name, records_cases[i].kind, NULL);
        }
}

static void record_too_large(void **state UNUSED)
{
        struct act_scene scene;
        struct record *record;

        act_scene_open(&scene);
        record = &act_scene_add(&scene, ACTION_RECORD)->record;
        record_init(record);
        record->request = mem_strdup("px-ops");
        record->authorities = mem_new(600U << 10);
        memset(record->authorities, 'A', (600U << 10) - 1);
        act_scene_play(&scene, "too large", (const struct exchange[EXCHANGES]){ { NULL, NULL, 0, NULL } });
        act_scene_ends(&scene, "too large", ERR_REFUSED, "larger than a ConfigMap holds");
}

static void add_each(struct act_scene *scene, enum action_kind kind)
{
        struct action *action = act_scene_add(scene, kind);

        action->type = action->reason = "Successful";
        action->text = mem_strdup("text");
        action->name = mem_strdup(kind == ACTION_CERTIFICATE ? "server" : "px-server-cert");
        action->uid = mem_strdup("pod-uid");
        action->phase = REQUEST_SUCCESSFUL;
        action->spec = kind == ACTION_MERGE ? json_object() : NULL;
        record_init(&action->record);
        scene->request.type = kind == ACTION_RENDER ? REQUEST_CONFIG : REQUEST_TLS;
        act_scene_remember(scene, "px-server-cert", "", 0, true);
}

/* Those that always ask something: an Event may be lost, and of no Certificate nothing is learned. */
static bool asks(enum action_kind kind)
{
        return kind != ACTION_EVENT && kind != ACTION_TRUST;
}

/* Whatever an action asks first: what the answer means, and that nothing more is done then. */
static void troubles(void **state UNUSED)
{
        static const struct {
                int status;
                const char *body;
                enum err_kind kind;
        } cases[] = {
                { 401, REFUSAL, ERR_AUTH },       { 403, REFUSAL, ERR_PRIVILEGE },
                { 422, REFUSAL, ERR_REFUSED },    { 410, REFUSAL, ERR_CHANGED },
                { 429, "", ERR_NOT_READY },       { 500, REFUSAL, ERR_NETWORK },
                { 503, "<p>no", ERR_NOT_READY },  { CUT, "", ERR_NETWORK },
                { 200, "{\"a\":", ERR_PROTOCOL }, { 200, "\"text\"", ERR_PROTOCOL },
                { 200, "", ERR_PROTOCOL },
        };

        for (enum action_kind kind = 0; kind <= ACTION_EVICT; kind++)
                for (size_t i = 0; i < ARRAY_LEN(cases) && asks(kind); i++) {
                        struct act_scene scene;
                        struct kube_call *call;

                        act_scene_open(&scene);
                        add_each(&scene, kind);
                        add_each(&scene, ACTION_EVENT);
                        act_scene_start(&scene);
                        scene_until(&scene.on, act_scene_moves, &scene);
                        call = kube_fake_open(scene.on.client);
                        if (call == NULL)
                                fail_msg("action %d asks nothing", (int)kind);
                        if (cases[i].status == CUT)
                                kube_fake_break(call, ERR_NETWORK);
                        else
                                kube_fake_answer(call, cases[i].status, cases[i].body);
                        assert_int_equal(kube_fake_n(scene.on.client), 1);
                        act_scene_ends(&scene, call == NULL ? "" : "trouble", cases[i].kind,
                                       cases[i].status == 422 ? "the server's own sentence" : NULL);
                }
}

/* At any moment, without a callback. */
static void cancelled(void **state UNUSED)
{
        for (enum action_kind kind = 0; kind <= ACTION_EVICT; kind++) {
                struct act_scene scene;

                if (kind == ACTION_TRUST)
                        continue;
                act_scene_open(&scene);
                add_each(&scene, kind);
                act_scene_start(&scene);
                scene_until(&scene.on, act_scene_moves, &scene);
                act_cancel(scene.act);
                assert_false(scene.is_over);
                scene_close(&scene.on);
        }
        act_cancel(NULL);
}

static void nothing_to_do(void **state UNUSED)
{
        struct act_scene scene;

        act_scene_open(&scene);
        act_scene_play(&scene, "empty", (const struct exchange[EXCHANGES]){ { NULL, NULL, 0, NULL } });
        act_scene_ends(&scene, "empty", ERR_NONE, NULL);
}

/* Actions about a request that is gone. */
static void without_request(void **state UNUSED)
{
        static const enum action_kind kinds_of_it[] = { ACTION_CONDITION,   ACTION_PHASE,  ACTION_SAVE,
                                                        ACTION_CERTIFICATE, ACTION_RENDER, ACTION_DATABASE,
                                                        ACTION_EVENT,       ACTION_DELETE };

        for (size_t i = 0; i < ARRAY_LEN(kinds_of_it); i++) {
                struct act_scene scene;

                act_scene_open(&scene);
                add_each(&scene, kinds_of_it[i]);
                scene.actions.items[0].request = NULL;
                if (kinds_of_it[i] == ACTION_EVENT) /* about a pod it needs none */
                        mem_free(TAKE(scene.actions.items[0].name));
                act_scene_play(&scene, "gone", (const struct exchange[EXCHANGES]){ { NULL, NULL, 0, NULL } });
                act_scene_ends(&scene, "gone", ERR_NONE, NULL);
        }
}

static void bad_names(void **state UNUSED)
{
        static const char *const names[] = { "a/b", "..", "a?x", "A", "" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                struct act_scene scene;

                act_scene_open(&scene);
                add_each(&scene, ACTION_ISSUE);
                mem_free(scene.actions.items[0].name);
                scene.actions.items[0].name = mem_strdup(names[i]);
                act_scene_play(&scene, names[i],
                               (const struct exchange[EXCHANGES]){ { NULL, NULL, 0, NULL } });
                act_scene_ends(&scene, names[i], ERR_USAGE, "no name");
                act_scene_open(&scene);
                scene.seen.name = names[i];
                add_each(&scene, ACTION_RECORD);
                act_scene_play(&scene, names[i],
                               (const struct exchange[EXCHANGES]){ { NULL, NULL, 0, NULL } });
                act_scene_ends(&scene, names[i], ERR_USAGE, "no name");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(records),       cmocka_unit_test(record_too_large),
                cmocka_unit_test(troubles),      cmocka_unit_test(cancelled),
                cmocka_unit_test(nothing_to_do), cmocka_unit_test(without_request),
                cmocka_unit_test(bad_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
