// SPDX-License-Identifier: Apache-2.0
/*
 * Signals as reads of a signalfd: no handler runs between two instructions, and nothing is async-signal-safe
 * by care alone. Children must get an empty mask back before they are executed (posix_spawn attributes).
 */
#include "loop/loop.h"

#include <event2/event.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/log.h"
#include "base/mem.h"

struct loop_signal {
        int fd;
        struct event *event;
        loop_signal_fn *fn;
        void *arg;
};

static void take_one(evutil_socket_t fd, short what UNUSED, void *arg)
{
        const struct loop_signal *signal = arg;
        struct signalfd_siginfo info;

        /* One a turn: the callback may free this object, and the descriptor stays readable while more wait.
         */
        if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
                signal->fn((int)info.ssi_signo, signal->arg);
}

struct loop_signal *loop_signal_new(struct loop *loop, const int *signos, size_t n, loop_signal_fn *fn,
                                    void *arg)
{
        struct loop_signal *signal = MEM_NEW(struct loop_signal);
        sigset_t set;

        (void)sigemptyset(&set);
        for (size_t i = 0; i < n; i++)
                loop_need(sigaddset(&set, signos[i]) == 0, "signal number");
        loop_need(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "signal mask");
        signal->fn = fn;
        signal->arg = arg;
        signal->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        loop_need(signal->fd != -1, "signalfd");
        signal->event = event_new(loop_base(loop), signal->fd, EV_READ | EV_PERSIST, take_one, signal);
        loop_need(signal->event != NULL && event_add(signal->event, NULL) == 0, "signal event");
        return signal;
}

void loop_signal_free(struct loop_signal *signal)
{
        if (signal == NULL)
                return;
        event_free(signal->event);
        (void)close(signal->fd);
        mem_free(signal);
}
