// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * May the request begin? Every agent has read a plan that lets nobody act, issuers are there, and the modes
 * are known.
 */
#include "control/step.h"

void hold_run(struct step *step);
