// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The sidecar as objects of the API: hardened, and with no more volumes than it needs.
 */
#include "inject/asked.h"
#include "inject/review.h"

/* Its container; `native`: with a restart policy of its own. cJSON_Delete, as all. */
cJSON *sidecar_container(const struct inject_settings *settings, const struct asked *asked);
/* The volumes, of which the database sees the published one alone. */
cJSON *sidecar_volumes(const struct asked *asked);
#define SIDECAR_PUBLISHED INJECT_NAME "-published"
#define SIDECAR_SETTINGS  INJECT_NAME "-settings" /* volume: what the database includes */
/* Its configuration, certrotate.conf(5): what was found out, and over that the pod's own keys. */
cJSON *sidecar_config(const struct asked *asked);
