// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A non-blocking socket with one pending write. Never raises SIGPIPE. A write that fails is remembered, not
 * reported: what the peer said before it went away (an alert) can still be read.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_CHUNK 16384

enum stream_state { STREAM_OK, STREAM_WAIT, STREAM_END };

struct stream {
        int fd; /* -1: none; closed by stream_done */
        uint8_t out[STREAM_CHUNK];
        size_t out_len;
        size_t sent;
        size_t received; /* in all */
        bool write_broken;
        int sys; /* after STREAM_END: errno, 0 when the peer closed */
};

/* The pending write must have been flushed; len at most STREAM_CHUNK. */
void stream_put(struct stream *stream, const uint8_t *data, size_t len);
/* STREAM_OK: nothing is pending any more. STREAM_WAIT: until the socket is writable. */
enum stream_state stream_flush(struct stream *stream);
/* STREAM_OK with *got > 0, STREAM_WAIT until readable, STREAM_END. */
enum stream_state stream_get(struct stream *stream, uint8_t *to, size_t room, size_t *got);
void stream_done(struct stream *stream);
