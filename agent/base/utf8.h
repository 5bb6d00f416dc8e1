// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Text from outside, one character at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the UTF-8 sequence at p (NUL-terminated text), 0 when it is none: RFC 3629, overlong forms and
 * surrogates refused. */
size_t utf8_len(const uint8_t *p);
/* The character of such a sequence. */
uint32_t utf8_decode(const uint8_t *p, size_t len);
/* Moves the cursor or the reading direction of a terminal instead of showing something. */
bool utf8_is_control(uint32_t character);
