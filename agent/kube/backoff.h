// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Pauses between tries: doubling, with jitter, so that a thousand agents that lost the same server do not
 * come back in the same second.
 */
#include <stdint.h>

struct kube_backoff {
        int64_t min_ms;
        int64_t max_ms;
        int tries; /* since the last success */
};

/*
 * Between half and the whole of min * 2^tries, at most max. With asked_ms (Retry-After, believed up to ten
 * minutes) that, and up to a whole pause on top. Counts the try.
 */
int64_t kube_backoff_next(struct kube_backoff *backoff, int64_t asked_ms);
void kube_backoff_reset(struct kube_backoff *backoff);
/* Uniform in [low, high]. */
int64_t kube_random(int64_t low, int64_t high);
