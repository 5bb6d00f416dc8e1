// SPDX-License-Identifier: Apache-2.0
/*
 * The event loop itself and its timers, on libevent over epoll.
 *
 * Three settings carry the promises. No cached time: a timer set after a callback that took 5 ms (an fsync)
 * would otherwise fire 5 ms early. Precise timers: the default clock is the coarse one, late by up to 4 ms,
 * which is as long as a whole reload. No other method than epoll, so that what was measured is what runs.
 * libevent's own signal handling stays unused (signals.c).
 */
#include "loop/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

/* Longest sleep of one timer; far beyond any configured time, far below what overflows. */
#define TIMER_MAX_MS (INT64_C(3650) * 24 * 3600 * 1000)

struct loop {
        struct event_base *base;
        bool stopped; /* libevent forgets a break that was asked for before it runs */
};

struct loop_timer {
        struct event *event;
        loop_fn *fn;
        void *arg;
};

/* libevent's constructors fail only for want of memory or descriptors at start; see base/mem.h. */
void loop_need(bool ok, const char *what)
{
        if (ok)
                return;
        log_error("event_loop_unavailable", LOG_S("what", what), LOG_I("errno", errno));
        abort();
}

static void log_libevent(int severity, const char *msg)
{
        LOG_EVENT(severity >= EVENT_LOG_ERR ? LOG_ERROR : LOG_WARN, "event_loop_complained",
                  LOG_S("message", msg));
}

struct loop *loop_new(void)
{
        struct event_config *config = event_config_new();
        struct loop *loop = MEM_NEW(struct loop);

        event_set_log_callback(log_libevent);
        loop_need(config != NULL, "configuration");
        (void)event_config_avoid_method(config, "select");
        (void)event_config_avoid_method(config, "poll");
        (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV |
                                                    EVENT_BASE_FLAG_NO_CACHE_TIME |
                                                    EVENT_BASE_FLAG_PRECISE_TIMER);
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
        loop_need(loop->base != NULL, "epoll");
        return loop;
}

void loop_free(struct loop *loop)
{
        if (loop == NULL)
                return;
        event_base_free(loop->base);
        mem_free(loop);
}

void loop_run(struct loop *loop)
{
        while (!loop->stopped) {
                if (event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) == -1) {
                        log_error("event_loop_failed",
                                  LOG_S("error", "the kernel refused to wait for events"));
                        break;
                }
        }
        loop->stopped = false;
}

void loop_stop(struct loop *loop)
{
        loop->stopped = true;
        (void)event_base_loopbreak(loop->base);
}

struct event_base *loop_base(struct loop *loop)
{
        return loop->base;
}

static void fire(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
        const struct loop_timer *timer = arg;

        /* The callback may free the timer: nothing is touched behind it. */
        timer->fn(timer->arg);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *arg)
{
        struct loop_timer *timer = MEM_NEW(struct loop_timer);

        timer->fn = fn;
        timer->arg = arg;
        timer->event = evtimer_new(loop->base, fire, timer);
        loop_need(timer->event != NULL, "timer");
        return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
        const int64_t wait = ms < 0 ? 0 : ms > TIMER_MAX_MS ? TIMER_MAX_MS : ms;
        const struct timeval tv = { .tv_sec = wait / 1000, .tv_usec = (wait % 1000) * 1000 };

        /* Not event_active() for 0: a timer that sets itself again would starve the descriptors. */
        if (evtimer_add(timer->event, &tv) == -1)
                log_error("timer_failed", LOG_I("ms", ms));
}

void loop_timer_clear(struct loop_timer *timer)
{
        (void)evtimer_del(timer->event);
}

void loop_timer_free(struct loop_timer *timer)
{
        if (timer == NULL)
                return;
        event_free(timer->event);
        mem_free(timer);
}
