// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The list `files`: what is published under which name.
 */
#include "config/draft.h"

struct files_entry {
        struct output output;
        int content; /* enum output_content */
        struct config_file file;
};

/* Replaces the outputs of the draft's configuration. */
int files_read(const struct draft *draft, const struct schema_key *key, cJSON *list) MUST_CHECK;
/* Looks the owners and groups up. */
int files_resolve(const struct draft *draft) MUST_CHECK;
