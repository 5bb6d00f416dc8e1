// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What is said in the clear before TLS starts, as a pure state machine: bytes in, bytes out. Direct TLS has
 * none; MySQL sends a greeting and takes an SSLRequest, PostgreSQL takes eight bytes and answers one.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

#include <stdint.h>

#define PREAMBLE_OUT_MAX    64
#define PREAMBLE_SERVER_MAX 96

struct preamble_io {
        const uint8_t *in; /* exactly in_len bytes, as many as were asked for with `need` */
        size_t in_len;
        size_t need; /* set by the preamble: bytes it wants next (at most WIRE_PACKET_MAX_BYTES); 0: none */
        uint8_t out[PREAMBLE_OUT_MAX];
        size_t out_len;                   /* set by the preamble: bytes to send before the next call */
        int stage;                        /* the preamble's own; 0 at first */
        char server[PREAMBLE_SERVER_MAX]; /* what the server said of itself, e.g. its version; "" when nothing
                                           */
};

enum preamble_state { PREAMBLE_MORE, PREAMBLE_TLS, PREAMBLE_FAILED };

struct preamble {
        const char *name; /* "mysql" */
        /* First call with in_len 0. PREAMBLE_TLS: send out, then start TLS. Never reads past the TLS
         * boundary. */
        enum preamble_state (*step)(struct preamble_io *io, struct err *err);
        const struct framing *framing; /* packets that TLS's handshake travels in; NULL: none */
};

/*
 * Feeds a preamble exactly the bytes it asked for, however the network cuts them.
 *
 *   preamble_begin, then until it is no longer PREAMBLE_MORE:
 *   send io.out, receive at most preamble_want bytes, preamble_feed
 */
struct preamble_pump {
        const struct preamble *preamble;
        struct preamble_io io;
        struct buf in;
        size_t want; /* bytes still missing of those asked for */
};

enum preamble_state preamble_begin(struct preamble_pump *pump, const struct preamble *preamble,
                                   struct err *err);
/* len is 1 to pump->want; io.out must have been sent. Once want is 0 the preamble is stepped. */
enum preamble_state preamble_feed(struct preamble_pump *pump, const uint8_t *data, size_t len,
                                  struct err *err);
void preamble_done(struct preamble_pump *pump);

/* Foreign text for a message: at most room - 1 bytes, whatever is not printable ASCII becomes '?'. */
void preamble_text(char *out, size_t room, const uint8_t *text, size_t len);
