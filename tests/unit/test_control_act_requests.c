// SPDX-License-Identifier: Apache-2.0
/*
 * What is written into OpsRequests, Events about them, and OpsRequests of our own: what is written, and what
 * is not written twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "act_scene.h"

#define GET_REQUEST "GET " OPS "/px-ops"
#define PUT_STATUS  "PATCH " OPS "/px-ops/status" BY
#define REQUEST_(uid, phase, conditions)                                                                     \
        "{\"metadata\":{\"name\":\"px-ops\",\"uid\":\"" uid                                                  \
        "\",\"resourceVersion\":\"41\",\"generation\":2},"                                                   \
        "\"status\":{\"phase\":\"" phase "\",\"conditions\":[" conditions "]}}"
#define REQUEST(phase, conditions) REQUEST_("request-uid", phase, conditions)
#define SYNCED                                                                                               \
        "{\"type\":\"CertificateSynced\",\"status\":\"True\",\"observedGeneration\":2,"                      \
        "\"lastTransitionTime\":\"" NOW_TEXT                                                                 \
        "\",\"reason\":\"CertificateSynced\",\"message\":\"all synced\"}"
#define OTHERS "{\"type\":\"ReloadTLS--px-0\",\"status\":\"True\"}"
#define PATCH(conditions, more)                                                                              \
        "{\"metadata\":{\"resourceVersion\":\"41\"},\"status\":{\"conditions\":[" conditions "]" more "}}"
#define OBSERVED ",\"observedGeneration\":2"
#define EVENT                                                                                                \
        {                                                                                                    \
                "POST " EVENTS BY, NULL, 201, "{}"                                                           \
        }
#define REFUSAL "{\"kind\":\"Status\",\"message\":\"the server's own sentence\"}"

static struct action *condition(struct act_scene *scene)
{
        struct action *action = act_scene_add(scene, ACTION_CONDITION);

        action->type = action->reason = "CertificateSynced";
        action->text = mem_strdup("all synced");
        action->is_true = action->is_event = true;
        return action;
}

static const struct {
        const char *name;
        enum err_kind kind;
        const char *text;
        struct exchange calls[EXCHANGES];
} conditions_cases[] = {
        { "new",
          ERR_NONE,
          NULL,
          { { GET_REQUEST, "", 200, REQUEST("Progressing", OTHERS) },
            { PUT_STATUS, PATCH(OTHERS "," SYNCED, OBSERVED), 200, "{}" },
            EVENT } },
        { "done before", ERR_NONE, NULL, { { GET_REQUEST, "", 200, REQUEST("Progressing", SYNCED) } } },
        { "gone", ERR_NONE, NULL, { { GET_REQUEST, "", 404, REFUSAL } } },
        { "another of that name",
          ERR_NONE,
          NULL,
          { { GET_REQUEST, "", 200, REQUEST_("other-uid", "Progressing", "") } } },
        { "ended", ERR_NONE, NULL, { { GET_REQUEST, "", 200, REQUEST("Failed", "") } } },
        { "gone while it was read",
          ERR_NONE,
          NULL,
          { { GET_REQUEST, "", 200, REQUEST("", "") }, { PUT_STATUS, NULL, 404, NULL } } },
        { "an agent writes too",
          ERR_NONE,
          NULL,
          { { GET_REQUEST, "", 200, REQUEST("", "") },
            { PUT_STATUS, PATCH(SYNCED, OBSERVED), 409, REFUSAL },
            { GET_REQUEST, "", 200, REQUEST("", OTHERS) },
            { PUT_STATUS, PATCH(OTHERS "," SYNCED, OBSERVED), 200, "{}" },
            EVENT } },
        { "again and again",
          ERR_CHANGED,
          "changed by others",
          { { GET_REQUEST, "", 200, REQUEST("", "") },
            { PUT_STATUS, NULL, 409, NULL },
            { GET_REQUEST, "", 200, REQUEST("", "") },
            { PUT_STATUS, NULL, 409, NULL },
            { GET_REQUEST, "", 200, REQUEST("", "") },
            { PUT_STATUS, NULL, 409, NULL },
            { GET_REQUEST, "", 200, REQUEST("", "") },
            { PUT_STATUS, NULL, 409, NULL },
            { GET_REQUEST, "", 200, REQUEST("", "") },
            { PUT_STATUS, NULL, 409, NULL } } },
        { "the Event is refused",
          ERR_NONE,
          NULL,
          { { GET_REQUEST, "", 200, REQUEST("", "") },
            { PUT_STATUS, NULL, 200, "{}" },
            { "POST " EVENTS BY, NULL, 403, REFUSAL } } },
        { "the Event gets no answer",
          ERR_NONE,
          NULL,
          { { GET_REQUEST, "", 200, REQUEST("", "") },
            { PUT_STATUS, NULL, 200, "{}" },
            { "POST " EVENTS BY, NULL, CUT, NULL } } },
        { "refused",
          ERR_REFUSED,
          "PATCH perconaxtradbopsrequests/px-ops: the API server answered 422: the server's own "
          "sentence",
          { { GET_REQUEST, "", 200, REQUEST("", "") }, { PUT_STATUS, NULL, 422, REFUSAL } } },
        { "half an object", ERR_PROTOCOL, NULL, { { GET_REQUEST, "", 200, "{\"metadata\":{\"na" } } },
        { "no object", ERR_PROTOCOL, NULL, { { GET_REQUEST, "", 200, "[]" } } },
        { "without version",
          ERR_PROTOCOL,
          NULL,
          { { GET_REQUEST, "", 200, "{\"metadata\":{\"uid\":\"request-uid\"}}" } } },
};

static void conditions(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(conditions_cases); i++) {
                struct act_scene scene;

                act_scene_open(&scene);
                condition(&scene);
                act_scene_play(&scene, conditions_cases[i].name, conditions_cases[i].calls);
                assert_int_equal(scene.world.requests,
                                 conditions_cases[i].kind == ERR_NONE &&
                                         conditions_cases[i].calls[1].call != NULL &&
                                         strcmp(conditions_cases[i].name, "gone while it was read") != 0);
                act_scene_ends(&scene, conditions_cases[i].name, conditions_cases[i].kind,
                               conditions_cases[i].text);
        }
}

#define END_(status, reason)                                                                                 \
        "{\"type\":\"ReconfigureTLS\",\"status\":\"" status "\",\"observedGeneration\":2,"                   \
        "\"lastTransitionTime\":\"" NOW_TEXT "\",\"reason\":\"" reason "\",\"message\":\"why\"}"

static const struct {
        const char *name;
        enum request_phase phase;
        const char *reason;
        struct exchange calls[EXCHANGES];
} phases_cases[] = {
        { "begins",
          REQUEST_PROGRESSING,
          "ReconfigureTLS",
          { { GET_REQUEST, "", 200, REQUEST("Pending", "") },
            { PUT_STATUS, PATCH(END_("True", "ReconfigureTLS"), ",\"phase\":\"Progressing\"" OBSERVED), 200,
              "{}" },
            EVENT } },
        { "fails",
          REQUEST_FAILED,
          "Failed",
          { { GET_REQUEST, "", 200, REQUEST("Progressing", END_("True", "ReconfigureTLS")) },
            { PUT_STATUS, PATCH(END_("False", "Failed"), ",\"phase\":\"Failed\"" OBSERVED), 200, "{}" },
            EVENT } },
        { "only the phase is missing",
          REQUEST_PROGRESSING,
          "ReconfigureTLS",
          { { GET_REQUEST, "", 200, REQUEST("", END_("True", "ReconfigureTLS")) },
            { PUT_STATUS,
              "{\"metadata\":{\"resourceVersion\":\"41\"},\"status\":{\"phase\":"
              "\"Progressing\"" OBSERVED "}}",
              200, "{}" },
            EVENT } },
        { "done before",
          REQUEST_PROGRESSING,
          "ReconfigureTLS",
          { { GET_REQUEST, "", 200, REQUEST("Progressing", END_("True", "ReconfigureTLS")) } } },
        { "has ended otherwise",
          REQUEST_FAILED,
          "Failed",
          { { GET_REQUEST, "", 200, REQUEST("Successful", "") } } },
        { "deleted meanwhile", REQUEST_SUCCESSFUL, "x", { { GET_REQUEST, "", 404, REFUSAL } } },
        { "skipped",
          REQUEST_SKIPPED,
          "Skipped",
          { { GET_REQUEST, "", 200, REQUEST("", "") },
            { PUT_STATUS, PATCH(END_("True", "Skipped"), ",\"phase\":\"Skipped\"" OBSERVED), 200, "{}" },
            EVENT } },
};

static void phases(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(phases_cases); i++) {
                struct act_scene scene;
                struct action *action;

                act_scene_open(&scene);
                action = act_scene_add(&scene, ACTION_PHASE);
                action->phase = phases_cases[i].phase;
                action->type = "ReconfigureTLS";
                action->reason = phases_cases[i].reason;
                action->text = mem_strdup("why");
                act_scene_play(&scene, phases_cases[i].name, phases_cases[i].calls);
                act_scene_ends(&scene, phases_cases[i].name, ERR_NONE, NULL);
        }
}

/* In a text that comes from others: no key, nothing that steers a terminal. */
static void texts(void **state UNUSED)
{
        static const struct {
                const char *text, *told;
        } cases[] = {
                { "a\x1b[2Jb", "\"a?[2Jb\"" },
                { "-----BEGIN EC PRIVATE KEY-----\nMHc=", "the reason was not told" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct act_scene scene;
                struct action *action;
                struct kube_call *call;

                act_scene_open(&scene);
                action = condition(&scene);
                mem_free(action->text);
                action->text = mem_strdup(cases[i].text);
                act_scene_start(&scene);
                kube_fake_answer(scene_call(&scene.on, 1, "GET", OPS "/px-ops"), 200, REQUEST("", ""));
                call = scene_call(&scene.on, 2, "PATCH", OPS "/px-ops/status" BY);
                assert_null(strchr(call->body, '\x1b'));
                assert_null(strstr(call->body, "PRIVATE"));
                if (i == 1)
                        assert_non_null(strstr(call->body, cases[i].told));
                act_cancel(scene.act);
                scene_close(&scene.on);
        }
}

static void events(void **state UNUSED)
{
        static const struct {
                bool is_normal;
                const char *type;
                bool is_of_a_pod;
        } cases[] = { { true, "Normal", false }, { false, "Warning", false }, { true, "Normal", true } };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct act_scene scene;
                struct action *action;
                struct kube_call *call;
                const char *name;
                AUTO(json_free_p) cJSON *event = NULL;
                AUTO(json_free_p) cJSON *about = NULL;
                struct err err = ERR_INIT;
                const char *regarding =
                        cases[i].is_of_a_pod
                                ? "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"namespace\":\"demo\",\"name\":"
                                  "\"px-1\",\"uid\":\"pod-uid\"}"
                                : "{\"apiVersion\":\"ops.kubedb.com/v1alpha1\",\"kind\":"
                                  "\"PerconaXtraDBOpsRequest\",\"namespace\":\"demo\",\"name\":\"px-ops\","
                                  "\"uid\":\"request-uid\"}";

                act_scene_open(&scene);
                action = act_scene_add(&scene, ACTION_EVENT);
                action->reason = "Starting";
                action->text = mem_strdup("Pausing PerconaXtraDB demo/px");
                action->is_true = cases[i].is_normal;
                if (cases[i].is_of_a_pod) {
                        action->request = NULL;
                        action->name = mem_strdup("px-1");
                        action->uid = mem_strdup("pod-uid");
                }
                act_scene_start(&scene);
                call = scene_call(&scene.on, 1, "POST", EVENTS BY);
                assert_int_equal(json_parse(call->body, strlen(call->body), &event, &err), 0);
                assert_int_equal(json_parse(regarding, strlen(regarding), &about, &err), 0);
                assert_string_equal(json_get_str(event, "apiVersion"), "events.k8s.io/v1");
                assert_string_equal(json_get_str(event, "type"), cases[i].type);
                assert_string_equal(json_get_str(event, "reason"), "Starting");
                assert_string_equal(json_get_str(event, "action"), "Starting");
                assert_string_equal(json_get_str(event, "note"), "Pausing PerconaXtraDB demo/px");
                assert_string_equal(json_get_str(event, "reportingController"), "certrotate.io/controller");
                assert_non_null(json_get_str(event, "reportingInstance"));
                assert_non_null(json_get_str(event, "eventTime"));
                name = json_get_str(json_get(event, "metadata"), "name");
                assert_int_equal(strncmp(name, cases[i].is_of_a_pod ? "px-1." : "px-ops.", 5), 0);
                assert_true(cJSON_Compare(json_get(event, "regarding"), about, true));
                kube_fake_answer(call, 201, "{}");
                act_scene_ends(&scene, cases[i].type, ERR_NONE, NULL);
        }
}

