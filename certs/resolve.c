// SPDX-License-Identifier: Apache-2.0
/*
 * Name resolution on a helper thread (base/thread.h): getaddrinfo cannot be interrupted. The thread is our
 * own instead of getaddrinfo_a's, because that needs a second one to notify and loses the notification when
 * it cannot be started.
 */
#include "certs/resolve.h"

#include "base/mem.h"
#include "base/thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOOKUP_STACK_BYTES ((size_t)512 << 10) /* nss modules are greedy, but not that greedy */
#define PORT_TEXT_MAX      8

struct lookup {
        struct thread thread; /* first */
        int result;
        int sys;
        struct addrinfo *list;
        char port[PORT_TEXT_MAX];
        char *host;
};

struct resolve {
        struct op op;
        struct addrinfo *list; /* known at once */
        struct lookup *lookup;
        struct addrinfo **out;
        char port[PORT_TEXT_MAX];
        char *host;
};

void resolve_free(struct addrinfo *list)
{
        if (list != NULL)
                freeaddrinfo(list);
}

static void lookup_free(struct thread *thread)
{
        struct lookup *lookup = CONTAINER_OF(thread, struct lookup, thread);

        resolve_free(lookup->list);
        mem_free(lookup->host);
        mem_free(lookup);
}

static void lookup_run(struct thread *thread)
{
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
        struct lookup *lookup = CONTAINER_OF(thread, struct lookup, thread);

        lookup->result = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->list);
        lookup->sys = errno;
}

static int lookup_begin(struct resolve *self, struct err *err)
{
        struct lookup *lookup = MEM_NEW(struct lookup);

        lookup->thread.run = lookup_run;
        lookup->thread.free = lookup_free;
        lookup->host = mem_strdup(self->host);
        memcpy(lookup->port, self->port, sizeof(lookup->port));
        if (thread_start(&lookup->thread, LOOKUP_STACK_BYTES, err) != 0) {
                lookup_free(&lookup->thread);
                return err_wrap(err, "resolve '%s'", self->host);
        }
        self->lookup = lookup;
        return 0;
}

static int lookup_failed(const struct resolve *self, struct err *err)
{
        int result = self->lookup->result;

        return err_set(err, ERR_NOT_READY, "resolve '%s': %s", self->host,
                       result == EAI_SYSTEM ? strerror(self->lookup->sys) : gai_strerror(result));
}

static enum op_state step(struct op *op, short ready UNUSED, struct mono now UNUSED, struct err *err)
{
        struct resolve *self = CONTAINER_OF(op, struct resolve, op);

        if (self->list != NULL) {
                *self->out = TAKE(self->list);
                return OP_DONE;
        }
        if (self->host[0] == '\0') {
                err_set_(err, ERR_USAGE, "resolve: the host name is empty");
                return OP_FAILED;
        }
        if (self->lookup == NULL && lookup_begin(self, err) != 0)
                return OP_FAILED;
        if (!thread_is_done(&self->lookup->thread)) {
                op->want.fd = self->lookup->thread.event_fd;
                op->want.events = POLLIN;
                op->want.until = MONO_NEVER;
                return OP_WAIT;
        }
        if (self->lookup->result != 0) {
                (void)lookup_failed(self, err);
                return OP_FAILED;
        }
        *self->out = TAKE(self->lookup->list);
        return OP_DONE;
}

static void resolve_op_free(struct op *op)
{
        struct resolve *self = CONTAINER_OF(op, struct resolve, op);

        resolve_free(self->list);
        if (self->lookup != NULL)
                thread_unref(&self->lookup->thread);
        mem_free(self->host);
        mem_free(self);
}

static struct addrinfo *numeric(const char *host, const char *port)
{
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
        struct addrinfo *list = NULL;

        return getaddrinfo(host, port, &hints, &list) == 0 ? list : NULL;
}

/* RFC 6761, 6.3: "localhost" and everything below it is loopback, whatever DNS says. */
static bool is_localhost(const char *host)
{
        static const char name[] = "localhost";
        size_t len = strlen(host);
        size_t want = sizeof(name) - 1;

        if (len > 0 && host[len - 1] == '.')
                len--;
        if (len < want || strncasecmp(host + len - want, name, want) != 0)
                return false;
        return len == want || host[len - want - 1] == '.';
}

/* IPv4 first: that is where databases listen by default. */
static struct addrinfo *loopback(const char *port)
{
        struct addrinfo *list = numeric("127.0.0.1", port);

        if (list == NULL)
                return numeric("::1", port);
        list->ai_next = numeric("::1", port);
        return list;
}

static const struct op_type resolve_type = { "resolve", step, resolve_op_free };

struct op *resolve_start(const char *host, int port, struct addrinfo **out)
{
        struct resolve *self = MEM_NEW(struct resolve);

        self->op.type = &resolve_type;
        self->op.want.fd = -1;
        self->op.want.until = MONO_NEVER;
        self->out = out;
        self->host = mem_strdup(host);
        (void)snprintf(self->port, sizeof(self->port), "%d", port);
        self->list = is_localhost(host) ? loopback(self->port) : numeric(host, self->port);
        return &self->op;
}
