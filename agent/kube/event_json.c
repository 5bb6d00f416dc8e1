// SPDX-License-Identifier: Apache-2.0
#include "kube/event_json.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/backoff.h"
#include "kube/micro_time.h"
#include "kube/names.h"
#include "kube/report_text.h"

#define SUFFIX_MAX 24 /* a dot, the time, four digits by chance */

char *kube_event_json_name(const char *pod)
{
        int len = (int)strnlen(pod, KUBE_SUBDOMAIN_MAX - SUFFIX_MAX);

        /* A cut must not end at a dot or hyphen. */
        while (len > 0 && strchr(".-", pod[len - 1]) != NULL)
                len--;
        return mem_printf("%.*s.%llx%04llx", len, pod, (unsigned long long)clock_wall_us(),
                          (unsigned long long)kube_random(0, 0xffff));
}

static cJSON *series(const struct kube_events_entry *entry)
{
        cJSON *made = json_object();
        char at[KUBE_MICRO_TIME_MAX];

        json_add_int(made, "count", entry->sending);
        json_add_str(made, "lastObservedTime", kube_micro_time(entry->last_us, at));
        return made;
}

cJSON *kube_event_json_about(const char *version, const char *kind, const char *namespace, const char *name,
                             const char *uid)
{
        cJSON *made = json_object();

        json_add_str(made, "apiVersion", version);
        json_add_str(made, "kind", kind);
        json_add_str(made, "namespace", namespace);
        json_add_str(made, "name", name);
        if (uid != NULL && *uid != '\0')
                json_add_str(made, "uid", uid);
        return made;
}

static void add_references(cJSON *object, const struct kube_events_entry *entry,
                           const struct kube_event_json_context *context)
{
        const bool about_request = entry->is_about_request;

        json_add(object, about_request ? "related" : "regarding",
                 kube_event_json_about("v1", "Pod", context->namespace, context->pod,
                                       about_request ? context->pod_uid : entry->uid));
        if (entry->request_kind != NULL)
                json_add(object, about_request ? "regarding" : "related",
                         kube_event_json_about("ops.kubedb.com/v1alpha1", entry->request_kind,
                                               context->namespace, entry->request_name,
                                               about_request ? entry->uid : NULL));
}

/* What was dropped is said even where the note has to be cut for it. */
static char *note_of(const struct kube_events_entry *entry, int64_t dropped)
{
        AUTO(mem_free_p) char *about_dropped = NULL;
        AUTO(mem_free_p) char *note = NULL;

        if (dropped == 0)
                return kube_report_text_clean(entry->note, KUBE_EVENT_NOTE_MAX);
        about_dropped = mem_printf(" (%lld earlier events were dropped)", (long long)dropped);
        note = kube_report_text_clean(entry->note, KUBE_EVENT_NOTE_MAX - strlen(about_dropped));
        return mem_printf("%s%s", note, about_dropped);
}

char *kube_event_json_object(const struct kube_events_entry *entry,
                             const struct kube_event_json_context *context)
{
        AUTO(json_free_p) cJSON *object = json_object();
        AUTO(mem_free_p) char *note = note_of(entry, context->dropped);
        AUTO(mem_free_p) char *instance = mem_printf("%.*s", KUBE_EVENT_INSTANCE_MAX, context->pod);
        cJSON *meta = json_object();
        char at[KUBE_MICRO_TIME_MAX];

        json_add_str(object, "apiVersion", "events.k8s.io/v1");
        json_add_str(object, "kind", "Event");
        json_add(object, "metadata", meta);
        json_add_str(meta, "name", entry->name);
        json_add_str(meta, "namespace", context->namespace);
        json_add_str(object, "eventTime", kube_micro_time(entry->first_us, at));
        json_add_str(object, "type", entry->type == KUBE_EVENT_WARNING ? "Warning" : "Normal");
        json_add_str(object, "reason", entry->reason);
        json_add_str(object, "action", entry->action);
        json_add_str(object, "note", note);
        json_add_str(object, "reportingController", KUBE_EVENT_CONTROLLER);
        json_add_str(object, "reportingInstance", instance);
        add_references(object, entry, context);
        if (entry->sending > 1)
                json_add(object, "series", series(entry));
        return json_print(object, false);
}

char *kube_event_json_series(const struct kube_events_entry *entry)
{
        AUTO(json_free_p) cJSON *patch = json_object();

        json_add(patch, "series", series(entry));
        return json_print(patch, false);
}
