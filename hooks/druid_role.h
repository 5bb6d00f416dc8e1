// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the six kinds of Druid node differ in, under the names that KubeDB gives them.
 */
#include <stdbool.h>

struct druid_role {
        const char *name;      /* "coordinators" */
        const char *directory; /* of its own files, below conf/druid/cluster of Druid's distribution */
        int plain_port;        /* Druid's own defaults */
        int tls_port;
        const char *endpoint; /* of the TLS port on this machine */
        const char
                *readiness; /* path that answers 200 once it does its work; NULL: /status/health says all */
        const char *leader; /* path that answers who leads, empty when nobody does; NULL: nobody leads */
        bool drains;        /* runs tasks: is told to take no more before it ends */
};

/* NULL when unknown. */
const struct druid_role *druid_role_find(const char *name);
/* Names in the order of a rolling restart, NULL-terminated. */
extern const char *const druid_role_names[];
