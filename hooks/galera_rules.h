// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What members of a Galera cluster ask of a bundle beyond what one server asks. Pure.
 */
#include "hooks/hook.h"

void galera_rules_check(const struct database *database, const struct bundle *fresh,
                        const struct bundle *published, struct findings *out);
