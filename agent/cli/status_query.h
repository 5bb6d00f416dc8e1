// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One blocking GET to an agent, over its unix socket or HTTP on a numeric address.
 */
#include "base/buf.h"
#include "base/err.h"

/*
 * target: "/path" of a socket, or "http://127.0.0.1:9533". The body of a 200 answer is appended to out.
 *
 * ERR_USAGE not such a target; ERR_NOT_READY nobody answers there; ERR_TIMEOUT; ERR_PROTOCOL not our answer
 */
int status_query(const char *target, const char *path, struct buf *out, struct err *err) MUST_CHECK;
