// SPDX-License-Identifier: Apache-2.0
/*
 * Growing byte strings. Growth doubles and moves by copy, so that the old memory can be wiped: a buffer
 * may hold a private key.
 */
#include "base/buf.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROOM_MIN 64

static void release(uint8_t *data, size_t room)
{
        if (data == NULL)
                return;
        explicit_bzero(data, room);
        mem_free(data);
}

void buf_done(struct buf *buf)
{
        release(buf->data, buf->room);
        *buf = (struct buf)BUF_INIT(buf->max);
}

void buf_reset(struct buf *buf)
{
        buf->len = 0;
        buf->overflow = false;
        if (buf->data != NULL)
                buf->data[0] = 0;
}

uint8_t *buf_reserve(struct buf *buf, size_t len)
{
        size_t room = buf->room < ROOM_MIN ? ROOM_MIN : buf->room;
        uint8_t *data;

        if (buf->overflow || len > buf->max || buf->len > buf->max - len) {
                buf->overflow = true;
                return NULL;
        }
        while (room < buf->len + len + 1)
                room *= 2;
        if (room != buf->room) {
                data = mem_new(room);
                if (buf->len > 0)
                        memcpy(data, buf->data, buf->len);
                release(buf->data, buf->room);
                buf->data = data;
                buf->room = room;
        }
        buf->data[buf->len + len] = 0;
        return buf->data + buf->len;
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
        uint8_t *to = buf_reserve(buf, len);

        if (to == NULL)
                return;
        if (len > 0)
                memcpy(to, data, len);
        buf->len += len;
}

void buf_add_str(struct buf *buf, const char *text)
{
        buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
        buf_add(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
        va_list ap;
        uint8_t *to;
        int len;

        va_start(ap, fmt);
        len = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        if (len < 0 || (to = buf_reserve(buf, (size_t)len)) == NULL)
                return;
        va_start(ap, fmt);
        (void)vsnprintf((char *)to, (size_t)len + 1, fmt, ap);
        va_end(ap);
        buf->len += (size_t)len;
}

void buf_add_json(struct buf *buf, const char *text)
{
        const uint8_t *p = (const uint8_t *)text;
        size_t len;

        buf_add_char(buf, '"');
        for (; *p != 0; p += len == 0 ? 1 : len) {
                len = utf8_len(p);
                if (len == 0)
                        buf_add_str(buf, "\\ufffd");
                else if (*p == '"' || *p == '\\')
                        buf_printf(buf, "\\%c", *p);
                else if (*p == '\n')
                        buf_add_str(buf, "\\n");
                else if (*p < 0x20 || *p == 0x7f)
                        buf_printf(buf, "\\u%04x", *p);
                else
                        buf_add(buf, p, len);
        }
        buf_add_char(buf, '"');
}

const char *buf_str(const struct buf *buf)
{
        return buf->data == NULL ? "" : (const char *)buf->data;
}

char *buf_take(struct buf *buf)
{
        char *out = buf->data == NULL ? mem_strdup("") : (char *)buf->data;

        *buf = (struct buf)BUF_INIT(buf->max);
        return out;
}
