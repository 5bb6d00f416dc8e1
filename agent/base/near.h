// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * "Did you mean": the known word that is nearest to a mistyped one.
 */
#include <stddef.h>

struct near {
        const char *best; /* NULL: nothing is near enough to be worth naming */
        size_t distance;
};

#define NEAR_INIT                                                                                            \
        {                                                                                                    \
                NULL, 0                                                                                      \
        }

/* Offers one known word; the first of the nearest stays. Edits counted: insert, remove, change, swap. */
void near_try(struct near *near, const char *typed, const char *known);
