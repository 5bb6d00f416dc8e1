// SPDX-License-Identifier: Apache-2.0
/*
 * Conditions of one request that follow each other: one read and one write, and an Event for each that is to
 * have one and was not there: here the first two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "act_scene.h"

#define REQUEST(phase, conditions)                                                                           \
        "{\"metadata\":{\"name\":\"px-ops\",\"uid\":\"request-uid\",\"resourceVersion\":\"41\","             \
        "\"generation\":2},\"status\":{\"phase\":\"" phase "\",\"conditions\":[" conditions "]}}"
#define STEP(type)                                                                                           \
        "{\"type\":\"" type "\",\"status\":\"True\",\"observedGeneration\":2,\"lastTransitionTime\":"        \
        "\"" NOW_TEXT "\",\"reason\":\"" type "Reason\",\"message\":\"text\"}"
#define ALL      STEP("One") "," STEP("Two") "," STEP("Three")
#define OBSERVED ",\"observedGeneration\":2"
#define OTHERS   "{\"type\":\"ReloadTLS--px-0\",\"status\":\"True\"}"
#define READ(...)                                                                                            \
        {                                                                                                    \
                "GET " OPS "/px-ops", "", 200, REQUEST(__VA_ARGS__)                                          \
        }
#define WROTE(...)                                                                                           \
        {                                                                                                    \
                "PATCH " OPS "/px-ops/status" BY, PATCH(__VA_ARGS__), 200, "{}"                              \
        }
#define REFUSED(code)                                                                                        \
        {                                                                                                    \
                "PATCH " OPS "/px-ops/status" BY, NULL, code, NULL                                           \
        }
#define EVENT                                                                                                \
        {                                                                                                    \
                "POST " EVENTS BY, NULL, 201, "{}"                                                           \
        }
#define EVENT_OF(code)                                                                                       \
        {                                                                                                    \
                "POST " EVENTS BY, NULL, code, "{}"                                                          \
        }
#define RECORD                                                                                               \
        {                                                                                                    \
                "POST /api/v1/namespaces/demo/configmaps" BY, NULL, 201, "{\"metadata\":{}}"                 \
        }
#define PATCH(conditions, more)                                                                              \
        "{\"metadata\":{\"resourceVersion\":\"41\"},\"status\":{\"conditions\":[" conditions "]" more "}}"

static const struct {
        const char *name;
        enum err_kind kind;
        const char *events; /* their reasons */
        struct exchange calls[EXCHANGES];
} cases[] = {
        { "all new",
          ERR_NONE,
          "One Two ",
          { READ("", OTHERS), WROTE(OTHERS "," ALL, ",\"phase\":\"Progressing\"" OBSERVED), EVENT, EVENT,
            RECORD } },
        { "one was there",
          ERR_NONE,
          "Two ",
          { READ("Progressing", STEP("One")), WROTE(ALL, OBSERVED), EVENT, RECORD } },
        { "the phase alone was there",
          ERR_NONE,
          "One Two ",
          { READ("Progressing", ""), WROTE(ALL, OBSERVED), EVENT, EVENT, RECORD } },
        { "all were there", ERR_NONE, "", { READ("Progressing", ALL), RECORD } },
        { "an agent writes too",
          ERR_NONE,
          "Two ",
          { READ("Progressing", ""), REFUSED(409), READ("Progressing", STEP("One")), WROTE(ALL, OBSERVED),
            EVENT, RECORD } },
        { "an Event is refused",
          ERR_NONE,
          "One Two ",
          { READ("Progressing", ""), WROTE(ALL, OBSERVED), EVENT_OF(403), EVENT_OF(CUT), RECORD } },
        { "refused", ERR_REFUSED, "", { READ("Progressing", ""), REFUSED(422) } },
};

static void add(struct act_scene *scene)
{
        static const char *const types[][2] = { { "One", "OneReason" },
                                                { "Two", "TwoReason" },
                                                { "Three", "ThreeReason" } };

        for (size_t i = 0; i < ARRAY_LEN(types); i++) {
                struct action *action = act_scene_add(scene, i == 1 ? ACTION_PHASE : ACTION_CONDITION);

                action->type = types[i][0];
                action->reason = types[i][1];
                action->text = mem_strdup("text");
                action->is_true = true;
                action->is_event = i == 0;
                action->phase = REQUEST_PROGRESSING;
        }
        record_init(&act_scene_add(scene, ACTION_RECORD)->record);
        scene->seen.record = NULL;
        scene->seen.record_version = NULL;
}

/* "One Two " */
static void reasons(const struct act_scene *scene, char *out, size_t size)
{
        *out = '\0';
        for (size_t i = 0; i < kube_fake_n(scene->on.client); i++) {
                const struct kube_call *call = kube_fake_at(scene->on.client, i);
                AUTO(json_free_p) cJSON *event = NULL;
                struct err err = ERR_INIT;
                const size_t len = strlen(out);

                if (strcmp(call->path, EVENTS BY) != 0)
                        continue;
                assert_int_equal(json_parse(call->body, strlen(call->body), &event, &err), 0);
                (void)snprintf(out + len, size - len, "%s ", json_get_str(event, "reason"));
        }
}

static void several(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct act_scene scene;
                char told[128];

                act_scene_open(&scene);
                add(&scene);
                act_scene_play(&scene, cases[i].name, cases[i].calls);
                reasons(&scene, told, sizeof(told));
                assert_string_equal(told, cases[i].events);
                act_scene_ends(&scene, cases[i].name, cases[i].kind, NULL);
        }
}

/* Of two requests, or with something between them: each for itself. */
static void apart(void **state UNUSED)
{
        struct act_scene scene;

        act_scene_open(&scene);
        add(&scene);
        scene.actions.items[1].kind = ACTION_EVENT;
        act_scene_play(
                &scene, "apart",
                (const struct exchange[EXCHANGES]){ READ("Progressing", ""), WROTE(STEP("One"), OBSERVED),
                                                    EVENT, EVENT, READ("Progressing", STEP("One")),
                                                    WROTE(STEP("One") "," STEP("Three"), OBSERVED), RECORD });
        act_scene_ends(&scene, "apart", ERR_NONE, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(several), cmocka_unit_test(apart) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
