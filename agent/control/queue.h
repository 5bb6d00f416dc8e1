// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What is to be looked at next: each key once, however often it was asked for; a key in work is not handed
 * out a second time, and looked at again afterwards when it was asked for meanwhile. Per key a back-off that
 * doubles with each failure; for all together a token bucket. Pure but for memory: time is given.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct queue;
struct queue_limits {
        int64_t backoff_min_ms, backoff_max_ms; /* of one key, after failures in a row */
        int rate_per_s, burst;                  /* of all keys handed out; rate 0: no limit */
        size_t workers;                         /* keys in work at one time */
};
struct queue *queue_new(const struct queue_limits *limits);
void queue_free(struct queue *queue);
AUTO_DEFINE(struct queue, queue_free)
/* To be looked at, now or at `at` when nothing else asks for it before; the earliest counts. */
void queue_add(struct queue *queue, const char *key, struct mono now);
void queue_add_at(struct queue *queue, const char *key, struct mono at);
/* The next key, in work from now on; NULL: nothing is due, or the bucket is empty: *wake says when something
 * may be (MONO_NEVER: when somebody adds, or is done). Valid until queue_done. */
const char *queue_take(struct queue *queue, struct mono now, struct mono *wake);
/* It was looked at. failed: it comes again after its back-off, or when it is asked for before. A key that is
 * not in work is ignored. */
void queue_done(struct queue *queue, const char *key, bool failed, struct mono now);
/* Due and waiting for a worker, as of the last time that was given. */
size_t queue_depth(const struct queue *queue);
size_t queue_working(const struct queue *queue);
