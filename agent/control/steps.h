// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The steps of a request but the walk.
 */
#include "control/step.h"

void steps_run(struct step *step);
