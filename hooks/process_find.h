// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Which program a process runs, by /proc/<pid>/exe, and which process runs a program.
 */
#include "base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define PROCESS_PID_MAX      (1 << 22)       /* the kernel's own limit */
#define PROCESS_PROGRAM_SIZE (PATH_MAX + 16) /* the kernel may add " (deleted)" */

/*
 * The path of its program. ERR_PRIVILEGE: may not look at it; ERR_NOT_READY: it is ending, or has none.
 */
int process_program(pid_t pid, char path[static PROCESS_PROGRAM_SIZE], struct err *err) MUST_CHECK;
/* executable: a path, or a name without a slash */
bool process_is_program(const char *path, const char *executable);
/*
 * The one process that runs it; of a parent and its children the parent. In a pod that shares its process
 * namespace these are the processes of all its containers, otherwise those of this container or machine.
 *
 * ERR_NOT_READY  there is none (yet)
 * ERR_PRIVILEGE  there is one by its name, which may not be looked at
 * ERR_USAGE      there are several
 */
int process_find(const char *executable, pid_t *out, struct err *err) MUST_CHECK;
