// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * An operation in flight: a handshake, a statement, a command. It never blocks and knows no event loop; it
 * says what it waits for (one descriptor or a time) and is stepped when that happened. The agent steps it
 * from its event loop, a command-line tool from poll(2), a test from anything.
 *
 * An operation that waits for several descriptors waits for one epoll descriptor that holds them.
 *
 *   struct probe { struct op op; … };    the concrete type embeds it and finds itself by CONTAINER_OF
 */
#include "base/clock.h"
#include "base/err.h"

#include <poll.h>

enum op_state { OP_WAIT, OP_DONE, OP_FAILED };

struct op;

struct op_type {
        const char *name; /* for messages: "reload", "handshake" */
        /*
         * Moves on as far as possible without blocking. `ready` holds the poll(2) events seen on want.fd, 0
         * at the first call and when the time came. Returns OP_WAIT with op->want filled, OP_DONE, or
         * OP_FAILED with err filled; after the last two it is not stepped again.
         */
        enum op_state (*step)(struct op *op, short ready, struct mono now, struct err *err);
        /* Ends it at any moment: closes, kills, frees. */
        void (*free)(struct op *op);
};

struct op {
        const struct op_type *type;
        struct {
                int fd;            /* -1: only the time */
                short events;      /* POLLIN | POLLOUT */
                struct mono until; /* step at this time in any case; MONO_NEVER: no limit of its own */
        } want;
};

static inline UNUSED void op_free(struct op *op)
{
        if (op != NULL)
                op->type->free(op);
}
AUTO_DEFINE(struct op, op_free)

/* Steps it to its end with poll(2); ERR_TIMEOUT naming the operation when `limit_ms` passes. For tools and
 * tests. */
int op_run(struct op *op, int64_t limit_ms, struct err *err) MUST_CHECK;
