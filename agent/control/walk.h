// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The pods of a database, one at a time, stage by stage: a stage is over on every pod before the next begins.
 */
#include "control/step.h"

/* A new generation of the plan, with the turn of the first pod where it may go at once. */
void walk_renew_plan(struct step *step);
/* Goes on, until it is over: every pod is through the last stage. */
void walk_on(struct step *step);
bool walk_is_over(const struct step *step);
/* Back: a pod that cannot is left, and named. At its end RECORD_DISCARD. */
void walk_back(struct step *step);
/* The stages of the way back, from where the walk was. */
void walk_turn_back(struct step *step);
/* No pod is at work, but for one that goes back and needs the others to do so too. */
bool walk_is_still(const struct step *step);
/* What is wrong with a pod before anything begins, or NULL: no agent, plan not read. mem_free. */
char *walk_unfit(const struct step *step);
/* Do the members talk to each other, so that TLS is switched by way of TLS_MIXED? */
bool walk_mixes(const struct step *step);
/* The mode that every pod is in; TLS_UNMANAGED: they differ, or nobody knows. */
enum tls_mode walk_mode(const struct observed *seen);
