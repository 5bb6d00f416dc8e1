// SPDX-License-Identifier: Apache-2.0
/*
 * Actions on Certificates: one revision for one request, whoever else is at work.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "act_scene.h"

#define REFUSAL "{\"kind\":\"Status\",\"message\":\"the server's own sentence\"}"
#define NAME    "px-server-cert"
#define SPEC(more)                                                                                           \
        "\"spec\":{\"secretName\":\"" NAME "\",\"dnsNames\":[\"px\"],\"issuerRef\":{\"name\":\"old\","       \
        "\"kind\":\"Issuer\"}" more "}"
#define STATUS(revision, conditions) "\"status\":{\"revision\":" revision ",\"conditions\":[" conditions "]}"
#define READY                        "{\"type\":\"Ready\",\"status\":\"True\",\"observedGeneration\":1}"
#define ISSUING                      "{\"type\":\"Issuing\",\"status\":\"True\"}"
#define TOLD                                                                                                 \
        "{\"type\":\"Issuing\",\"status\":\"True\",\"reason\":\"ManuallyTriggered\",\"message\":"            \
        "\"asked for by OpsRequest px-ops\",\"lastTransitionTime\":\"" NOW_TEXT                              \
        "\",\"observedGeneration\":1}"
#define META(more)                                                                                           \
        "\"metadata\":{\"name\":\"" NAME                                                                     \
        "\",\"namespace\":\"demo\",\"resourceVersion\":\"11\",\"uid\":\"c1\","                               \
        "\"generation\":1,\"labels\":{\"app.kubernetes.io/instance\":\"px\"}" more "}"
#define CERTIFICATE(meta, spec, status)                                                                      \
        "{\"apiVersion\":\"cert-manager.io/v1\",\"kind\":\"Certificate\"," META(meta) "," SPEC(              \
                spec) "," status "}"
#define TELLING(version)                                                                                     \
        "{\"metadata\":{\"resourceVersion\":\"" version "\"},\"status\":{\"conditions\":[" READY "," TOLD    \
        "]}}"
#define GET_IT  "GET " CM "/" NAME
#define TELL_IT "PATCH " CM "/" NAME "/status" BY
#define PUT_IT  "PUT " CM "/" NAME BY

struct one {
        const char *name;
        enum err_kind kind;
        const char *text;
        int told; /* to the world */
        struct exchange calls[EXCHANGES];
};

static const struct one issues_cases[] = {
        { "told once",
          ERR_NONE,
          NULL,
          1,
          { { GET_IT, "", 200, CERTIFICATE("", "", STATUS("3", READY)) },
            { TELL_IT, TELLING("11"), 200, "{}" } } },
        { "issued already",
          ERR_NONE,
          NULL,
          0,
          { { GET_IT, "", 200, CERTIFICATE("", "", STATUS("4", READY)) } } },
        { "at it",
          ERR_NONE,
          NULL,
          0,
          { { GET_IT, "", 200, CERTIFICATE("", "", STATUS("3", READY "," ISSUING)) } } },
        { "begun meanwhile",
          ERR_NONE,
          NULL,
          0,
          { { GET_IT, "", 200, CERTIFICATE("", "", STATUS("3", READY)) },
            { TELL_IT, TELLING("11"), 409, REFUSAL },
            { GET_IT, "", 200, CERTIFICATE("", "", STATUS("3", READY "," ISSUING)) } } },
        { "gone", ERR_CHANGED, "it is gone", 0, { { GET_IT, "", 404, REFUSAL } } },
        { "no right",
          ERR_PRIVILEGE,
          "own sentence",
          0,
          { { GET_IT, "", 200, CERTIFICATE("", "", STATUS("3", READY)) }, { TELL_IT, NULL, 403, REFUSAL } } },
};

static void issues(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(issues_cases); i++) {
                struct act_scene scene;
                struct action *action;

                act_scene_open(&scene);
                action = act_scene_add(&scene, ACTION_ISSUE);
                action->name = mem_strdup(NAME);
                action->number = 3;
                act_scene_play(&scene, issues_cases[i].name, issues_cases[i].calls);
                assert_int_equal(scene.world.certificates, issues_cases[i].told);
                act_scene_ends(&scene, issues_cases[i].name, issues_cases[i].kind, issues_cases[i].text);
        }
}

#define OWNER                                                                                                \
        ",\"ownerReferences\":[{\"apiVersion\":\"kubedb.com/"                                                \
        "v1\",\"kind\":\"PerconaXtraDB\",\"name\":\"px\",\"uid\":\"database-uid\",\"controller\":true,"      \
        "\"blockOwnerDeletion\":true}]"
