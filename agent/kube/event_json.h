// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * An Event of events.k8s.io/v1 as JSON. All but the series can never be changed once it is written. Pure but
 * for the names.
 */
#include "base/json.h"
#include "kube/events.h"

#define KUBE_EVENT_NOTE_MAX     1024 /* bytes; the API's limits */
#define KUBE_EVENT_REASON_MAX   128
#define KUBE_EVENT_INSTANCE_MAX 128
#define KUBE_EVENT_CONTROLLER   "certrotate.io/agent"

/* {"apiVersion", "kind", "namespace", "name", "uid"} of what an Event is about; uid: NULL or "" none.
 * cJSON_Delete. */
cJSON *kube_event_json_about(const char *version, const char *kind, const char *namespace, const char *name,
                             const char *uid) MUST_CHECK;
/* "px-0.653f1c2a8b3c4d5e": never given twice. mem_free. */
char *kube_event_json_name(const char *pod) MUST_CHECK;

struct kube_event_json_context {
        const char *namespace;
        const char *pod;
        const char *pod_uid; /* for an Event about a request; NULL: not known */
        int64_t dropped;     /* earlier ones that were never told: said in the note */
};

/* To be POSTed, with entry->sending as its count. mem_free. */
char *kube_event_json_object(const struct kube_events_entry *entry,
                             const struct kube_event_json_context *context) MUST_CHECK;
/* The merge patch of its series. mem_free. */
char *kube_event_json_series(const struct kube_events_entry *entry) MUST_CHECK;
