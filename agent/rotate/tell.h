// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A rotation as the cluster sees it: conditions in the OpsRequest that the plan names, in KubeDB's form, and
 * Events on the pod. Nothing of it can fail or hold up a rotation.
 */
#include "rotate/agent.h"

/* A step begins: the one before it is done. */
void tell_entered(struct agent *agent, const struct step *step, bool rolling_back);
/* "<step>--<pod>" of the OpsRequest that the plan names, if it names one. */
void tell_condition(struct agent *agent, const char *step, bool is_true, const char *error);
/* An Event about the pod, and about that OpsRequest. */
void tell_event(struct agent *agent, bool is_good, const char *reason, const char *action, const char *note);
/* The rotation is over. */
void tell_outcome(struct agent *agent, enum status_result result);
