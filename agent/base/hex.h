// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Hexadecimal, and the identity of a certificate: the SHA-256 of its DER.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FINGERPRINT_BYTES    32
#define FINGERPRINT_TEXT_MAX (2 * FINGERPRINT_BYTES + 1)

struct fingerprint {
        uint8_t sha256[FINGERPRINT_BYTES]; /* all zero: none */
};

/* Lower case, no separators; out holds 2 * len + 1 bytes. */
const char *hex_encode(const uint8_t *data, size_t len, char *out);
const char *hex_fingerprint(const struct fingerprint *fp, char out[static FINGERPRINT_TEXT_MAX]);
/* false when text is not exactly 64 hex digits; out is then untouched. */
bool hex_parse_fingerprint(const char *text, struct fingerprint *out);
bool hex_fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b);
bool hex_fingerprint_is_none(const struct fingerprint *fp);
