// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * For calls that only know how to block (getaddrinfo, db-lib): a detached thread of their own, which tells
 * its end through an eventfd. A caller that loses interest leaves the thread behind: what both touch is one
 * counted block, freed by whoever lets go last.
 *
 *   struct lookup { struct thread thread; … };    the block embeds it first
 */
#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct thread {
        void (*run)(struct thread *thread);  /* on the thread */
        void (*free)(struct thread *thread); /* the whole block */
        atomic_int refs;
        atomic_bool done; /* what run wrote may be read */
        int event_fd; /* readable when done; closed with the block, so the thread never writes elsewhere */
};

/*
 * Starts it; the caller holds one reference, the thread another. With every signal blocked: handlers and
 * signalfd belong to the main thread. On failure the block is the caller's alone, to be freed as it was made.
 *
 * ERR_NOT_READY no thread to be had; ERR_IO no descriptor.
 */
int thread_start(struct thread *thread, size_t stack_bytes, struct err *err) MUST_CHECK;
void thread_ref(struct thread *thread);
void thread_unref(struct thread *thread);
bool thread_is_done(const struct thread *thread);
