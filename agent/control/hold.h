// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * May the request begin? Every agent has read a plan that lets nobody act, issuers are there, and the modes
 * are known.
 */
#include "control/step.h"

/* Fills in the modes before and after. False: it waits, or it has failed. */
bool hold_is_over(struct step *step);
