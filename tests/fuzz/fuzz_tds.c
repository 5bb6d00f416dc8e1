// SPDX-License-Identifier: Apache-2.0
/*
 * The answer to PRELOGIN, and the packets TLS comes in, cut into pieces by the input: its first byte is the
 * size of a piece.
 */
#include "hooks/wire/tds.h"

#include "certs/framing.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void strip(const uint8_t *data, size_t size, size_t piece)
{
        struct framer framer = { .framing = tds_preamble.framing };
        uint8_t in[256];

        for (size_t at = 0; at < size;) {
                struct err err = ERR_INIT;
                size_t n = size - at < piece ? size - at : piece;
                size_t len = n;

                memcpy(in, data + at, n);
                if (framing_strip(&framer, in, &len, &err) != 0) {
                        assert(err.kind == ERR_PROTOCOL);
                        return;
                }
                assert(len <= n && framer.have < tds_preamble.framing->header_len);
                at += n;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct preamble_pump pump;
        struct err err = ERR_INIT;
        enum preamble_state state = preamble_begin(&pump, &tds_preamble, &err);
        size_t piece = size > 0 && data[0] > 0 ? data[0] : 1;
        size_t at = 1;

        while (at < size && state == PREAMBLE_MORE) {
                size_t n = pump.want < piece ? pump.want : piece;

                assert(pump.want > 0 && pump.want <= WIRE_PACKET_MAX_BYTES);
                if (n > size - at)
                        n = size - at;
                state = preamble_feed(&pump, data + at, n, &err);
                at += n;
        }
        assert((state == PREAMBLE_FAILED) == (err.kind != ERR_NONE));
        if (state == PREAMBLE_TLS && at < size)
                strip(data + at, size - at, piece);
        preamble_done(&pump);
        return 0;
}
