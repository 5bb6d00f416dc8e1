// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * How many descriptors does this process have? Compared before and after, a leak shows.
 */
#include "base/auto.h"

#include <dirent.h>

static inline UNUSED int testfds_count(void)
{
        DIR *dir = opendir("/proc/self/fd");
        int n = 0;

        while (readdir(dir) != NULL)
                n++;
        (void)closedir(dir);
        return n;
}
