// SPDX-License-Identifier: Apache-2.0
/*
 * Detached, counted, waited for through a descriptor.
 */
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void *run(void *arg)
{
        struct thread *thread = arg;
        const uint64_t one = 1;
        ssize_t n;

        thread->run(thread);
        atomic_store_explicit(&thread->done, true, memory_order_release);
        do
                n = write(thread->event_fd, &one, sizeof(one));
        while (n == -1 && errno == EINTR);
        thread_unref(thread);
        return NULL;
}

static int spawn(struct thread *thread, size_t stack_bytes)
{
        pthread_attr_t attr;
        pthread_t id;
        sigset_t all;
        sigset_t old;
        int failed = pthread_attr_init(&attr);

        if (failed != 0)
                return failed;
        (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        (void)pthread_attr_setstacksize(&attr, stack_bytes);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, &old);
        failed = pthread_create(&id, &attr, run, thread);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        (void)pthread_attr_destroy(&attr);
        return failed;
}

int thread_start(struct thread *thread, size_t stack_bytes, struct err *err)
{
        int failed;

        thread->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (thread->event_fd == -1)
                return err_sys(err, errno, "eventfd");
        atomic_init(&thread->done, false);
        atomic_init(&thread->refs, 2);
        failed = spawn(thread, stack_bytes);
        if (failed == 0)
                return 0;
        (void)close(thread->event_fd);
        return err_set(err, ERR_NOT_READY, "start a thread: %s", strerror(failed));
}

void thread_ref(struct thread *thread)
{
        atomic_fetch_add_explicit(&thread->refs, 1, memory_order_relaxed);
}

void thread_unref(struct thread *thread)
{
        if (thread == NULL || atomic_fetch_sub_explicit(&thread->refs, 1, memory_order_acq_rel) != 1)
                return;
        (void)close(thread->event_fd);
        thread->free(thread);
}

bool thread_is_done(const struct thread *thread)
{
        return atomic_load_explicit(&thread->done, memory_order_acquire);
}
