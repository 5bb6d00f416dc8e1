// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Numbers and durations from text: the whole text, in range, no locale, no sign or space tolerated that is
 * not part of the value.
 */
#include "base/err.h"

#include <stdint.h>

/* ERR_PARSE when not a decimal integer, ERR_LIMIT when outside min..max. */
int num_parse(const char *text, int64_t min, int64_t max, int64_t *out, struct err *err) MUST_CHECK;
/* Go's form: "300ms", "1m30s", "24h", "0"; also "7d". At most ten years. In milliseconds. */
int num_parse_duration(const char *text, int64_t *out_ms, struct err *err) MUST_CHECK;
/* Three or four octal digits, "0640". */
int num_parse_mode(const char *text, unsigned *out, struct err *err) MUST_CHECK;

#define NUM_DURATION_MAX 32
/* "1h30m", "250ms", "0s"; for people. */
const char *num_format_duration(int64_t ms, char out[static NUM_DURATION_MAX]);
