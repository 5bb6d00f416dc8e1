// SPDX-License-Identifier: Apache-2.0
/*
 * The eviction of a pod, and what its refusals mean; conditions about a pod.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "act_scene.h"

#define EVICT "POST " CORE "pods/px-0/eviction" BY
#define BODY                                                                                                 \
        "{\"apiVersion\":\"policy/v1\",\"kind\":\"Eviction\",\"metadata\":{\"name\":\"px-0\",\"namespace\":" \
        "\"demo\"},\"deleteOptions\":{\"preconditions\":{\"uid\":\"pod-uid\"}}}"
#define STATUS(code, more) "{\"kind\":\"Status\",\"code\":" #code ",\"message\":\"Cannot evict pod\"" more "}"
#define BUDGET                                                                                               \
        ",\"details\":{\"causes\":[{\"reason\":\"Other\"},{\"reason\":\"DisruptionBudget\",\"message\":"     \
        "\"The disruption budget px needs 2 healthy pods and has 2 currently\"}]}"

static const struct {
        const char *name;
        enum err_kind kind;
        const char *text;
        struct exchange calls[EXCHANGES];
} cases[] = {
        { "evicted", ERR_NONE, NULL, { { EVICT, BODY, 201, STATUS(201, "") } } },
        { "gone before", ERR_NONE, NULL, { { EVICT, BODY, 404, STATUS(404, "") } } },
        { "another by now", ERR_CHANGED, "another", { { EVICT, BODY, 409, STATUS(409, "") } } },
        { "a budget",
          ERR_NOT_READY,
          "PodDisruptionBudget does not allow that pod px-0 is evicted: The disruption budget px needs 2",
          { { EVICT, BODY, 429, STATUS(429, BUDGET) } } },
        { "busy otherwise", ERR_NOT_READY, "asked later", { { EVICT, BODY, 429, STATUS(429, "") } } },
        { "a proxy is busy", ERR_NOT_READY, "asked later", { { EVICT, BODY, 429, "<html>" } } },
        { "odd causes",
          ERR_NOT_READY,
          "asked later",
          { { EVICT, BODY, 429, STATUS(429, ",\"details\":{\"causes\":[1,{\"reason\":2},null]}") } } },
        { "no right", ERR_PRIVILEGE, "403", { { EVICT, BODY, 403, STATUS(403, "") } } },
        { "refused", ERR_REFUSED, NULL, { { EVICT, BODY, 422, STATUS(422, "") } } },
        { "two budgets", ERR_NETWORK, NULL, { { EVICT, BODY, 500, STATUS(500, "") } } },
        { "cut", ERR_NETWORK, NULL, { { EVICT, BODY, CUT, NULL } } },
};

static void evictions(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct act_scene scene;
                struct action *action;

                act_scene_open(&scene);
                action = act_scene_add(&scene, ACTION_EVICT);
                action->name = mem_strdup("px-0");
                action->uid = mem_strdup("pod-uid");
                act_scene_play(&scene, cases[i].name, cases[i].calls);
                act_scene_ends(&scene, cases[i].name, cases[i].kind, cases[i].text);
        }
}

#define GET_IT "GET " OPS "/px-ops"
#define TOLD                                                                                                 \
        "{\"metadata\":{\"resourceVersion\":\"41\"},\"status\":{\"conditions\":[{\"type\":"                  \
        "\"EvictPod--px-0\",\"status\":\"True\",\"lastTransitionTime\":\"" NOW_TEXT                          \
        "\",\"message\":\"evict pod\",\"observedGeneration\":1}],\"observedGeneration\":1}}"

static void condition_of_a_pod(void **state UNUSED)
{
        static const struct exchange calls[EXCHANGES] = {
                { GET_IT, "", 200,
                  "{\"metadata\":{\"uid\":\"request-uid\",\"resourceVersion\":\"41\",\"generation\":1}}" },
                { "PATCH " OPS "/px-ops/status" BY, TOLD, 200, "{}" },
        };
        struct act_scene scene;
        struct action *action;

        act_scene_open(&scene);
        action = act_scene_add(&scene, ACTION_CONDITION);
        action->type = "EvictPod";
        action->name = mem_strdup("px-0");
        action->text = mem_strdup("evict pod");
        action->is_true = true;
        act_scene_play(&scene, "of a pod", calls);
        act_scene_ends(&scene, "of a pod", ERR_NONE, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(evictions),
                cmocka_unit_test(condition_of_a_pod),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
