// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * spec.maxRetries: a request that has failed and was taken back is tried again from its beginning, after a
 * pause that grows, unless what it failed by will not pass. The database is resumed in between.
 */
#include "control/step.h"

/* Is there another try, when this one is over? */
bool retry_is_due(const struct step *step);
/* Instead of the end of the request. */
void retry_begin(struct step *step);
/* The step RECORD_WAIT. A newer request of the same type ends the waiting, as does deleting this one. */
void retry_wait(struct step *step);
