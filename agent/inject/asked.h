// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the annotations of a pod ask for, checked against the rest of it, defaults filled in. What the pod
 * leaves unset stays unset.
 */
#include "base/err.h"
#include "base/json.h"
#include "inject/engine.h"

#define INJECT_PREFIX "certrotate.io/"
#define INJECT_STATUS INJECT_PREFIX "status"       /* "injected" */
#define INJECT_CONFIG INJECT_PREFIX "agent-config" /* written: the sidecar's configuration */
#define INJECT_NAME   "certrotate"                 /* of the container, and before each volume's */

enum asked_answer {
        ASKED_NOTHING, /* not asked for, or done before */
        ASKED_SIDECAR,
        ASKED_WRONG, /* contradicts itself */
};

struct asked {
        const struct engine *engine;
        const char *instance;          /* of the pod, as all strings here */
        size_t container;              /* index of the database */
        char *secret, *publish, *plan; /* own */
        char *store, *settings;        /* own; NULL: none */
        const char *auth, *auth_user;  /* NULL: none */
        const char *endpoints;         /* comma separated; NULL: the driver's own */
        const char *apply, *role;      /* NULL: unset */
        const char *image;             /* NULL: that of the settings */
        int64_t user, group;           /* that it runs as; -1: unset */
        int64_t mount;       /* index of the mount of a Secret at `publish`, which ours replaces; -1: none */
        const cJSON *shared; /* the database's mount at `settings`; NULL: it has none, and gets ours */
        bool has_fs_group;
        bool ends;                         /* a Job, or a pod that is not started again */
        cJSON *config, *resources, *patch; /* own; NULL: none */
};

/* ASKED_WRONG: err is a sentence for who made the pod. The pod must outlive `out`. */
enum asked_answer asked_read(const cJSON *pod, struct asked *out, struct err *err);
void asked_done(struct asked *asked);
static inline UNUSED void asked_done_p(struct asked *asked)
{
        asked_done(asked);
}
