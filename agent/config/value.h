// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One value of the tree into one field, checked against its row of the schema.
 */
#include "config/draft.h"

/* Everything but SCHEMA_FILES. base is the struct that the key's offset counts in. */
int value_set(const struct draft *draft, const struct schema_key *key, cJSON *node, void *base) MUST_CHECK;
/* A default's text as the node that a file would have given. */
cJSON *value_node(const struct schema_key *key, const char *text) MUST_CHECK;
