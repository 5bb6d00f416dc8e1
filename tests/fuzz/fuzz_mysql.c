// SPDX-License-Identifier: Apache-2.0
/*
 * The MySQL greeting, cut into pieces by the input itself: the first byte is the size of a piece.
 */
#include "hooks/wire/mysql_greeting.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct preamble_pump pump;
        struct err err = ERR_INIT;
        enum preamble_state state = preamble_begin(&pump, &mysql_greeting_preamble, &err);
        size_t piece = size > 0 && data[0] > 0 ? data[0] : 1;

        for (size_t at = 1; at < size && state == PREAMBLE_MORE;) {
                size_t n = pump.want < piece ? pump.want : piece;

                assert(pump.want > 0 && pump.want <= WIRE_PACKET_MAX_BYTES);
                if (n > size - at)
                        n = size - at;
                state = preamble_feed(&pump, data + at, n, &err);
                at += n;
        }
        /* Nothing that leads to TLS lacks it. */
        assert(state != PREAMBLE_TLS || size < 1 || !mysql_greeting_lacks_tls(data + 1, size - 1));
        assert((state == PREAMBLE_FAILED) == (err.kind != ERR_NONE));
        assert(state != PREAMBLE_TLS || pump.io.out_len == 36);
        for (const char *p = pump.io.server; *p != '\0'; p++)
                assert(*p >= 0x20 && *p < 0x7f);
        preamble_done(&pump);
        return 0;
}
