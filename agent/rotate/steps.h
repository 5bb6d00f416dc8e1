// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The steps, one file each. `work` is struct agent. Each may be run again after a kill at any point.
 */
#include "rotate/rotation.h"

struct agent;
struct snapshot;

step_fn load_step;     /* snapshot -> candidate bundle */
step_fn validate_step; /* findings and class of change; refuses */
step_fn stage_step;    /* a complete, synced generation that nobody sees yet */
step_fn stage_undo;
step_fn publish_step; /* one rename; from here on a restarting database would take the new one */
step_fn publish_undo;
step_fn apply_step;  /* reload or restart; the same in both directions */
step_fn verify_step; /* handshakes and engine health; the same in both directions */
step_fn report_step; /* outcome: state, status, log; prunes old generations */

/* Which leaf the source has, where none of the steps is gone through: told, and nothing else. */
void load_note_source(struct agent *agent, const struct snapshot *snapshot);
