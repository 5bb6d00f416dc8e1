// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Does the node live, and does it do the work of its role?
 */
#include "hooks/druid.h"

/*
 * Also refreshes the facts. What only a login would show is left out when there is none.
 *
 * ERR_UNHEALTHY says which; otherwise as druid_call_start.
 */
struct op *druid_health_start(struct druid *druid, int64_t limit_ms);
