// SPDX-License-Identifier: Apache-2.0
/*
 * Counting durations into fixed buckets. Each bucket counts its own range; metrics.c adds them up.
 */
#include "serve/status.h"

static const int64_t bounds_ms[STATUS_BUCKETS - 1] = { 1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000, 30000 };

void histogram_add(struct histogram *histogram, int64_t us)
{
        size_t i = 0;

        if (us < 0) /* a clock was set back */
                us = 0;
        while (i < STATUS_BUCKETS - 1 && us > bounds_ms[i] * 1000)
                i++;
        histogram->counts[i]++;
        histogram->n++;
        if (__builtin_add_overflow(histogram->sum_us, us, &histogram->sum_us))
                histogram->sum_us = INT64_MAX;
}
