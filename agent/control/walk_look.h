// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the walk asks of one pod: its part of the plan, as its report has it.
 */
#include "control/step.h"

/* Its report is of this plan. */
bool walk_follows(const struct step *step, const struct observed_pod *pod);
/* It has done its part, or on the way back needs none. */
bool walk_is_done(const struct step *step, const struct observed_pod *pod);
/* It has tried, and will not again by itself; it may still be going back. */
bool walk_gives_up(const struct step *step, const struct observed_pod *pod);
/* … and is not. */
bool walk_has_failed(const struct step *step, const struct observed_pod *pod);
/* It goes back from a switch of the mode, and may not be there before the others do so too. */
bool walk_needs_others(const struct step *step, const struct observed_pod *pod);
/* Why its turn has lasted too long. mem_free. */
char *walk_why_late(const struct observed_pod *pod);