#define CREATED                                                                                              \
        "{\"apiVersion\":\"ops.kubedb.com/v1alpha1\",\"kind\":\"PerconaXtraDBOpsRequest\",\"metadata\":{"    \
        "\"name\":\"px-1-rotate-tls-auto\",\"namespace\":\"demo\",\"labels\":{\"app.kubernetes.io/"          \
        "managed-by\":\"certrotate\",\"app.kubernetes.io/instance\":\"px\",\"app.kubernetes.io/component\":" \
        "\"database\",\"certrotate.io/auto\":\"true\"},\"annotations\":{\"certrotate.io/renewal\":"          \
        "\"px-server-cert=4\"}," OUR_OWNER "},\"spec\":{\"type\":\"ReconfigureTLS\",\"databaseRef\":{"       \
        "\"name\":\"px\"},\"tls\":{\"rotateCertificates\":true}}}"

#define MERGED                                                                                               \
        "{\"apiVersion\":\"ops.kubedb.com/v1alpha1\",\"kind\":\"PerconaXtraDBOpsRequest\",\"metadata\":{"    \
        "\"name\":\"px-1-rotate-tls-auto\",\"namespace\":\"demo\"," OUR_LABELS                               \
        ",\"annotations\":{\"certrotate.io/merged-from\":\"px-server-cert=4\"}," OUR_OWNER "},\"spec\":{"    \
        "\"type\":\"Reconfigure\"}}"

