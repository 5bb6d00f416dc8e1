// SPDX-License-Identifier: Apache-2.0
/*
 * Listening sockets. Numeric addresses only: a name would wait for DNS, and could move to an interface that
 * nobody meant.
 */
#include "loop/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/mem.h"
#include "base/num.h"

#define BACKLOG 128

union address {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
};

static int bad_address(const char *address, struct err *err)
{
        return err_set(
                err, ERR_USAGE,
                "listen on '%s': not an address: write 127.0.0.1:9533, [::1]:9533, :9533 or the path of a "
                "unix socket",
                address);
}

/* "host:port" into out. "" stands for all interfaces, IPv4 too. */
static int parse(const char *address, union address *out, socklen_t *out_len, struct err *err)
{
        const char *colon = strrchr(address, ':');
        const size_t host_len = colon != NULL ? (size_t)(colon - address) : 0;
        const bool has_brackets = host_len > 2 && address[0] == '[' && address[host_len - 1] == ']';
        char host[INET6_ADDRSTRLEN + 1] = "";
        struct err ignored;
        int64_t port;

        if (colon == NULL || host_len > INET6_ADDRSTRLEN ||
            num_parse(colon + 1, 0, UINT16_MAX, &port, &ignored))
                return bad_address(address, err);
        memcpy(host, address + (has_brackets ? 1 : 0), host_len - (has_brackets ? 2 : 0));
        memset(out, 0, sizeof(*out));
        if (!has_brackets && host_len > 0) {
                out->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
                *out_len = sizeof(out->v4);
                if (strcmp(host, "localhost") == 0)
                        out->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                else if (inet_pton(AF_INET, host, &out->v4.sin_addr) != 1)
                        return bad_address(address, err);
                return 0;
        }
        out->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
        *out_len = sizeof(out->v6);
        if (host_len > 0 && inet_pton(AF_INET6, host, &out->v6.sin6_addr) != 1)
                return bad_address(address, err);
        return 0;
}

static int stream_socket(int family, const char *address, int *out, struct err *err)
{
        const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd == -1)
                return err_sys(err, errno, "listen on '%s': socket", address);
        *out = fd;
        return 0;
}

static int listen_inet(const char *address, struct listen_socket *out, struct err *err)
{
        AUTO(close_fd_p) int fd = -1;
        union address to;
        socklen_t len;
        const int one = 1;
        const int zero = 0;

        if (parse(address, &to, &len, err))
                return -1;
        fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd == -1 && errno == EAFNOSUPPORT && address[0] == ':') { /* a host without IPv6 */
                to.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = to.v6.sin6_port };
                len = sizeof(to.v4);
                if (stream_socket(AF_INET, address, &fd, err))
                        return -1;
        }
        if (fd == -1)
                return err_sys(err, errno, "listen on '%s': socket", address);
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
            (to.any.sa_family == AF_INET6 &&
             setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, address[0] == ':' ? &zero : &one, sizeof(one)) == -1))
                return err_sys(err, errno, "listen on '%s': setsockopt", address);
        if (bind(fd, &to.any, len) == -1 || listen(fd, BACKLOG) == -1) {
                if (errno == EADDRINUSE)
                        return err_set(
                                err, ERR_IO,
                                "listen on %s: address already in use: by another certrotate? set `listen` "
                                "to a free one",
                                address);
                return err_sys(err, errno, "listen on '%s'", address);
        }
        if (getsockname(fd, &to.any, &len) == -1)
                return err_sys(err, errno, "listen on '%s': getsockname", address);
        out->port = ntohs(to.any.sa_family == AF_INET ? to.v4.sin_port : to.v6.sin6_port);
        out->fd = take_fd(&fd);
        return 0;
}

/* Removes a socket file that nobody listens on any more. */
static int remove_stale(const union address *at, struct err *err)
{
        AUTO(close_fd_p) int fd = -1;
        const char *path = at->un.sun_path;
        struct stat st;

        if (lstat(path, &st) == -1)
                return errno == ENOENT ? 0 : err_sys(err, errno, "listen on '%s'", path);
        if (!S_ISSOCK(st.st_mode))
                return err_set(err, ERR_IO,
                               "listen on '%s': there is something else than a socket at that path", path);
        if (stream_socket(AF_UNIX, path, &fd, err))
                return -1;
        if (connect(fd, &at->any, sizeof(at->un)) == 0 || errno == EAGAIN)
                return err_set(
                        err, ERR_IO,
                        "listen on '%s': another process answers there: another certrotate? set `control` to "
                        "a path of its own",
                        path);
        if (errno != ECONNREFUSED)
                return err_sys(err, errno, "listen on '%s': the socket there", path);
        if (unlink(path) == -1 && errno != ENOENT)
                return err_sys(err, errno, "remove the stale socket '%s'", path);
        return 0;
}

static int listen_unix(const char *path, struct listen_socket *out, struct err *err)
{
        AUTO(close_fd_p) int fd = -1;
        union address to = { .un = { .sun_family = AF_UNIX } };
        struct stat st;
        mode_t mask;
        int bound;
        int sys;

        if (strlen(path) >= sizeof(to.un.sun_path))
                return err_set(err, ERR_USAGE,
                               "listen on '%s': the path of a unix socket has at most %zu bytes", path,
                               sizeof(to.un.sun_path) - 1);
        memcpy(to.un.sun_path, path, strlen(path));
        if (remove_stale(&to, err) || stream_socket(AF_UNIX, path, &fd, err))
                return -1;
        /* The mode must be there from birth; one thread, so the mask disturbs nobody. */
        mask = umask(0177);
        bound = bind(fd, &to.any, sizeof(to.un));
        sys = errno;
        (void)umask(mask);
        if (bound == -1)
                return err_sys(err, sys, "listen on '%s'", path);
        if (listen(fd, BACKLOG) == -1 || lstat(path, &st) == -1)
                return err_sys(err, errno, "listen on '%s'", path);
        out->dev = st.st_dev;
        out->ino = st.st_ino;
        out->path = mem_strdup(path);
        out->fd = take_fd(&fd);
        return 0;
}

int listen_open(const char *address, struct listen_socket *out, struct err *err)
{
        struct listen_socket listening = { .fd = -1 };

        if (address[0] == '/' ? listen_unix(address, &listening, err) : listen_inet(address, &listening, err))
                return -1;
        *out = listening;
        return 0;
}

void listen_close(struct listen_socket *listening)
{
        struct stat st;

        close_fd_p(&listening->fd);
        listening->fd = -1;
        if (listening->path != NULL && lstat(listening->path, &st) == 0 && st.st_dev == listening->dev &&
            st.st_ino == listening->ino)
                (void)unlink(listening->path);
        mem_free(TAKE(listening->path));
}
