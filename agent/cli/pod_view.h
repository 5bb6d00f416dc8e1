// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * `certrotate status` through the API server: lists the pods and shows them, once or for as long as it is
 * watched.
 */
#include "kube/client.h"

#include <stdio.h>

enum pod_view_form { POD_VIEW_TABLE, POD_VIEW_WIDE, POD_VIEW_JSON };

struct pod_view {
        const char *namespace; /* NULL: that of the access */
        bool all_namespaces;
        const char *selector; /* of labels, as kubectl takes it; NULL: all */
        char *const *names;   /* databases or pods; */
        size_t n_names;       /* 0: all */
        enum pod_view_form form;
        bool watch; /* again at each change, at most once in pause_ms */
        int64_t pause_ms;
        FILE *out;
        bool screen; /* `out` is a terminal: each page from its top */
        bool color;
        size_t width; /* 0: the screen's, else as pod_table */
};

/*
 * 0 all is well, 1 not; with `watch` it ends only when out cannot be written (1). -1: nothing could be
 * listed, ERR_USAGE for names and selectors that are none; ERR_MISSING also when a database or pod is not
 * there (the others are shown).
 */
int pod_view_run(struct kube_client *client, const struct pod_view *view, struct err *err) MUST_CHECK;
