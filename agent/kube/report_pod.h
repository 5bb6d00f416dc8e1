// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Annotations of our own pod: the newest text, and the nudge. Also what is known of the pod's uid, which
 * changes when a pod of the same name takes its place, unless it was given: in a pod that is deleted by force
 * the agent may outlive its pod's object, and its successor has the name.
 */
#include "base/json.h"
#include "kube/outbox.h"

struct kube_report_pod {
        struct kube_outbox box;
        const char *namespace; /* borrowed, as the next */
        const char *name;
        bool uid_is_given; /* another pod of that name is not ours */
        char *uid;         /* NULL: not known */
        char *wanted;      /* NULL: none */
        char *told;        /* what the server has; NULL: who knows */
        char *sending;     /* in flight; NULL: no text is */
        bool wants_nudge;
        bool is_nudging; /* in flight */
        bool was_nudged;
        bool was_written;
        struct mono nudged;
        struct mono written;
};

/* uid: may be NULL; copied. */
void kube_report_pod_open(struct kube_report_pod *pod, struct kube_client *client, const char *uid);
void kube_report_pod_close(struct kube_report_pod *pod);
/* Takes the text. */
void kube_report_pod_tell(struct kube_report_pod *pod, char *text);
void kube_report_pod_nudge(struct kube_report_pod *pod);
/* The pod as the server has it; NULL: it has none. */
void kube_report_pod_learn(struct kube_report_pod *pod, const cJSON *object);
/* "/api/v1/namespaces/demo/pods/px-0" */
const char *kube_report_pod_path(const struct kube_report_pod *pod, char out[static KUBE_PATH_MAX]);
