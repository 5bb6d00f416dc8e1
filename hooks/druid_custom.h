// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Properties of a node's own: common.runtime.properties and those of its role ("brokers.properties"),
 * compared with /status/properties. What Druid hides there, or has not, is not judged; nor without a login
 * that it wants.
 */
#include "hooks/druid.h"

int druid_custom_check(const char *name, const char *text, struct err *err);
struct op *druid_custom_start(struct druid *druid, const struct custom_text *files, size_t n,
                              int64_t limit_ms);

struct druid_custom_case {
        const char *role;
        const char *own; /* what runtime.properties of the role says; NULL: not known */
        const struct custom_text *files;
        size_t n;
};

/* properties is the answer of Druid. ERR_MISMATCH naming the key, ERR_PROTOCOL. Pure. */
int druid_custom_judge(const struct druid_custom_case *given, const char *properties, size_t len,
                       struct err *err) MUST_CHECK;
