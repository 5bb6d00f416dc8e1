// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Where tests kill the agent: CERTROTATE_BREAKPOINT=<step> or rollback:<step> ends the process by SIGKILL
 * when it enters that step. Compiled in only with CERTROTATE_BREAKPOINTS.
 */
#include "base/auto.h"

#include <stdbool.h>

#ifdef CERTROTATE_BREAKPOINTS
void breakpoint_reached(const char *step, bool rolling_back);
#else
static inline void breakpoint_reached(const char *step UNUSED, bool rolling_back UNUSED)
{
}
#endif
