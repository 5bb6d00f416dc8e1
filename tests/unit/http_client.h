// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Clients of the server of http_scene.h.
 */
#include "http_scene.h"

static UNUSED int dial(const struct scene *scene)
{
        const struct timeval patience = { 20, 0 };
        const struct sockaddr_in to = { .sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)scene->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct sockaddr_un un = { .sun_family = AF_UNIX };
        const int fd = socket(scene->path[0] != '\0' ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
        if (scene->path[0] != '\0') {
                memcpy(un.sun_path, scene->path, sizeof(scene->path));
                assert_int_equal(connect(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
                return fd;
        }
        assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
        return fd;
}

/* Until the server closes; what it says in out. -1 when it did not within 20 s. */
static UNUSED ssize_t read_to_end(int fd, char *out, size_t room)
{
        size_t len = 0;

        for (;;) {
                const ssize_t n = read(fd, out + len, room - 1 - len);

                if (n == -1 && errno == EAGAIN)
                        return -1;
                if (n <= 0)
                        break;
                len += (size_t)n;
                assert_true(len < room - 1);
        }
        out[len] = '\0';
        return (ssize_t)len;
}

static UNUSED char *exchange(const struct scene *scene, const char *request, size_t len)
{
        AUTO(close_fd_p) int fd = dial(scene);
        char *out = mem_new((size_t)4 << 20);

        (void)send(fd, request, len, MSG_NOSIGNAL); /* may be cut short by an answer */
        (void)shutdown(fd, SHUT_WR);
        assert_true(read_to_end(fd, out, (size_t)4 << 20) >= 0);
        return out;
}

static UNUSED int status_of(const char *reply)
{
        int status = 0;

        if (reply[0] != '\0')
                assert_int_equal(sscanf(reply, "HTTP/1.%*d %d ", &status), 1);
        return status;
}

static UNUSED void get(const struct scene *scene, const char *path)
{
        AUTO(mem_free_p)
        char *request = mem_printf("GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);
        AUTO(mem_free_p) char *reply = exchange(scene, request, strlen(request));

        assert_int_equal(status_of(reply), 200);
}