#define MARK      ",\"annotations\":{\"certrotate.io/issue\":\"request-uid\"}"
#define NEW_NAMES "\"dnsNames\":[\"px\",\"px.example\"]"
#define CHANGED_SPEC                                                                                         \
        "\"spec\":{\"secretName\":\"" NAME "\"," NEW_NAMES                                                   \
        ",\"issuerRef\":{\"name\":\"old\",\"kind\":\"Issuer\"}}"
#define CHANGED(meta, status)                                                                                \
        "{\"apiVersion\":\"cert-manager.io/v1\",\"kind\":\"Certificate\"," META(                             \
                OWNER meta) "," CHANGED_SPEC status "}"

static const struct one certificates_cases[] = {
        { "changed, and told to issue",
          ERR_NONE,
          NULL,
          2,
          { { GET_IT, "", 200, CERTIFICATE("", "", STATUS("3", READY)) },
            { PUT_IT, NULL, 200, CHANGED(MARK, "," STATUS("3", READY)) },
            { TELL_IT, TELLING("11"), 200, "{}" } } },
        { "changed, and cert-manager is at it by itself",
          ERR_NONE,
          NULL,
          1,
          { { GET_IT, "", 200, CERTIFICATE("", "", STATUS("3", READY)) },
            { PUT_IT, NULL, 200, CHANGED(MARK, "," STATUS("3", READY "," ISSUING)) } } },
        { "changed, and cert-manager begins in between",
          ERR_NONE,
          NULL,
          1,
          { { GET_IT, "", 200, CERTIFICATE("", "", STATUS("3", READY)) },
            { PUT_IT, NULL, 200, CHANGED(MARK, "," STATUS("3", READY)) },
            { TELL_IT, TELLING("11"), 409, REFUSAL },
            { GET_IT, "", 200, CHANGED(MARK, "," STATUS("3", READY "," ISSUING)) } } },
        { "changed before, not told",
          ERR_NONE,
          NULL,
          1,
          { { GET_IT, "", 200, CHANGED(MARK, "," STATUS("3", READY)) },
            { TELL_IT, TELLING("11"), 200, "{}" } } },
        { "changed and issued before",
          ERR_NONE,
          NULL,
          0,
          { { GET_IT, "", 200, CHANGED(MARK, "," STATUS("4", READY)) } } },
        { "was always so", ERR_NONE, NULL, 0, { { GET_IT, "", 200, CHANGED("", "," STATUS("3", READY)) } } },
        { "of an earlier request",
          ERR_NONE,
          NULL,
          0,
          { { GET_IT, "", 200,
              CHANGED(",\"annotations\":{\"certrotate.io/issue\":\"other\"}", "," STATUS("3", READY)) } } },
        { "another writes it",
          ERR_CHANGED,
          NULL,
          0,
          { { GET_IT, "", 200, CERTIFICATE("", "", STATUS("3", READY)) }, { PUT_IT, NULL, 409, REFUSAL } } },
        { "refused",
          ERR_REFUSED,
          "PUT certificates/" NAME ": the API server answered 422: the server's own sentence",
          0,
          { { GET_IT, "", 200, CERTIFICATE("", "", STATUS("3", READY)) }, { PUT_IT, NULL, 422, REFUSAL } } },
        { "trouble",
          ERR_NETWORK,
          NULL,
          0,
          { { GET_IT, "", 200, CERTIFICATE("", "", STATUS("3", READY)) }, { PUT_IT, NULL, CUT, NULL } } },
};

/* One that is there; it was at revision 3 when the request began. */
static void certificates(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(certificates_cases); i++) {
                struct act_scene scene;

                act_scene_open(&scene);
                act_scene_spec(&scene,
                               "{\"certificates\":[{\"alias\":\"server\",\"dnsNames\":[\"px.example\"]}]}");
                act_scene_remember(&scene, NAME, "c1", 3, true);
                act_scene_add(&scene, ACTION_CERTIFICATE)->name = mem_strdup("server");
                act_scene_play(&scene, certificates_cases[i].name, certificates_cases[i].calls);
                assert_int_equal(scene.world.certificates, certificates_cases[i].told);
                act_scene_ends(&scene, certificates_cases[i].name, certificates_cases[i].kind,
                               certificates_cases[i].text);
        }
}