static void own_requests(void **state UNUSED)
{
        static const struct {
                const char *name;
                enum action_kind action;
                enum err_kind kind;
                struct exchange calls[EXCHANGES];
        } cases[] = {
                { "made", ACTION_CREATE, ERR_NONE, { { "POST " OPS BY, CREATED, 201, "{}" } } },
                { "made before", ACTION_CREATE, ERR_NONE, { { "POST " OPS BY, CREATED, 409, REFUSAL } } },
                { "refused", ACTION_CREATE, ERR_REFUSED, { { "POST " OPS BY, CREATED, 422, REFUSAL } } },
                { "merged", ACTION_MERGE, ERR_NONE, { { "POST " OPS BY, MERGED, 201, "{}" } } },
                { "merged before", ACTION_MERGE, ERR_NONE, { { "POST " OPS BY, MERGED, 409, REFUSAL } } },
                { "deleted",
                  ACTION_DELETE,
                  ERR_NONE,
                  { { "DELETE " OPS "/px-ops", DELETE_OF("request-uid"), 200, "{}" } } },
                { "deleted before",
                  ACTION_DELETE,
                  ERR_NONE,
                  { { "DELETE " OPS "/px-ops", NULL, 404, REFUSAL } } },
                { "another by now",
                  ACTION_DELETE,
                  ERR_NONE,
                  { { "DELETE " OPS "/px-ops", NULL, 409, REFUSAL } } },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct act_scene scene;
                struct action *action;

                act_scene_open(&scene);
                action = act_scene_add(&scene, cases[i].action);
                if (cases[i].action == ACTION_MERGE) {
                        action->spec = json_object();
                        json_add_str(action->spec, "type", "Reconfigure");
                }
                if (cases[i].action != ACTION_DELETE) {
                        action->request = NULL;
                        action->name = mem_strdup("px-1-rotate-tls-auto");
                        action->text = mem_strdup("px-server-cert=4");
                }
                act_scene_play(&scene, cases[i].name, cases[i].calls);
                act_scene_ends(&scene, cases[i].name, cases[i].kind, NULL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(conditions), cmocka_unit_test(phases),       cmocka_unit_test(texts),
                cmocka_unit_test(events),     cmocka_unit_test(own_requests),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
