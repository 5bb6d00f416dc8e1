// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the agent tells the API: an annotation on its own pod, conditions in the status of an OpsRequest,
 * Events. Everything told arrives in the end: while the server is away it is kept (of an annotation and of
 * one condition the newest, of Events the last KUBE_EVENTS_KEPT, equal ones as a series) and sent later, each
 * with the time at which it happened. Nothing that is equal to what is there already is written.
 *
 * What the server will never take (400, 413, 422) is dropped with a line in the log; 401 and 403 are tried
 * again, slowly. Refused here, with a line in the log: a text with a private key in it, names that are no
 * names, a condition whose type ends in another pod's. All else is made valid UTF-8 without control
 * characters, and cut at the API's limits.
 */
#include "kube/client.h"

#include "base/clock.h"

#define KUBE_REPORT_ANNOTATION "certrotate.io/report"
#define KUBE_NUDGE_ANNOTATION  "certrotate.io/nudge"
#define KUBE_FIELD_MANAGER     "certrotate-agent"
#define KUBE_EVENTS_KEPT       64

struct kube_reporter_spec {
        const char *namespace; /* copied, as all strings here */
        const char *pod;
        const char *pod_uid; /* another pod of that name is not written to; NULL: whichever has it */
};

/* An OpsRequest: kind "MariaDBOpsRequest" is resource mariadbopsrequests of ops.kubedb.com/v1alpha1. */
struct kube_request_ref {
        const char *kind;
        const char *name; /* in the namespace of the reporter */
};

/* In KubeDB's form: no reason with a pod's own; see guide in deploy/. */
struct kube_condition {
        const char *type; /* "ReloadTLS--px-0" */
        bool is_true;
        const char *reason;  /* NULL: none */
        const char *message; /* "reload tls; ConditionStatus:True; PodName:px-0" */
        struct wall at;
        bool may_wait; /* for the next of that request, a second at most: both are one write then */
};

enum kube_event_type { KUBE_EVENT_NORMAL, KUBE_EVENT_WARNING };

struct kube_event {
        enum kube_event_type type;
        const char *reason; /* "RotationSucceeded" */
        const char *action; /* "Rotate" */
        const char *note;   /* a sentence; cut at 1024 bytes, the API's limit */
        struct wall at;
};

struct kube_reporter;
struct kube_reporter *kube_reporter_open(struct kube_client *client, const struct kube_reporter_spec *spec);
/* What has not arrived is lost with it. */
void kube_reporter_close(struct kube_reporter *reporter);
AUTO_DEFINE(struct kube_reporter, kube_reporter_close)

/* The annotation's text, at most 32 KiB; at most one write a second, the newest wins. */
void kube_reporter_report(struct kube_reporter *reporter, const char *json);
/* Changes an annotation so that the kubelet refreshes the pod's volumes at once; at most one in 10 s. */
void kube_reporter_nudge(struct kube_reporter *reporter);
/*
 * Into status.conditions by read, change, write with resourceVersion, again on conflict. The generation
 * observed is the request's own. A request that is gone, or has ended (Successful, Failed, Skipped), takes no
 * more: what is kept for it is dropped.
 */
void kube_reporter_condition(struct kube_reporter *reporter, const struct kube_request_ref *request,
                             const struct kube_condition *condition);
/* An Event about the pod, and with `request` one more about that: kubectl describe shows each with its own.
 */
void kube_reporter_event(struct kube_reporter *reporter, const struct kube_request_ref *request,
                         const struct kube_event *event);
/* Nothing waits to be sent. */
bool kube_reporter_is_idle(const struct kube_reporter *reporter);
/* Why the oldest waiting write has not arrived; kind ERR_NONE: nothing waits, or not tried yet. */
const struct err *kube_reporter_trouble(const struct kube_reporter *reporter);
