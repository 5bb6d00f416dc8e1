// SPDX-License-Identifier: Apache-2.0
#include "cli/process.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void process_guard_memory(void)
{
        const struct rlimit none = { 0, 0 };

        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        (void)setrlimit(RLIMIT_CORE, &none);
}

void process_ignore_pipes(void)
{
        const struct sigaction ignore = { .sa_handler = SIG_IGN };

        (void)sigaction(SIGPIPE, &ignore, NULL);
}

enum log_format process_log_format(const char *word)
{
        if (word == NULL || strcmp(word, "auto") == 0)
                return isatty(STDERR_FILENO) == 1 ? LOG_TEXT : LOG_JSON;
        return strcmp(word, "text") == 0 ? LOG_TEXT : LOG_JSON;
}
