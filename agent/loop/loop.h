// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The event loop: timers, signals, operations. The only users of libevent are the files of this folder.
 * Callbacks run from loop_run, never from the call that asks for them.
 */
#include "base/op.h"

struct event_base;
struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *loop);
AUTO_DEFINE(struct loop, loop_free)
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
struct event_base *loop_base(struct loop *loop);

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

/* Steps an operation (which it owns from here on) to its end, or to ERR_TIMEOUT after limit_ms (< 0: none).
 */
struct loop_op;
typedef void loop_op_fn(enum op_state state, const struct err *err, void *arg); /* OP_DONE or OP_FAILED */
struct loop_op *loop_op_start(struct loop *loop, struct op *op, int64_t limit_ms, loop_op_fn *fn, void *arg);
/* Ends it without a callback; after the callback the handle is gone already. */
void loop_op_cancel(struct loop_op *handle);
