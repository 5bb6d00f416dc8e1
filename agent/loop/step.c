// SPDX-License-Identifier: Apache-2.0
/*
 * Drives operations (base/op.h) from the loop.
 *
 * The trap: an operation may close its descriptor in a step and come back with another that has the same
 * number. The kernel forgot the registration with the old file, libevent did not. So the event is a one-shot:
 * libevent removes it before it calls us, nothing is registered while an operation runs, and every wait is
 * registered anew. That costs two epoll_ctl calls a step, about a microsecond.
 */
#include "loop/loop.h"

#include <event2/event.h>

#include "base/mem.h"

struct loop_op {
        struct event_base *base;
        struct event *event;
        struct op *op;
        int64_t limit_ms;
        struct mono deadline;
        loop_op_fn *fn;
        void *arg;
        bool is_busy;      /* inside the operation's step or the callback */
        bool is_cancelled; /* in there: it is freed when they return */
};

static void handle_free(struct loop_op *handle)
{
        if (handle->event != NULL)
                event_free(handle->event);
        op_free(handle->op);
        mem_free(handle);
}

static void finish(struct loop_op *handle, enum op_state state, const struct err *err)
{
        if (!handle->is_cancelled) {
                handle->is_busy = true;
                handle->fn(state, err, handle->arg);
        }
        handle_free(handle);
}

static void on_ready(evutil_socket_t fd, short what, void *arg);

/* Registers what the operation wants. The event holds nothing at this moment. */
static int wait_for(struct loop_op *handle, struct mono now, struct err *err)
{
        const struct op *op = handle->op;
        const int64_t until =
                op->want.until.ms < handle->deadline.ms ? op->want.until.ms : handle->deadline.ms;
        const int64_t ms = until <= now.ms ? 0 : until - now.ms;
        const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
        const bool is_timed = until != MONO_NEVER.ms;
        short events = 0;

        if (op->want.fd >= 0 && (op->want.events & POLLIN) != 0)
                events = (short)(events | EV_READ);
        if (op->want.fd >= 0 && (op->want.events & POLLOUT) != 0)
                events = (short)(events | EV_WRITE);
        if (events == 0 && !is_timed)
                return err_set(err, ERR_INTERNAL, "%s: waits for nothing", op->type->name);
        if (event_assign(handle->event, handle->base, events == 0 ? -1 : op->want.fd, events, on_ready,
                         handle) == -1 ||
            event_add(handle->event, is_timed ? &tv : NULL) == -1)
                return err_set(err, ERR_INTERNAL, "%s: cannot wait for descriptor %d", op->type->name,
                               op->want.fd);
        return 0;
}

static void on_ready(evutil_socket_t fd UNUSED, short what, void *arg)
{
        struct loop_op *handle = arg;
        struct op *op = handle->op;
        struct mono now = clock_mono();
        struct err err = ERR_INIT;
        short ready = 0;
        enum op_state state;

        if ((what & EV_READ) != 0)
                ready = (short)(ready | POLLIN);
        if ((what & EV_WRITE) != 0)
                ready = (short)(ready | POLLOUT);
        handle->is_busy = true;
        state = op->type->step(op, ready, now, &err);
        handle->is_busy = false;
        if (state == OP_WAIT && !handle->is_cancelled) {
                now = clock_mono();
                if (now.ms >= handle->deadline.ms) {
                        err_set_(&err, ERR_TIMEOUT, "%s: no result within %lld ms", op->type->name,
                                 (long long)handle->limit_ms);
                        state = OP_FAILED;
                } else if (wait_for(handle, now, &err)) {
                        state = OP_FAILED;
                }
        }
        if (state != OP_WAIT || handle->is_cancelled)
                finish(handle, state, &err);
}

struct loop_op *loop_op_start(struct loop *loop, struct op *op, int64_t limit_ms, loop_op_fn *fn, void *arg)
{
        struct loop_op *handle = MEM_NEW(struct loop_op);
        const struct timeval at_once = { 0, 0 };

        handle->base = loop_base(loop);
        handle->op = op;
        handle->limit_ms = limit_ms;
        handle->deadline = limit_ms < 0 ? MONO_NEVER : clock_after(clock_mono(), limit_ms);
        handle->fn = fn;
        handle->arg = arg;
        handle->event = event_new(handle->base, -1, 0, on_ready, handle);
        loop_need(handle->event != NULL && event_add(handle->event, &at_once) == 0, "operation");
        return handle;
}

void loop_op_cancel(struct loop_op *handle)
{
        if (handle == NULL)
                return;
        if (handle->is_busy)
                handle->is_cancelled = true;
        else
                handle_free(handle);
}
