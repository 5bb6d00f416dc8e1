// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Conditions of an OpsRequest, by KubeDB's rule: equal ones stay as they are, another status, reason or
 * message takes the place of the old and is dated, unknown types are appended, and what was observed of a
 * lower generation never takes the place of what was observed of a higher one. Pure. Fuzzed by
 * tests/fuzz/fuzz_conditions.c.
 */
#include "base/json.h"
#include "kube/reporter.h"

/* Its status.phase says that it is over: Successful, Failed or Skipped. */
bool kube_conditions_are_final(const cJSON *request);
/* May this pod write it: "ReloadTLS--px-0" is px-0's alone, types without a pod's name are anybody's. */
bool kube_conditions_is_own(const char *type, const char *pod);
/*
 * The merge patch that puts `given` into the request as the server has it, with all its other conditions, and
 * only while it is still that (resourceVersion); NULL: all is there already. mem_free.
 *
 * ERR_PROTOCOL  without a resourceVersion, or status.conditions is no list
 */
int kube_conditions_patch(const cJSON *request, const struct kube_condition *given, size_t n, char **out,
                          struct err *err) MUST_CHECK;
