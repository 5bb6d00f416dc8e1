// SPDX-License-Identifier: Apache-2.0
#include "kube/micro_time.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

const char *kube_micro_time(int64_t us, char out[static KUBE_MICRO_TIME_MAX])
{
        char seconds[CLOCK_TEXT_MAX];

        (void)clock_format((struct wall){ us / 1000000 }, seconds);
        (void)snprintf(out, KUBE_MICRO_TIME_MAX, "%.*s.%06dZ", (int)strcspn(seconds, "Z"), seconds,
                       (int)(us % 1000000));
        return out;
}
