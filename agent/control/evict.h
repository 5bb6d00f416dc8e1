// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A pod whose agent cannot restart its database is evicted, in its turn, and its successor of the same name
 * waited for: by its uid one is told from the other. Pure.
 */
#include "control/step.h"

/* What it says that it cannot do is no failure yet: a successor would, and this is none. */
bool evict_can_help(const struct step *step, const struct observed_pod *pod);
/* The pod whose turn it is has gone, or one of its name has come that was not welcomed yet. */
bool evict_is_pending(const struct step *step);
/*
 * There is a turn. Whose it is, is away: true, it is waited for, and nobody else has a turn. That lasts too
 * long: *problem says so (mem_free), and *whose is the pod, NULL where there is none. is_done: of the pod
 * whose turn it is.
 */
bool evict_is_awaited(struct step *step, bool is_done, char **problem, const struct observed_pod **whose);
/*
 * True: the pod whose turn it is has to be evicted; that is done, or waited for while `out` (NULL: none) is
 * out of service, too. *problem: that lasts too long.
 */
bool evict_begin(struct step *step, const struct observed_pod *pod, const struct observed_pod *out,
                 char **problem);
