// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Which cluster is asked, as kubectl chooses it: the kubeconfig given, that of $KUBECONFIG, ~/.kube/config,
 * and without any of them the pod's own service account.
 */
#include "kube/access.h"

/* kubeconfig and context may be NULL. ERR_MISSING: there is neither; else as kube_access_from_file. */
int pod_access_find(const char *kubeconfig, const char *context, struct kube_access **out,
                    struct err *err) MUST_CHECK;
