// SPDX-License-Identifier: Apache-2.0
/*
 * UTF-8, strictly.
 */
#include "base/utf8.h"

size_t utf8_len(const uint8_t *p)
{
        size_t len;

        if (p[0] < 0x80)
                return 1;
        if (p[0] >= 0xc2 && p[0] <= 0xdf)
                len = 2;
        else if (p[0] >= 0xe0 && p[0] <= 0xef)
                len = 3;
        else if (p[0] >= 0xf0 && p[0] <= 0xf4)
                len = 4;
        else
                return 0;
        for (size_t i = 1; i < len; i++)
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
            (p[0] == 0xf4 && p[1] > 0x8f))
                return 0;
        return len;
}

uint32_t utf8_decode(const uint8_t *p, size_t len)
{
        static const uint8_t lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
        uint32_t character = p[0] & lead_bits[len];

        for (size_t i = 1; i < len; i++)
                character = character << 6 | (p[i] & 0x3f);
        return character;
}

bool utf8_is_control(uint32_t character)
{
        return character < 0x20 || (character >= 0x7f && character <= 0x9f) ||
               (character >= 0x200b && character <= 0x200f) || (character >= 0x2028 && character <= 0x202e) ||
               (character >= 0x2066 && character <= 0x2069) || character == 0xfeff;
}
