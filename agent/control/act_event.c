// SPDX-License-Identifier: Apache-2.0
/*
 * Events about requests, in KubeDB's form. They are told once and as well as can be: nothing waits for one
 * that the server does not take.
 */
#include "control/act_parts.h"

#include "base/mem.h"
#include "kube/event_json.h"
#include "kube/micro_time.h"
#include "kube/report_text.h"

#include <string.h>
#include <unistd.h>

#define CONTROLLER "certrotate.io/controller"

/* In a pod that is its name. */
static void instance_of(char out[static KUBE_EVENT_INSTANCE_MAX])
{
        if (gethostname(out, KUBE_EVENT_INSTANCE_MAX) != 0 || *out == '\0')
                memcpy(out, ACT_MANAGER, sizeof(ACT_MANAGER));
        out[KUBE_EVENT_INSTANCE_MAX - 1] = '\0';
}

static cJSON *regarding(const struct act *act)
{
        const struct action *action = act_action(act);
        const bool is_pod = action->kind == ACTION_EVENT && action->name != NULL;
        cJSON *made;

        if (!is_pod && action->request == NULL)
                return NULL;
        made = json_object();
        json_add_str(made, "apiVersion", is_pod ? "v1" : KIND_OPS_GROUP);
        json_add_str(made, "kind", is_pod ? "Pod" : action->request->kind->request);
        json_add_str(made, "namespace", act->namespace);
        json_add_str(made, "name", is_pod ? action->name : action->request->name);
        json_add_str(made, "uid", is_pod ? action->uid : action->request->uid);
        return made;
}

/* about: taken over. */
static cJSON *make(cJSON *about, bool is_normal, const char *reason, const char *note)
{
        AUTO(mem_free_p) char *name = kube_event_json_name(json_get_str(about, "name"));
        AUTO(mem_free_p) char *text = kube_report_text_clean(note, KUBE_EVENT_NOTE_MAX);
        AUTO(mem_free_p) char *word = kube_report_text_clean(reason, KUBE_EVENT_REASON_MAX);
        char instance[KUBE_EVENT_INSTANCE_MAX];
        char at[KUBE_MICRO_TIME_MAX];
        cJSON *event = json_object();
        cJSON *meta = json_object();

        instance_of(instance);
        json_add_str(event, "apiVersion", "events.k8s.io/v1");
        json_add_str(event, "kind", "Event");
        json_add(event, "metadata", meta);
        json_add_str(meta, "name", name);
        json_add_str(meta, "namespace", json_get_str(about, "namespace"));
        json_add_str(event, "eventTime", kube_micro_time(clock_wall_us(), at));
        json_add_str(event, "type", is_normal ? "Normal" : "Warning");
        json_add_str(event, "reason", word);
        json_add_str(event, "action", json_get_str(event, "reason"));
        json_add_str(event, "note", text);
        json_add_str(event, "reportingController", CONTROLLER);
        json_add_str(event, "reportingInstance", instance);
        json_add(event, "regarding", about);
        return event;
}

void act_event_tell(struct act *act, bool is_normal, const char *reason, const char *note)
{
        const struct act_place place = { .group = "events.k8s.io/v1", .resource = "events" };
        AUTO(json_free_p) cJSON *event = NULL;
        cJSON *about = reason == NULL || kube_report_text_is_secret(note) ? NULL : regarding(act);

        if (about == NULL) {
                act_next(act);
                return;
        }
        event = make(about, is_normal, reason, note);
        act_send(act, "POST", &place, event, ACT_WHATEVER, act_next_answered);
}

void act_event_start(struct act *act)
{
        const struct action *action = act_action(act);

        act_event_tell(act, action->is_true, action->reason, action->text == NULL ? "" : action->text);
}
