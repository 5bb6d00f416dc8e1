// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Writes Events, one after the other, in their order. Before an Event is written the uid of what it is about
 * is asked for: `kubectl describe` finds Events by it.
 */
#include "kube/events.h"
#include "kube/outbox.h"
#include "kube/report_pod.h"

struct kube_report_events {
        struct kube_outbox box;
        struct kube_report_pod *pod; /* borrowed: it knows its uid, and learns it here */
        struct kube_events events;
        struct kube_events_entry *entry; /* in flight is something for this one */
        enum kube_report_events_step { KUBE_ASKS_POD, KUBE_ASKS_REQUEST, KUBE_WRITES } step;
};

void kube_report_events_open(struct kube_report_events *events, struct kube_client *client,
                             struct kube_report_pod *pod);
void kube_report_events_close(struct kube_report_events *events);
/* About the pod, and with a request a second one about that: each is shown with what it is about. */
void kube_report_events_tell(struct kube_report_events *events, const struct kube_request_ref *request,
                             const struct kube_event *event);
