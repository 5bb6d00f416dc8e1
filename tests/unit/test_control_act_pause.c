// SPDX-License-Identifier: Apache-2.0
/*
 * The mark that keeps other operators off, on the database object or on workloads.
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

struct one {
        const char *name;
        enum err_kind kind;
        const char *text;
        int told; /* to the world */
        struct exchange calls[EXCHANGES];
};

#define DB(version, spec, conditions)                                                                        \
        "{\"metadata\":{\"name\":\"px\",\"resourceVersion\":\"" version                                      \
        "\",\"generation\":5},\"spec\":{" spec "},\"status\":{\"conditions\":[" conditions "]}}"
#define GET_DB          "GET " DATABASE
#define OTHER_CONDITION "{\"type\":\"Ready\",\"status\":\"True\"}"
#define PAUSED                                                                                               \
        "{\"type\":\"Paused\",\"status\":\"True\",\"observedGeneration\":5,\"lastTransitionTime\":"          \
        "\"" NOW_TEXT                                                                                        \
        "\",\"reason\":\"Paused\",\"message\":\"certrotate: paused for PerconaXtraDBOpsRequest px-ops\"}"
#define PAUSED_BY_OTHERS                                                                                     \
        "{\"type\":\"Paused\",\"status\":\"True\",\"reason\":\"Paused\",\"message\":\"paused by kubectl "    \
        "dba\"}"
#define STATUS_PATCH(conditions)                                                                             \
        "{\"metadata\":{\"resourceVersion\":\"21\"},\"status\":{\"conditions\":[" conditions "]}}"
#define PATCH_STATUS    "PATCH " DATABASE "/status" BY
#define SETS            "/apis/apps/v1/namespaces/demo/statefulsets"
#define PETS            "/apis/apps.k8s.appscode.com/v1/namespaces/demo/petsets"
#define LIST_SETS       "GET " SETS LABELED "64"
#define LIST_PETS       "GET " PETS LABELED "64"
#define SET(name, more) "{\"metadata\":{\"name\":\"" name "\"" more "}}"
#define MARKED(name)    ",\"annotations\":{\"certrotate.io/paused\":\"" name "\"}"
#define MARKING(value)  "{\"metadata\":{\"annotations\":{\"certrotate.io/paused\":" value "}}}"
#define NONE            "{\"items\":[]}"

static const struct one pauses_cases[] = {
        { "the object",
          ERR_NONE,
          NULL,
          0,
          { { GET_DB, "", 200, DB("21", "", OTHER_CONDITION) },
            { PATCH_STATUS, STATUS_PATCH(OTHER_CONDITION "," PAUSED), 200, "{}" } } },
        { "done before", ERR_NONE, NULL, 0, { { GET_DB, "", 200, DB("21", "", PAUSED) } } },
        { "by others before", ERR_NONE, NULL, 0, { { GET_DB, "", 200, DB("21", "", PAUSED_BY_OTHERS) } } },
        { "others write too",
          ERR_NONE,
          NULL,
          0,
          { { GET_DB, "", 200, DB("20", "", "") },
            { PATCH_STATUS, NULL, 409, REFUSAL },
            { GET_DB, "", 200, DB("21", "", "") },
            { PATCH_STATUS, STATUS_PATCH(PAUSED), 200, "{}" } } },
        { "cannot be marked",
          ERR_CHANGED,
          "subresource",
          0,
          { { GET_DB, "", 200, DB("21", "", "") }, { PATCH_STATUS, NULL, 404, REFUSAL } } },
        { "no right",
          ERR_PRIVILEGE,
          NULL,
          0,
          { { GET_DB, "", 200, DB("21", "", "") }, { PATCH_STATUS, NULL, 403, REFUSAL } } },
        { "no object: its workloads",
          ERR_NONE,
          NULL,
          0,
          { { GET_DB, "", 404, REFUSAL },
            { LIST_SETS, "", 200, "{\"items\":[" SET("px", "") "," SET("px-log", MARKED("px-ops")) "]}" },
            { "PATCH " SETS "/px" BY, MARKING("\"px-ops\""), 200, "{}" },
            { LIST_PETS, "", 200, "{\"items\":[" SET("px-arb", MARKED("old")) "," SET("px-x", "") "]}" },
            { "PATCH " PETS "/px-arb" BY, MARKING("\"px-ops\""), 200, "{}" },
            { "PATCH " PETS "/px-x" BY, MARKING("\"px-ops\""), 404, REFUSAL } } },
        { "no PetSets here",
          ERR_NONE,
          NULL,
          0,
          { { GET_DB, "", 404, REFUSAL },
            { LIST_SETS, "", 200, NONE },
            { LIST_PETS, "", 404, "404 page" } } },
};

