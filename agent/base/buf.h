// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A growing byte string with a mandatory maximum and a sticky overflow flag: append freely, check once.
 * Always NUL-terminated behind the last byte, so that buf.data may be read as a string.
 */
#include "base/auto.h"

#include <stdbool.h>
#include <stdint.h>

struct buf {
        uint8_t *data; /* NULL while empty */
        size_t len;
        size_t max;
        size_t room;
        bool overflow; /* an append did not fit; data holds what fitted before it */
};

#define BUF_INIT(maximum)                                                                                    \
        {                                                                                                    \
                NULL, 0, (maximum), 0, false                                                                 \
        }

/* Wipes and frees; the buffer is empty and usable again. */
void buf_done(struct buf *buf);
static inline UNUSED void buf_done_p(struct buf *buf)
{
        buf_done(buf);
}
/* Empties without giving the memory back. */
void buf_reset(struct buf *buf);
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_add_str(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) FORMAT(2, 3);
/* Text as a JSON string with its quotes: control characters and invalid UTF-8 are escaped. */
void buf_add_json(struct buf *buf, const char *text);
/* Room for len more bytes, to be written by the caller, who then adds to buf->len. NULL on overflow. */
uint8_t *buf_reserve(struct buf *buf, size_t len) MUST_CHECK;
/* The content as a string, "" when empty; valid until the next append. */
const char *buf_str(const struct buf *buf);
/* Hands out the NUL-terminated content (mem_free); the buffer is empty afterwards. */
char *buf_take(struct buf *buf) MUST_CHECK;
