// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a list of pods amounts to: a line for people, JSON for programs, and whether all is well. Pure.
 */
#include "cli/pod_list.h"

/* "5 pods of 2 databases: 1 degraded (px-0), 2 waiting", worst first, with its end of line. The names are
 * left out where the line would be wider than `width`. The list is sorted. */
void pod_summary_line(const struct pod_list *list, struct wall now, bool color, size_t width,
                      struct buf *out);
/* {"items":[{namespace, pod, database, state, well, report, problem}]}, owned by the caller. */
cJSON *pod_summary_json(const struct pod_list *list, struct wall now);
/* There are pods, and all are well. */
bool pod_summary_is_well(const struct pod_list *list, struct wall now);
