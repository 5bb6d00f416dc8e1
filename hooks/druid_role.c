// SPDX-License-Identifier: Apache-2.0
/*
 * The order is the one of Druid's own page on rolling updates.
 */
#include "hooks/druid_role.h"

#include <string.h>

#include "base/auto.h"

const char *const druid_role_names[] = { "historicals", "middleManagers", "brokers", "routers",
                                         "overlords",   "coordinators",   NULL };

static const struct druid_role roles[] = {
        { .name = "historicals",
          .directory = "data/historical",
          .plain_port = 8083,
          .tls_port = 8283,
          .endpoint = "https://127.0.0.1:8283",
          .readiness = "/druid/historical/v1/readiness" },
        { .name = "middleManagers",
          .directory = "data/middleManager",
          .plain_port = 8091,
          .tls_port = 8291,
          .endpoint = "https://127.0.0.1:8291",
          .drains = true },
        { .name = "brokers",
          .directory = "query/broker",
          .plain_port = 8082,
          .tls_port = 8282,
          .endpoint = "https://127.0.0.1:8282",
          .readiness = "/druid/broker/v1/readiness" },
        { .name = "routers",
          .directory = "query/router",
          .plain_port = 8888,
          .tls_port = 9088,
          .endpoint = "https://127.0.0.1:9088" },
        { .name = "overlords",
          .directory = "master/coordinator-overlord",
          .plain_port = 8090,
          .tls_port = 8290,
          .endpoint = "https://127.0.0.1:8290",
          .leader = "/druid/indexer/v1/leader" },
        { .name = "coordinators",
          .directory = "master/coordinator-overlord",
          .plain_port = 8081,
          .tls_port = 8281,
          .endpoint = "https://127.0.0.1:8281",
          .leader = "/druid/coordinator/v1/leader" },
};

const struct druid_role *druid_role_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(roles); i++)
                if (strcmp(roles[i].name, name) == 0)
                        return &roles[i];
        return NULL;
}