static void pauses(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(pauses_cases); i++) {
                struct act_scene scene;

                act_scene_open(&scene);
                (void)act_scene_add(&scene, ACTION_PAUSE);
                act_scene_play(&scene, pauses_cases[i].name, pauses_cases[i].calls);
                act_scene_ends(&scene, pauses_cases[i].name, pauses_cases[i].kind, pauses_cases[i].text);
        }
}

static const struct one resumes_cases[] = {
        { "ours only",
          ERR_NONE,
          NULL,
          0,
          { { GET_DB, "", 200, DB("21", "", OTHER_CONDITION "," PAUSED) },
            { PATCH_STATUS, STATUS_PATCH(OTHER_CONDITION), 200, "{}" } } },
        { "no object when it was paused",
          ERR_NONE,
          NULL,
          0,
          { { GET_DB, "", 200, DB("21", "", OTHER_CONDITION) },
            { LIST_SETS, "", 200, "{\"items\":[" SET("px", MARKED("px-ops")) "]}" },
            { "PATCH " SETS "/px" BY, MARKING("null"), 200, "{}" },
            { LIST_PETS, "", 404, NULL } } },
        { "that of others stays",
          ERR_NONE,
          NULL,
          0,
          { { GET_DB, "", 200, DB("21", "", PAUSED_BY_OTHERS) },
            { LIST_SETS, "", 200, NONE },
            { LIST_PETS, "", 404, NULL } } },
        { "gone meanwhile",
          ERR_NONE,
          NULL,
          0,
          { { GET_DB, "", 200, DB("21", "", PAUSED) }, { PATCH_STATUS, NULL, 404, REFUSAL } } },
        { "others write too",
          ERR_NONE,
          NULL,
          0,
          { { GET_DB, "", 200, DB("20", "", PAUSED) },
            { PATCH_STATUS, NULL, 409, REFUSAL },
            { GET_DB, "", 200, DB("21", "", PAUSED) },
            { PATCH_STATUS, STATUS_PATCH(""), 200, "{}" } } },
        { "workloads, whoever of ours has marked them",
          ERR_NONE,
          NULL,
          0,
          { { GET_DB, "", 404, REFUSAL },
            { LIST_SETS, "", 200, "{\"items\":[" SET("px", MARKED("other")) "," SET("px-log", "") ",{}]}" },
            { "PATCH " SETS "/px" BY, MARKING("null"), 200, "{}" },
            { LIST_PETS, "", 404, NULL } } },
        { "trouble on the way",
          ERR_NETWORK,
          NULL,
          0,
          { { GET_DB, "", 200, DB("21", "", "") }, { LIST_SETS, "", CUT, NULL } } },
};

static void resumes(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(resumes_cases); i++) {
                struct act_scene scene;

                act_scene_open(&scene);
                act_scene_add(&scene, ACTION_RESUME)->request = NULL; /* its kind is known all the same */
                act_scene_play(&scene, resumes_cases[i].name, resumes_cases[i].calls);
                act_scene_ends(&scene, resumes_cases[i].name, resumes_cases[i].kind, resumes_cases[i].text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pauses),
                cmocka_unit_test(resumes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
