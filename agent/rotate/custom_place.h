// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Configuration files of an engine that reads a few files of its own (hook->custom_place) instead of the
 * published directory: each generation that is published is laid into them as well. For others nothing is
 * done.
 *
 * One rename a file; a kill in between is made up for when the agent starts again. What a pending rotation
 * would bring back is laid into, too: neither undoes the other.
 */
#include "certs/snapshot.h"
#include "rotate/custom.h"

/* Could they be laid? Nothing is changed. ERR_REFUSED, ERR_IO, ERR_PARSE with the path. */
int custom_place_check(const struct custom *custom, const struct snapshot *files, struct err *err) MUST_CHECK;
/* Those of that generation, in place of those of another one. */
int custom_place_lay(const struct custom *custom, int64_t generation, struct err *err) MUST_CHECK;
