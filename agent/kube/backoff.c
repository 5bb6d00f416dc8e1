// SPDX-License-Identifier: Apache-2.0
#include "kube/backoff.h"

#include <stdlib.h>
#include <sys/random.h>

#define ASKED_MAX_MS INT64_C(600000)

int64_t kube_random(int64_t low, int64_t high)
{
        uint64_t bits = 0;

        if (high <= low || getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
                return low;
        return low + (int64_t)(bits % (uint64_t)(high - low + 1));
}

int64_t kube_backoff_next(struct kube_backoff *backoff, int64_t asked_ms)
{
        int64_t pause = backoff->min_ms;
        int64_t asked = asked_ms > ASKED_MAX_MS ? ASKED_MAX_MS : asked_ms;

        for (int i = 0; i < backoff->tries && pause < backoff->max_ms; i++)
                pause *= 2;
        if (pause > backoff->max_ms)
                pause = backoff->max_ms;
        backoff->tries++;
        if (asked > 0)
                return asked + kube_random(0, pause);
        return kube_random(pause / 2, pause);
}

void kube_backoff_reset(struct kube_backoff *backoff)
{
        backoff->tries = 0;
}
