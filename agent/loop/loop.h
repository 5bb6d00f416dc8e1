// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The event loop: timers, signals, operations. The only users of libevent are the files of this folder.
 * Callbacks run from loop_run, never from the call that asks for them.
 */
#include "base/op.h"

#include <stdbool.h>

struct event_base;
struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *loop);
AUTO_DEFINE(struct loop, loop_free)
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* For the files of this folder. */
struct event_base *loop_base(struct loop *loop);
void loop_need(bool ok, const char *what); /* aborts with one line unless ok */

typedef void loop_fn(void *arg);

struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg);
/* Once, ms from now (0: as soon as possible); set again replaces it. */
void loop_timer_set(struct loop_timer *timer, int64_t ms);
void loop_timer_clear(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);
AUTO_DEFINE(struct loop_timer, loop_timer_free)

/* Signals as one more descriptor (signalfd). The signal is blocked for the whole process from here on. */
struct loop_signal;
typedef void loop_signal_fn(int signo, void *arg);
struct loop_signal *loop_signal_new(struct loop *loop, const int *signos, size_t n, loop_signal_fn *fn,
                                    void *arg);
void loop_signal_free(struct loop_signal *signal);
AUTO_DEFINE(struct loop_signal, loop_signal_free)

/*
 * Steps an operation (which it owns from here on) to its end, or to ERR_TIMEOUT after limit_ms (< 0: none).
 * The first step is made from the loop too. The operation lives until the callback returns, so that its
 * results can be read in there; then it and the handle are gone. All handles end before the loop does.
 */
struct loop_op;
typedef void loop_op_fn(enum op_state state, const struct err *err, void *arg); /* OP_DONE or OP_FAILED */
struct loop_op *loop_op_start(struct loop *loop, struct op *op, int64_t limit_ms, loop_op_fn *fn, void *arg);
/* Ends it without a callback; NULL and the running callback's own handle are fine. */
void loop_op_cancel(struct loop_op *handle);
