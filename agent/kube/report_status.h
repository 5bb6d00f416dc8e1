// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Our conditions in the status of one OpsRequest: read, change, write that version, again when it has changed
 * meanwhile. Of each type the newest is kept; all that wait go in one write.
 */
#include "kube/outbox.h"
#include "kube/reporter.h"

#define KUBE_REPORT_CONDITIONS_MAX 32

struct kube_report_status;
/* Names are valid; copied. */
struct kube_report_status *kube_report_status_open(struct kube_client *client, const char *namespace,
                                                   const struct kube_request_ref *request);
void kube_report_status_close(struct kube_report_status *status);
/* Copies the condition. */
void kube_report_status_tell(struct kube_report_status *status, const struct kube_condition *condition);
bool kube_report_status_is_about(const struct kube_report_status *status,
                                 const struct kube_request_ref *request);
const struct kube_outbox *kube_report_status_box(const struct kube_report_status *status);
/* "/apis/ops.kubedb.com/v1alpha1/namespaces/demo/mariadbopsrequests/x" */
const char *kube_report_status_path(const char *namespace, const struct kube_request_ref *request,
                                    char out[static KUBE_PATH_MAX]);
