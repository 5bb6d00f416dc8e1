// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Pods as a table for people. Pure.
 */
#include "cli/pod_list.h"

#define POD_TABLE_WIDTH 100

struct pod_table {
        struct wall now;
        bool color;
        bool wide;       /* more columns, none cut */
        bool namespaces; /* of several: one more column */
        size_t width;    /* of the terminal; 0: POD_TABLE_WIDTH */
};

/* One line that says whether all is well, worst first, then the pods of the sorted list. */
void pod_table_render(const struct pod_list *list, const struct pod_table *view, struct buf *out);
