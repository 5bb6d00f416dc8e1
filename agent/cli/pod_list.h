// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The pods in which an agent runs, as the API server tells of them.
 */
#include "base/json.h"
#include "serve/pod_report.h"

enum pod_told {
        POD_SILENT,  /* no report yet, though annotated certrotate.io/inject=true */
        POD_GARBLED, /* one that cannot be read: see problem */
        POD_TOLD,
};

struct pod {
        char *namespace;
        char *name;
        char *database;   /* label app.kubernetes.io/instance, else the report's instance, else "" */
        char phase[16];   /* of the pod: "Running"; "" not told */
        bool terminating; /* it was told to end */
        enum pod_told told;
        struct pod_report report; /* all zero unless POD_TOLD */
        cJSON *tree;              /* the report as it came; NULL unless POD_TOLD */
        char problem[128];
};

struct pod_list {
        struct pod **pods;
        size_t n;
        char *const *names; /* databases or pods wanted, borrowed */
        size_t n_names;     /* 0: all */
};

/* Adds it, or takes it for the one of that name; one that is no business of ours, or has run to its end, is
 * taken out. */
void pod_list_put(struct pod_list *list, const cJSON *object);
/* Nothing when it is not in. */
void pod_list_remove(struct pod_list *list, const char *namespace, const char *name);
/* By namespace, database and name; numbers in names count as numbers. */
void pod_list_sort(struct pod_list *list);
/* The first name wanted that none of the pods has, NULL: all are there. */
const char *pod_list_missing(const struct pod_list *list);
void pod_list_done(struct pod_list *list);
static inline UNUSED void pod_list_done_p(struct pod_list *list)
{
        pod_list_done(list);
}
