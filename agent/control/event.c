// SPDX-License-Identifier: Apache-2.0
#include "control/event.h"

#include "base/clock.h"
#include "base/mem.h"
#include "kube/event_json.h"
#include "kube/micro_time.h"
#include "kube/report_text.h"

#include <stdio.h>
#include <unistd.h>

#define CONTROLLER "certrotate.io/controller"

/* In a pod that is its name. */
static void instance_of(char out[static KUBE_EVENT_INSTANCE_MAX])
{
        if (gethostname(out, KUBE_EVENT_INSTANCE_MAX) != 0 || *out == '\0')
                (void)snprintf(out, KUBE_EVENT_INSTANCE_MAX, "certrotate");
        out[KUBE_EVENT_INSTANCE_MAX - 1] = '\0';
}

cJSON *event_object(const char *name, cJSON *about, bool is_normal, const char *reason, const char *note)
{
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
        json_add_str(event, "action", word);
        json_add_str(event, "note", text);
        json_add_str(event, "reportingController", CONTROLLER);
        json_add_str(event, "reportingInstance", instance);
        json_add(event, "regarding", about);
        return event;
}
