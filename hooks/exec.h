// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A command as an argument vector: no shell, its own process group, nothing inherited but what is named.
 */
#include "base/op.h"

#include <stdbool.h>

struct exec_request {
        const char *const *argv;    /* NULL-terminated; argv[0] is looked up in PATH when it has no slash */
        const char *const *environ; /* "NAME=value", NULL-terminated: added to PATH and LANG */
        int64_t limit_ms;           /* then SIGTERM to the whole group, soon after SIGKILL */
};

#define EXEC_ENVIRON_MAX 8

/*
 * Done when the process itself ended with status 0; what it left running in the background is left alone.
 * The request's strings are borrowed until the operation is freed; freeing it kills the whole group.
 *
 * ERR_USAGE   cannot be started
 * ERR_ENGINE  ended with another status or by a signal; the text ends in its last line of output
 * ERR_TIMEOUT
 */
struct op *exec_start(const struct exec_request *request);
