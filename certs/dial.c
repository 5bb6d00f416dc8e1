// SPDX-License-Identifier: Apache-2.0
/*
 * Connecting. The trap: a unix socket whose backlog is full answers a non-blocking connect with EAGAIN and
 * never becomes writable, so that one is tried again after a while.
 */
#include "certs/dial.h"

#include "base/mem.h"
#include "certs/resolve.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BACKLOG_RETRY_MS 20

struct dial {
        struct op op;
        const char *host;
        char *where;
        int port;
        int64_t limit_ms;
        bool begun;
        struct mono deadline;
        struct mono until; /* of the address being tried */
        struct op *resolve;
        struct addrinfo *list;
        struct addrinfo *next;
        struct sockaddr_un path;
        int fd;           /* connecting; -1 while between addresses */
        struct err cause; /* why the last address failed */
        int *out_fd;
        char *address;
};

char *dial_where(const char *host, int port)
{
        if (host[0] == '/')
                return mem_strdup(host);
        return strchr(host, ':') != NULL ? mem_printf("[%s]:%d", host, port)
                                         : mem_printf("%s:%d", host, port);
}

static enum op_state wait_for(struct dial *self, int fd, short events, struct mono until)
{
        self->op.want.fd = fd;
        self->op.want.events = events;
        self->op.want.until = until.ms < self->deadline.ms ? until : self->deadline;
        return OP_WAIT;
}

static void drop_fd(struct dial *self)
{
        if (self->fd != -1)
                (void)close(take_fd(&self->fd));
}

static void note_failure(struct dial *self, int sys)
{
        bool may_come = sys == ECONNREFUSED || sys == ENOENT;

        drop_fd(self);
        err_set_(&self->cause, may_come ? ERR_NOT_READY : ERR_NETWORK, "connect to %s%s%s%s: %s", self->where,
                 self->list != NULL ? " (" : "", self->list != NULL ? self->address : "",
                 self->list != NULL ? ")" : "", strerror(sys));
        self->cause.sys = sys;
}

static enum op_state connected(struct dial *self)
{
        *self->out_fd = take_fd(&self->fd);
        return OP_DONE;
}

static enum op_state timed_out(struct dial *self, struct err *err)
{
        err_set_(err, ERR_TIMEOUT, "connect to %s: no answer within %lld ms", self->where,
                 (long long)self->limit_ms);
        return OP_FAILED;
}

/* ---- unix sockets ---- */

static enum op_state dial_path(struct dial *self, struct mono now, struct err *err)
{
        size_t len = strlen(self->host);

        if (len >= sizeof(self->path.sun_path)) {
                err_set_(err, ERR_USAGE, "'%.64s…': a socket's path may have %zu bytes", self->host,
                         sizeof(self->path.sun_path) - 1);
                return OP_FAILED;
        }
        self->path.sun_family = AF_UNIX;
        memcpy(self->path.sun_path, self->host, len + 1);
        drop_fd(self);
        self->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (self->fd == -1) {
                err_sys_(err, errno, "connect to %s: socket", self->where);
                return OP_FAILED;
        }
        (void)snprintf(self->address, DIAL_ADDRESS_MAX, "%s", self->host);
        if (connect(self->fd, (const struct sockaddr *)&self->path, sizeof(self->path)) == 0)
                return connected(self);
        if (errno == EAGAIN || errno == EINTR)
                return wait_for(self, -1, 0, clock_after(now, BACKLOG_RETRY_MS));
        note_failure(self, errno);
        *err = self->cause;
        return OP_FAILED;
}

/* ---- TCP ---- */

static enum op_state dial_resolve(struct dial *self, short ready, struct mono now, struct err *err)
{
        enum op_state state;

        if (self->resolve == NULL)
                self->resolve = resolve_start(self->host, self->port, &self->list);
        state = self->resolve->type->step(self->resolve, ready, now, err);
        if (state == OP_WAIT)
                return wait_for(self, self->resolve->want.fd, self->resolve->want.events,
                                self->resolve->want.until);
        self->next = self->list;
        op_free(TAKE(self->resolve));
        return state;
}

