// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What holds for the whole process of those commands that run for long.
 */
#include "base/log.h"

/* Keys are in memory: no core dump, no debugger of the same user. */
void process_guard_memory(void);
/* A reader of the log, or a peer, that goes away costs a line or a connection, never the process. */
void process_ignore_pipes(void);
/* "auto" (and NULL) is text on a terminal. */
enum log_format process_log_format(const char *word);
