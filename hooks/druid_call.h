// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One call of a node's API, with the login of the section `admin`.
 *
 * Which of its two ports is open follows from whether it speaks TLS; while that is being switched it is the
 * one from before. So the likely port is asked first, and the other one when that does not answer.
 */
#include "hooks/druid.h"

struct druid_call {
        const char *method;
        const char *path;
        struct buf *body; /* the answer's, appended; may be NULL */
};

/*
 * druid and the strings are borrowed until the operation is freed.
 *
 * As http_call_start; ERR_AUTH says which setting to look at, ERR_NOT_READY when no port is open.
 */
struct op *druid_call_start(struct druid *druid, const struct druid_call *request, int64_t limit_ms);
