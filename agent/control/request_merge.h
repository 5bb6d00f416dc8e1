// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Several Reconfigure requests of one database in one, that says what they say one after the other. Pure.
 */
#include "control/request.h"

/*
 * The spec of the one request. By part (SingleStore's node, aggregator, leaf): a configSecret takes the place
 * of the one before, applyConfig is merged by file, then by key, and removeCustomConfig drops what came
 * before it; restart is that of the last, but what has to be restarted is. The longest timeout and the most
 * retries count; apply is that of the first.
 *
 * ERR_USAGE, ERR_LIMIT: together they are more than one request may say.
 */
int request_merge(struct request *const *requests, size_t n, cJSON **out, struct err *err) MUST_CHECK;
