// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What drives the rotation: start-up, the scan's orders, the end of a rotation, signals.
 */
#include "rotate/agent.h"

/* Callbacks of struct rotation. */
void flow_entered(void *arg, const struct step *step, bool rolling_back);
void flow_ended(void *arg);
/* Starts a rotation over the snapshot, which it takes; one that waits for its database is superseded. */
void flow_rotate(struct agent *agent, struct snapshot *snapshot, const struct fingerprint *target);
/* Is there no rotation under way, or none any more: one that waits for a database that is down makes way? */
bool flow_yield(struct agent *agent);
/* A change of the configuration files has ended: goes on with what made way for it, and looks again. */
void flow_custom_over(struct agent *agent);
/*
 * First thing in the loop: what is served now, what the engine is; then goes on with a rotation that an
 * earlier process left, or looks at the source.
 */
void flow_begin(void *arg);
/* Timers. */
void flow_pause_over(void *arg);
void flow_reverify(void *arg);
/* SIGHUP, SIGTERM, SIGINT. */
void flow_signalled(int signo, void *arg);