/* The next address gets an equal share of what is left. */
static struct mono share_of_time(const struct dial *self, struct mono now)
{
        int64_t n = 0;

        for (const struct addrinfo *a = self->next; a != NULL; a = a->ai_next)
                n++;
        return clock_after(now, (self->deadline.ms - now.ms) / (n > 0 ? n : 1));
}

static enum op_state dial_next(struct dial *self, struct mono now)
{
        const struct addrinfo *a = self->next;
        const int on = 1;

        self->until = share_of_time(self, now);
        self->next = a->ai_next;
        if (getnameinfo(a->ai_addr, a->ai_addrlen, self->address, DIAL_ADDRESS_MAX, NULL, 0,
                        NI_NUMERICHOST) != 0)
                self->address[0] = '\0';
        self->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
        if (self->fd == -1) {
                note_failure(self, errno);
                return OP_FAILED;
        }
        /* Two small writes in a row (a request for TLS, then its first flight) would wait for the peer's
         * delayed acknowledgement. */
        (void)setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (connect(self->fd, a->ai_addr, a->ai_addrlen) == 0)
                return connected(self);
        if (errno == EINPROGRESS || errno == EINTR)
                return wait_for(self, self->fd, POLLOUT, self->until);
        note_failure(self, errno);
        return OP_FAILED;
}

static enum op_state dial_check(struct dial *self, short ready, struct mono now)
{
        socklen_t len = sizeof(int);
        int sys = 0;

        if (ready == 0 && now.ms < self->until.ms)
                return wait_for(self, self->fd, POLLOUT, self->until);
        if (ready == 0) {
                note_failure(self, ETIMEDOUT);
                self->cause.kind = ERR_TIMEOUT;
                return OP_FAILED;
        }
        if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &sys, &len) == -1)
                sys = errno;
        if (sys == 0)
                return connected(self);
        note_failure(self, sys);
        return OP_FAILED;
}

static enum op_state dial_tcp(struct dial *self, short ready, struct mono now, struct err *err)
{
        if (self->list == NULL) {
                enum op_state state = dial_resolve(self, ready, now, err);

                if (state != OP_DONE)
                        return state;
                ready = 0;
        }
        if (self->fd != -1) {
                enum op_state state = dial_check(self, ready, now);

                if (state != OP_FAILED)
                        return state;
        }
        while (self->next != NULL) {
                enum op_state state = dial_next(self, now);

                if (state != OP_FAILED)
                        return state;
        }
        *err = self->cause;
        return OP_FAILED;
}

static enum op_state step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct dial *self = CONTAINER_OF(op, struct dial, op);
        enum op_state state;

        if (!self->begun) {
                self->begun = true;
                self->deadline = clock_after(now, self->limit_ms);
        }
        state = self->host[0] == '/' ? dial_path(self, now, err) : dial_tcp(self, ready, now, err);
        if (state == OP_WAIT && now.ms >= self->deadline.ms)
                return timed_out(self, err);
        return state;
}

static void dial_free(struct op *op)
{
        struct dial *self = CONTAINER_OF(op, struct dial, op);

        op_free(self->resolve);
        resolve_free(self->list);
        drop_fd(self);
        mem_free(self->where);
        mem_free(self);
}

static const struct op_type dial_type = { "connect", step, dial_free };

struct op *dial_start(const char *host, int port, int64_t limit_ms, int *fd, char *address)
{
        struct dial *self = MEM_NEW(struct dial);

        self->op.type = &dial_type;
        self->op.want.fd = -1;
        self->op.want.until = MONO_NEVER;
        self->host = host;
        self->port = port;
        self->where = dial_where(host, port);
        self->limit_ms = limit_ms;
        self->fd = -1;
        self->out_fd = fd;
        self->address = address;
        return &self->op;
}
