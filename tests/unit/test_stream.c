// SPDX-License-Identifier: Apache-2.0
/*
 * The socket under a handshake: a peer that is gone raises no signal, and what it said can still be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "certs/stream.h"

#include <errno.h>
#include <sys/socket.h>

static void open_pair(struct stream *stream, int *peer)
{
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
        *stream = (struct stream){ .fd = fds[0] };
        *peer = fds[1];
}

static void test_gone_peer(void **state)
{
        struct stream stream;
        uint8_t in[16];
        size_t got = 0;
        int peer = -1;

        (void)state;
        open_pair(&stream, &peer);
        assert_int_equal(write(peer, "alert", 5), 5);
        (void)close(peer);
        stream_put(&stream, (const uint8_t *)"hello", 5);
        assert_int_equal(stream_flush(&stream), STREAM_OK); /* SIGPIPE would end the test here */
        assert_true(stream.write_broken);
        assert_int_equal(stream_get(&stream, in, sizeof(in), &got), STREAM_OK);
        assert_int_equal(got, 5);
        assert_int_equal(stream_get(&stream, in, sizeof(in), &got), STREAM_END);
        assert_int_equal(stream.sys, 0);
        stream_done(&stream);
        assert_int_equal(stream.fd, -1);
}

/* A peer that reads nothing: the rest waits, and goes out whole once it reads. */
static void test_slow_peer(void **state)
{
        static uint8_t chunk[STREAM_CHUNK];
        static uint8_t in[STREAM_CHUNK];
        AUTO(close_fd_p) int peer = -1;
        struct stream stream;
        size_t put = 0;
        size_t taken = 0;
        ssize_t n;

        (void)state;
        open_pair(&stream, &peer);
        memset(chunk, 'x', sizeof(chunk));
        do {
                stream_put(&stream, chunk, sizeof(chunk));
                put += sizeof(chunk);
        } while (stream_flush(&stream) == STREAM_OK);
        while ((n = read(peer, in, sizeof(in))) > 0 || stream_flush(&stream) == STREAM_WAIT ||
               (n = read(peer, in, sizeof(in))) > 0)
                taken += n > 0 ? (size_t)n : 0;
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(taken, put);
        stream_done(&stream);
}

static void test_nothing_yet(void **state)
{
        AUTO(close_fd_p) int peer = -1;
        struct stream stream;
        uint8_t in[4];
        size_t got = 0;

        (void)state;
        open_pair(&stream, &peer);
        assert_int_equal(stream_flush(&stream), STREAM_OK);
        assert_int_equal(stream_get(&stream, in, sizeof(in), &got), STREAM_WAIT);
        assert_int_equal(write(peer, "abcdef", 6), 6);
        assert_int_equal(stream_get(&stream, in, sizeof(in), &got), STREAM_OK);
        assert_int_equal(stream_get(&stream, in, sizeof(in), &got), STREAM_OK);
        assert_int_equal(stream.received, 6);
        stream_done(&stream);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_gone_peer),
                cmocka_unit_test(test_slow_peer),
                cmocka_unit_test(test_nothing_yet),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
