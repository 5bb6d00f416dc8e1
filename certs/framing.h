// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * TLS that travels inside another protocol's packets: a header in front of each piece, both ways, until the
 * handshake is over. SQL Server does so. Pure.
 */
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define FRAMING_HEADER_MAX 16

struct framing {
        size_t header_len;  /* at most FRAMING_HEADER_MAX */
        size_t payload_max; /* of a packet that is sent */
        void (*wrap)(uint8_t *header, size_t payload_len);
        /* How many bytes belong to the packet behind this header? ERR_PROTOCOL: no such packet belongs here.
         */
        int (*unwrap)(const uint8_t *header, size_t *payload_len, struct err *err);
};

/* The receiving side, wherever the network cuts the packets. All zero but for framing at first. */
struct framer {
        const struct framing *framing; /* NULL: nothing is wrapped */
        uint8_t header[FRAMING_HEADER_MAX];
        size_t have; /* bytes of header */
        size_t left; /* bytes of payload still to come */
};

/* Takes the headers out of data, in place; *len becomes the length of what is left. */
int framing_strip(struct framer *framer, uint8_t *data, size_t *len, struct err *err) MUST_CHECK;
