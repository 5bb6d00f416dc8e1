// SPDX-License-Identifier: Apache-2.0
/*
 * The test-only kill switch.
 */
#include "rotate/breakpoint.h"

#ifdef CERTROTATE_BREAKPOINTS

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void breakpoint_reached(const char *step, bool rolling_back)
{
        const char *wanted = getenv("CERTROTATE_BREAKPOINT");
        char here[64];

        (void)snprintf(here, sizeof(here), "%s%s", rolling_back ? "rollback:" : "", step);
        if (wanted != NULL && strcmp(wanted, here) == 0)
                (void)raise(SIGKILL);
}

#else

typedef int breakpoint_unused; /* ISO C wants something in a file */

#endif
