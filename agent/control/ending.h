// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * How requests end: resumed, told, and forgotten; before that, what is not needed any more is deleted, or
 * what was there before put back.
 */
#include "control/step.h"

/* The last list, with what is to be done before it (step_add) or as it is. */
void ending_end(struct step *step);
/* Steps CLEAN, RESTORE and DISCARD. */
void ending_clean(struct step *step);
void ending_restore(struct step *step);
void ending_discard(struct step *step);
