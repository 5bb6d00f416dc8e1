// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Ends a node gracefully, for its supervisor to start it again. Druid itself unannounces, waits and ends on
 * SIGTERM; a middleManager also has tasks, which it is asked not to take any more of and to finish before.
 */
#include "hooks/druid.h"

/*
 * Tasks that still run when druid.drain-limit is over are ended with the node. When the node cannot be ended
 * it takes tasks again.
 *
 * As process_end_start, and as druid_call_start for a middleManager; ERR_USAGE when nothing says how.
 */
struct op *druid_restart_start(struct druid *druid, int64_t limit_ms);
