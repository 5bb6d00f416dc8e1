// SPDX-License-Identifier: Apache-2.0
/*
 * Asks an agent. HTTP/1.0, so that the answer ends with the connection and nothing has to be parsed but its
 * first line and the empty one. Everything within QUERY_LIMIT_MS.
 */
#include "cli/status_query.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"

#define QUERY_LIMIT_MS 5000
#define READ_CHUNK     16384

static int wait_for(int fd, short events, struct mono deadline, const char *target, struct err *err)
{
        for (;;) {
                struct pollfd pfd = { .fd = fd, .events = events };
                const int64_t ms = deadline.ms - clock_mono().ms;
                const int n = ms > 0 ? poll(&pfd, 1, (int)ms) : 0;

                if (n > 0)
                        return 0;
                if (n == 0)
                        return err_set(err, ERR_TIMEOUT, "'%s' does not answer within %d s", target,
                                       QUERY_LIMIT_MS / 1000);
                if (errno != EINTR)
                        return err_sys(err, errno, "poll");
        }
}

static int no_answer(const char *target, int sys, struct err *err)
{
        if (sys == EACCES || sys == EPERM)
                return err_set(err, ERR_IO, "'%s': not allowed to connect: be the agent's user or root",
                               target);
        return err_set(err, ERR_NOT_READY, "no agent answers at '%s': %s", target, strerror(sys));
}

static int connect_to(const struct sockaddr *to, socklen_t len, struct mono deadline, const char *target,
                      int *out, struct err *err)
{
        AUTO(close_fd_p) int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        socklen_t sys_len = sizeof(int);
        int sys = 0;

        if (fd == -1)
                return err_sys(err, errno, "socket");
        if (connect(fd, to, len) == -1) {
                if (errno != EINPROGRESS)
                        return no_answer(target, errno, err);
                if (wait_for(fd, POLLOUT, deadline, target, err))
                        return -1;
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &sys_len) == -1 || sys != 0)
                        return no_answer(target, sys, err);
        }
        *out = take_fd(&fd);
        return 0;
}

static int connect_unix(const char *path, struct mono deadline, int *out, struct err *err)
{
        struct sockaddr_un un = { .sun_family = AF_UNIX };

        if (strlen(path) >= sizeof(un.sun_path))
                return err_set(err, ERR_USAGE, "'%s': the path of a socket has at most %zu bytes", path,
                               sizeof(un.sun_path) - 1);
        memcpy(un.sun_path, path, strlen(path));
        return connect_to((const struct sockaddr *)&un, sizeof(un), deadline, path, out, err);
}

static int connect_http(const char *url, struct mono deadline, int *out, struct err *err)
{
        static const char scheme[] = "http://";
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
        struct addrinfo *found = NULL;
        char host[256];
        char port[6];
        int used = 0;
        int status = -1;

        if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
                return err_set(err, ERR_USAGE, "'%s': the path of a socket, or http://host:port", url);
        if ((sscanf(url + sizeof(scheme) - 1, "[%255[0-9a-fA-F:.]]:%5[0-9]%n", host, port, &used) != 2 &&
             sscanf(url + sizeof(scheme) - 1, "%255[^:/[]:%5[0-9]%n", host, port, &used) != 2) ||
            strspn(url + sizeof(scheme) - 1 + used, "/") != strlen(url + sizeof(scheme) - 1 + used))
                return err_set(err, ERR_USAGE, "'%s': not of the form http://host:port", url);
        status = getaddrinfo(host, port, &hints, &found);
        if (status != 0)
                return err_set(err, ERR_NETWORK, "'%s': %s", url, gai_strerror(status));
        status = -1;
        for (const struct addrinfo *at = found; at != NULL && status != 0; at = at->ai_next)
                status = connect_to(at->ai_addr, at->ai_addrlen, deadline, url, out, err);
        freeaddrinfo(found);
        return status;
}

static int exchange(int fd, const char *target, const char *path, struct mono deadline, struct buf *out,
                    struct err *err)
{
        char request[256];
        const int len = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", path);
        ssize_t n;

        if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len) /* fits into any socket's buffer */
                return no_answer(target, errno, err);
        for (;;) {
                uint8_t *to = buf_reserve(out, READ_CHUNK);

                if (to == NULL)
                        return err_set(err, ERR_LIMIT, "'%s': the answer is larger than %zu bytes", target,
                                       out->max);
                if (wait_for(fd, POLLIN, deadline, target, err))
                        return -1;
                n = recv(fd, to, READ_CHUNK, 0);
                if (n == -1 && (errno == EINTR || errno == EAGAIN))
                        continue;
                if (n == -1)
                        return err_set(err, ERR_NETWORK, "'%s': %s", target, strerror(errno));
                out->len += (size_t)n;
                out->data[out->len] = 0;
                if (n == 0)
                        return 0;
        }
}

static bool is_success(const char *reply)
{
        return strncmp(reply, "HTTP/1.1 200 ", 13) == 0 || strncmp(reply, "HTTP/1.0 200 ", 13) == 0;
}

int status_query(const char *target, const char *path, struct buf *out, struct err *err)
{
        AUTO(close_fd_p) int fd = -1;
        AUTO(buf_done_p) struct buf reply = BUF_INIT(out->max);
        const struct mono deadline = clock_after(clock_mono(), QUERY_LIMIT_MS);
        const char *body;

        if (target[0] == '/' ? connect_unix(target, deadline, &fd, err)
                             : connect_http(target, deadline, &fd, err))
                return -1;
        if (exchange(fd, target, path, deadline, &reply, err))
                return -1;
        body = strstr(buf_str(&reply), "\r\n\r\n");
        if (body == NULL || !is_success(buf_str(&reply)))
                return err_set(err, ERR_PROTOCOL, "'%s' answers, but not as a certrotate agent: %.12s",
                               target, buf_str(&reply));
        buf_add_str(out, body + 4);
        return 0;
}
