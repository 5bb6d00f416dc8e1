// SPDX-License-Identifier: Apache-2.0
/*
 * Evicts a pod: the way of deleting one that asks the PodDisruptionBudgets, and only that pod, not its
 * successor.
 */
#include "control/act_parts.h"

#include "base/mem.h"

#include <string.h>

/* The API server's sentence that names the budget; NULL: it is busy otherwise. */
static const char *budget(const cJSON *status)
{
        const cJSON *cause;

        cJSON_ArrayForEach(cause, json_get(json_get(status, "details"), "causes"))
        {
                const char *reason = json_get_str(cause, "reason");

                if (reason != NULL && strcmp(reason, "DisruptionBudget") == 0)
                        return json_get_str(cause, "message");
        }
        return NULL;
}

static void on_evicted(struct act *act, int status, const cJSON *object)
{
        const char *says = status == 429 ? budget(object) : NULL;
        struct err err = ERR_INIT;

        if (status == 409)
                err_set_(&err, ERR_CHANGED, "%s: it is another by now", act->what);
        else if (says != NULL)
                err_set_(&err, ERR_NOT_READY,
                         "PodDisruptionBudget does not allow that pod %.253s is evicted: %.200s",
                         act_action(act)->name, says);
        else if (status == 429)
                err_set_(&err, ERR_NOT_READY, "%s: the API server wants to be asked later", act->what);
        if (err.kind != ERR_NONE)
                act_fail(act, &err);
        else
                act_next(act); /* or it has gone by itself */
}

void act_evict_start(struct act *act)
{
        const struct action *action = act_action(act);
        const struct act_place place = { "v1", "pods", action->name, "/eviction", NULL };
        AUTO(json_free_p) cJSON *body = json_object();
        cJSON *meta = json_object();
        cJSON *options = json_object();
        cJSON *precondition = json_object();

        json_add_str(body, "apiVersion", "policy/v1");
        json_add_str(body, "kind", "Eviction");
        json_add(body, "metadata", meta);
        json_add_str(meta, "name", action->name);
        json_add_str(meta, "namespace", act->namespace);
        json_add(body, "deleteOptions", options);
        json_add(options, "preconditions", precondition);
        json_add_str(precondition, "uid", action->uid);
        act_send(act, "POST", &place, body, ACT_MISSING | ACT_CONFLICT | ACT_BUSY, on_evicted);
}
