// SPDX-License-Identifier: Apache-2.0
/*
 * Hexadecimal text and fingerprints.
 */
#include "base/hex.h"

#include <string.h>

const char *hex_encode(const uint8_t *data, size_t len, char *out)
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < len; i++) {
                out[2 * i] = digits[data[i] >> 4];
                out[2 * i + 1] = digits[data[i] & 15];
        }
        out[2 * len] = '\0';
        return out;
}

const char *hex_fingerprint(const struct fingerprint *fp, char out[static FINGERPRINT_TEXT_MAX])
{
        return hex_encode(fp->sha256, sizeof(fp->sha256), out);
}

static int digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

bool hex_parse_fingerprint(const char *text, struct fingerprint *out)
{
        struct fingerprint fp;

        if (strlen(text) != (size_t)2 * FINGERPRINT_BYTES)
                return false;
        for (size_t i = 0; i < FINGERPRINT_BYTES; i++) {
                int high = digit(text[2 * i]);
                int low = digit(text[2 * i + 1]);

                if (high < 0 || low < 0)
                        return false;
                fp.sha256[i] = (uint8_t)(high * 16 + low);
        }
        *out = fp;
        return true;
}

bool hex_fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b)
{
        return memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

bool hex_fingerprint_is_none(const struct fingerprint *fp)
{
        static const struct fingerprint none;

        return hex_fingerprint_equal(fp, &none);
}
