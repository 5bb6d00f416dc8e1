// SPDX-License-Identifier: Apache-2.0
/*
 * The pump between a stream and a preamble. It holds what a preamble asked for and nothing more, so that
 * bytes of TLS, or bytes that an attacker slipped in before it, are never taken for part of the preamble.
 */
#include "certs/preamble.h"

#include <string.h>

static enum preamble_state run(struct preamble_pump *pump, struct err *err)
{
        enum preamble_state state;

        pump->io.in = pump->in.data;
        pump->io.in_len = pump->in.len;
        pump->io.need = 0;
        pump->io.out_len = 0;
        state = pump->preamble->step(&pump->io, err);
        buf_reset(&pump->in);
        pump->io.in = NULL;
        pump->io.in_len = 0;
        pump->want = state == PREAMBLE_MORE ? pump->io.need : 0;
        if (state != PREAMBLE_MORE || (pump->want > 0 && pump->want <= WIRE_PACKET_MAX_BYTES))
                return state;
        err_set_(err, ERR_LIMIT, "%s: a packet of %zu bytes; at most %zu are accepted", pump->preamble->name,
                 pump->want, WIRE_PACKET_MAX_BYTES);
        return PREAMBLE_FAILED;
}

enum preamble_state preamble_begin(struct preamble_pump *pump, const struct preamble *preamble,
                                   struct err *err)
{
        *pump = (struct preamble_pump){ .preamble = preamble, .in = BUF_INIT(WIRE_PACKET_MAX_BYTES) };
        return run(pump, err);
}

enum preamble_state preamble_feed(struct preamble_pump *pump, const uint8_t *data, size_t len,
                                  struct err *err)
{
        if (len > pump->want)
                len = pump->want;
        buf_add(&pump->in, data, len);
        pump->want -= len;
        pump->io.out_len = 0; /* was sent; a piece of an answer asks for nothing new */
        return pump->want > 0 ? PREAMBLE_MORE : run(pump, err);
}

void preamble_done(struct preamble_pump *pump)
{
        buf_done(&pump->in);
}

void preamble_text(char *out, size_t room, const uint8_t *text, size_t len)
{
        size_t n = len < room - 1 ? len : room - 1;

        for (size_t i = 0; i < n; i++)
                out[i] = text[i] >= 0x20 && text[i] < 0x7f ? (char)text[i] : '?';
        out[n] = '\0';
}
