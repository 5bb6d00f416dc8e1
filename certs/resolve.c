// SPDX-License-Identifier: Apache-2.0
/*
 * Name resolution on a helper thread. getaddrinfo cannot be interrupted, so an operation that is freed early
 * leaves its thread behind: what both touch is one counted block, freed by whoever lets go last. The thread
 * is our own instead of getaddrinfo_a's, because that needs a second one to notify and loses the
 * notification when it cannot be started.
 */
#include "certs/resolve.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#define LOOKUP_STACK_BYTES ((size_t)512 << 10) /* nss modules are greedy, but not that greedy */
#define PORT_TEXT_MAX      8

struct lookup {
        atomic_int refs;
        atomic_bool done; /* result, sys and list may be read by the operation */
        int event_fd; /* readable when done; closed with the block, so the thread never writes elsewhere */
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

static void lookup_unref(struct lookup *lookup)
{
        if (lookup == NULL || atomic_fetch_sub_explicit(&lookup->refs, 1, memory_order_acq_rel) != 1)
                return;
        resolve_free(lookup->list);
        if (lookup->event_fd != -1)
                (void)close(lookup->event_fd);
        mem_free(lookup->host);
        mem_free(lookup);
}

static void lookup_unref_p(struct lookup **lookup)
{
        lookup_unref(*lookup);
}

static void *lookup_run(void *arg)
{
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
        struct lookup *lookup = arg;
        const uint64_t one = 1;
        ssize_t n;

        lookup->result = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->list);
        lookup->sys = errno;
        atomic_store_explicit(&lookup->done, true, memory_order_release);
        do
                n = write(lookup->event_fd, &one, sizeof(one));
        while (n == -1 && errno == EINTR);
        lookup_unref(lookup);
        return NULL;
}

/* Detached, with every signal blocked: handlers and signalfd belong to the main thread. */
static int lookup_spawn(struct lookup *lookup)
{
        pthread_attr_t attr;
        pthread_t thread;
        sigset_t all;
        sigset_t old;
        int failed = pthread_attr_init(&attr);

        if (failed != 0)
                return failed;
        (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        (void)pthread_attr_setstacksize(&attr, LOOKUP_STACK_BYTES);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        failed = pthread_create(&thread, &attr, lookup_run, lookup);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        (void)pthread_attr_destroy(&attr);
        return failed;
}

static int lookup_begin(struct resolve *self, struct err *err)
{
        AUTO(lookup_unref_p) struct lookup *lookup = MEM_NEW(struct lookup);
        int failed;

        atomic_init(&lookup->refs, 1);
        lookup->host = mem_strdup(self->host);
        memcpy(lookup->port, self->port, sizeof(lookup->port));
        lookup->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (lookup->event_fd == -1)
                return err_sys(err, errno, "resolve '%s': eventfd", self->host);
        atomic_store_explicit(&lookup->refs, 2, memory_order_relaxed);
        failed = lookup_spawn(lookup);
        if (failed != 0) {
                atomic_store_explicit(&lookup->refs, 1, memory_order_relaxed);
                return err_set(err, ERR_NOT_READY, "resolve '%s': start a thread: %s", self->host,
                               strerror(failed));
        }
        self->lookup = TAKE(lookup);
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
        if (!atomic_load_explicit(&self->lookup->done, memory_order_acquire)) {
                op->want.fd = self->lookup->event_fd;
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
        lookup_unref(self->lookup);
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
