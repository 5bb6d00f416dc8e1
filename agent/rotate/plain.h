// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * In mode off no certificate tells that the database is there: it is asked before a plan is called done. One
 * that does not answer is asked again, with growing pauses.
 */
#include "rotate/agent.h"

/* Has it, since this plan came? If not it is asked soon, and the plan's state is noted anew when it does. */
bool plain_has_answered(struct agent *agent);
/* Timer; the agent. */
void plain_look(void *arg);
