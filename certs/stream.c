// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes in and out of one socket.
 */
#include "certs/stream.h"

#include "base/auto.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void stream_put(struct stream *stream, const uint8_t *data, size_t len)
{
        if (len > sizeof(stream->out))
                len = sizeof(stream->out);
        if (len > 0)
                memcpy(stream->out, data, len);
        stream->out_len = len;
        stream->sent = 0;
}

enum stream_state stream_flush(struct stream *stream)
{
        while (stream->sent < stream->out_len && !stream->write_broken) {
                ssize_t n = send(stream->fd, stream->out + stream->sent, stream->out_len - stream->sent,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n == -1 && errno == EINTR)
                        continue;
                if (n == -1 && errno == EAGAIN)
                        return STREAM_WAIT;
                if (n == -1)
                        stream->write_broken = true;
                else
                        stream->sent += (size_t)n;
        }
        stream->out_len = 0;
        stream->sent = 0;
        return STREAM_OK;
}

enum stream_state stream_get(struct stream *stream, uint8_t *to, size_t room, size_t *got)
{
        ssize_t n;

        do
                n = recv(stream->fd, to, room, MSG_DONTWAIT);
        while (n == -1 && errno == EINTR);
        if (n == -1 && errno == EAGAIN)
                return STREAM_WAIT;
        stream->sys = n == -1 ? errno : 0;
        if (n <= 0)
                return STREAM_END;
        *got = (size_t)n;
        stream->received += (size_t)n;
        return STREAM_OK;
}

void stream_done(struct stream *stream)
{
        if (stream->fd != -1)
                (void)close(take_fd(&stream->fd));
}
