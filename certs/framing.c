// SPDX-License-Identifier: Apache-2.0
/*
 * Headers out of a stream of bytes. A packet may come in any number of pieces, and a piece may hold several.
 */
#include "certs/framing.h"

#include <string.h>

int framing_strip(struct framer *framer, uint8_t *data, size_t *len, struct err *err)
{
        const struct framing *framing = framer->framing;
        size_t kept = 0;

        if (framing == NULL)
                return 0;
        for (size_t at = 0; at < *len;) {
                size_t n = *len - at;

                if (framer->left > 0) {
                        if (n > framer->left)
                                n = framer->left;
                        memmove(data + kept, data + at, n);
                        kept += n;
                        framer->left -= n;
                        at += n;
                        continue;
                }
                framer->header[framer->have++] = data[at++];
                if (framer->have < framing->header_len)
                        continue;
                framer->have = 0;
                if (framing->unwrap(framer->header, &framer->left, err) != 0)
                        return -1;
        }
        *len = kept;
        return 0;
}