/* The whole object stays as it is but for what was asked, and is bound to the version that was read. */
static void certificate_as_written(void **state UNUSED)
{
        struct act_scene scene;
        const struct exchange calls[EXCHANGES] = {
                { GET_IT, "", 200,
                  CERTIFICATE(",\"managedFields\":[{\"a\":1}],\"annotations\":{\"mine\":\"1\"}",
                              ",\"usages\":[\"server auth\"]", STATUS("3", READY)) },
                { PUT_IT,
                  "{\"apiVersion\":\"cert-manager.io/v1\",\"kind\":\"Certificate\"," META(
                          ",\"annotations\":{\"mine\":\"1\",\"certrotate.io/"
                          "issue\":\"request-uid\"}" OWNER) ","
                                                            "\"spec\":{\"secretName\":\"" NAME "\"," NEW_NAMES
                                                            ",\"issuerRef\":{\"name\":\"old\","
                                                            "\"kind\":\"Issuer\"},\"usages\":["
                                                            "\"server auth\"]}}",
                  200, CHANGED(MARK, "," STATUS("3", READY)) },
                { TELL_IT, NULL, 200, "{}" },
        };

        act_scene_open(&scene);
        act_scene_spec(&scene, "{\"certificates\":[{\"alias\":\"server\",\"dnsNames\":[\"px.example\"]}]}");
        act_scene_remember(&scene, NAME, "c1", 3, true);
        act_scene_add(&scene, ACTION_CERTIFICATE)->name = mem_strdup("server");
        act_scene_play(&scene, "written", calls);
        act_scene_ends(&scene, "written", ERR_NONE, NULL);
}

static bool has_text(const cJSON *list, const char *text)
{
        const cJSON *item;

        cJSON_ArrayForEach(item, list)
        {
                if (cJSON_IsString(item) && strcmp(item->valuestring, text) == 0)
                        return true;
        }
        return false;
}

#define POD  "{\"spec\":{\"subdomain\":\"px-pods\"}}"
#define PODS POD "," POD "," POD

/* A new one covers the pods under the services that they name. */
static void new_certificate(void **state UNUSED)
{
        static const struct {
                const char *spec;
                enum err_kind kind;
                int status;
        } cases[] = {
                { "{\"issuerRef\":{\"kind\":\"Issuer\",\"name\":\"new\"}}", ERR_NONE, 201 },
                { "{\"issuerRef\":{\"kind\":\"Issuer\",\"name\":\"new\"}}", ERR_CHANGED, 409 },
                { "{\"issuerRef\":{\"kind\":\"Issuer\",\"name\":\"new\"}}", ERR_REFUSED, 422 },
                { "{}", ERR_USAGE, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct act_scene scene;
                struct kube_call *call;
                AUTO(json_free_p) cJSON *made = NULL;
                struct err err = ERR_INIT;

                act_scene_open(&scene);
                act_scene_spec(&scene, cases[i].spec);
                act_scene_remember(&scene, NAME, "", 0, true);
                act_scene_add(&scene, ACTION_CERTIFICATE)->name = mem_strdup("server");
                act_scene_start(&scene);
                kube_fake_answer(scene_call(&scene.on, 1, "GET", CM "/" NAME), 404, REFUSAL);
                kube_fake_answer(scene_call(&scene.on, 2, "GET", CORE "pods" LABELED "200"), 200,
                                 "{\"items\":[" PODS "," PODS "," PODS
                                 ",{\"spec\":{}},{\"spec\":{\"subdomain\":7}},"
                                 "{\"spec\":{\"subdomain\":\"px-more\"}}]}");
                if (cases[i].status != 0) {
                        call = scene_call(&scene.on, 3, "POST", CM BY);
                        assert_int_equal(json_parse(call->body, strlen(call->body), &made, &err), 0);
                        assert_string_equal(json_get_str(json_get(made, "metadata"), "name"), NAME);
                        assert_true(
                                has_text(json_get(json_get(made, "spec"), "dnsNames"), "*.px-pods.demo.svc"));
                        assert_true(
                                has_text(json_get(json_get(made, "spec"), "dnsNames"), "*.px-more.demo.svc"));
                        assert_non_null(strstr(call->body, "database-uid"));
                        kube_fake_answer(call, cases[i].status,
                                         cases[i].status == 201 ? call->body : REFUSAL);
                }
                assert_int_equal(scene.world.certificates, cases[i].status == 201);
                act_scene_ends(&scene, cases[i].spec, cases[i].kind, NULL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(issues),
                cmocka_unit_test(certificates),
                cmocka_unit_test(certificate_as_written),
                cmocka_unit_test(new_certificate),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
