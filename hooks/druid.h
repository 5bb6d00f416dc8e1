// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the parts of the Druid driver share: one node, and what it told of itself.
 */
#include "hooks/curl_library.h"
#include "hooks/druid_role.h"
#include "hooks/hook.h"

struct druid {
        struct database database;      /* first */
        const struct druid_role *role; /* NULL: not told */
        struct curl_library *curl;     /* NULL until the first call */
        struct endpoint endpoint;      /* the TLS port */
        char *tls_base;                /* "https://127.0.0.1:8281" */
        char *plain_base;              /* "http://…"; NULL: its port is not known */
        char *authorities;             /* PEM file that verifies a node elsewhere; NULL: none */
        bool cannot_reload;            /* it said so: reloadSslContext is not true */
        int64_t interval_ms;           /* between two looks at the key store */
};

static inline UNUSED struct druid *druid_of(struct database *database)
{
        return CONTAINER_OF(database, struct druid, database);
}
