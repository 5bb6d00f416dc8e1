// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What no single key shows: missing ones, and ones that contradict each other.
 */
#include "config/draft.h"

/* database, source and publish are there, and the database is known. */
int config_check_mandatory(const struct draft *draft) MUST_CHECK;
/* Everything else; defaults are filled in. */
int config_check(const struct draft *draft) MUST_CHECK;
