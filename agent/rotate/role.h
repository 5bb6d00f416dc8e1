// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The engine's role before a plan is followed. Roles change without us: whoever has the primary restarted
 * last must not go by what was so when we last had something to do.
 */
#include "rotate/agent.h"

/* False: the engine is asked now, and the scan comes again with what it said, or when it does not answer. */
bool role_is_known(struct agent *agent, const struct plan *plan);
