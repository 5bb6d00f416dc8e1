// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a pod need not say, because it is the same wherever an engine runs: as KubeDB lays it out.
 */
#include <stdbool.h>

struct engine {
        const char *driver;    /* hook->name */
        const char *label;     /* app.kubernetes.io/name of its pods; NULL: none */
        const char *container; /* of the database; NULL: must be said */
        const char *publish;   /* where it reads its files; NULL: must be said */
        const char *endpoint;  /* to prove; NULL: the driver has its own, or they must be said */
        /* section of its configuration that has a `role`, from the pod's label; NULL: none */
        const char *role;
        const char *store;    /* suffix of the Secret with the password of its stores; NULL: it has none */
        const char *settings; /* file in a folder that it includes, for TLS; NULL: it reads no folder */
        bool has_files;       /* its own files come from <instance>-certrotate-files into that folder */
};

/* NULL: none of that name. */
const struct engine *engine_of_driver(const char *driver);
const struct engine *engine_of_label(const char *label);
/* "mariadb, mysql, …", for people. */
const char *engine_names(void);
