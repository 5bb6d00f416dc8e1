// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the drivers say of themselves, for people and as JSON. Pure.
 */
#include "base/buf.h"
#include "base/json.h"
#include "hooks/hook.h"

/* hooks is NULL-terminated. All in one table, and what only some have behind it. */
void engines_view_list(const struct hook *const *hooks, bool color, struct buf *out);
/* Everything of one. */
void engines_view_one(const struct hook *hook, bool color, struct buf *out);
/* Owned by the caller. */
cJSON *engines_view_json(const struct hook *hook);
