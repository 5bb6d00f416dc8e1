// SPDX-License-Identifier: Apache-2.0
/*
 * Events about requests, in KubeDB's form. They are told once and as well as can be: nothing waits for one
 * that the server does not take.
 */
#include "control/act_parts.h"

#include "base/mem.h"
#include "control/event.h"
#include "kube/event_json.h"
#include "kube/report_text.h"

static cJSON *regarding(const struct act *act)
{
        const struct action *action = act_action(act);
        const bool is_pod = action->kind == ACTION_EVENT && action->name != NULL;

        if (!is_pod && action->request == NULL)
                return NULL;
        return kube_event_json_about(is_pod ? "v1" : KIND_OPS_GROUP,
                                     is_pod ? "Pod" : action->request->kind->request, act->namespace,
                                     is_pod ? action->name : action->request->name,
                                     is_pod ? action->uid : action->request->uid);
}

void act_event_tell(struct act *act, bool is_normal, const char *reason, const char *note)
{
        const struct act_place place = { .group = "events.k8s.io/v1", .resource = "events" };
        AUTO(json_free_p) cJSON *event = NULL;
        AUTO(mem_free_p) char *name = NULL;
        cJSON *about = reason == NULL || kube_report_text_is_secret(note) ? NULL : regarding(act);

        if (about == NULL) {
                act_next(act);
                return;
        }
        name = kube_event_json_name(json_get_str(about, "name"));
        event = event_object(name, about, is_normal, reason, note);
        act_send(act, "POST", &place, event, ACT_WHATEVER, act_next_answered);
}

void act_event_start(struct act *act)
{
        const struct action *action = act_action(act);

        act_event_tell(act, action->is_true, action->reason, action->text == NULL ? "" : action->text);
}
