// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the two kinds of state file have in common: one small JSON object of a known version.
 */
#include "base/err.h"
#include "base/hex.h"
#include "base/json.h"

#define STATE_VERSION   1
#define STATE_MAX_BYTES 8192

/* NULL: there is none (why is "") or it cannot be read (why says why). cJSON_Delete. */
cJSON *state_file_read(const char *path, char why[static ERR_TEXT_MAX]);
void state_file_text(const cJSON *tree, const char *key, char *out, size_t room);
/* Stays as it is when there is none that can be read. */
void state_file_fingerprint(const cJSON *tree, const char *key, struct fingerprint *out);
enum err_kind state_file_reason(const cJSON *tree);
