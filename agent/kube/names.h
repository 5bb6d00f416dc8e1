// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Names as the API server takes them (RFC 1123). What passes needs no escaping in a path.
 */
#include <stdbool.h>

#define KUBE_LABEL_MAX     63
#define KUBE_SUBDOMAIN_MAX 253

/* Of a namespace: lower case, digits and hyphens, at most 63. */
bool kube_names_is_label(const char *name);
/* Of nearly everything else: labels with dots between them, at most 253. */
bool kube_names_is_subdomain(const char *name);
/* Of a kind: letters and digits, at most 63, a letter first. */
bool kube_names_is_kind(const char *name);
