// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A signal to the process that a pid file names, after making sure that it is the program expected; or to the
 * one process that is that program.
 */
#include "base/op.h"

#include <stdbool.h>

struct process_request {
        const char *pid_file;   /* NULL: it is looked for (process_find.h) */
        const char *executable; /* its path, or its name without a slash */
        int signo;
        bool until_gone; /* done when the process has ended; otherwise as soon as the signal is sent */
        int64_t limit_ms;
};

/*
 * The request's strings are borrowed until the operation is freed.
 *
 * ERR_NOT_READY  no pid file, or no such process (yet)
 * ERR_PARSE      the pid file holds no number
 * ERR_ENGINE     another program has that number
 * ERR_PRIVILEGE  may not look at it, or may not signal it
 * ERR_USAGE      without a pid file: several are that program
 * ERR_TIMEOUT    until_gone only
 */
struct op *process_signal(const struct process_request *request);
