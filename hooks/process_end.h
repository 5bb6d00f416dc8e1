// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Ends a database's process gracefully, by command or by signal; its supervisor starts it again.
 */
#include "hooks/hook.h"

/*
 * settings and environment (may be NULL) are borrowed until the operation is freed. A signal: done when the
 * process is gone. The limit is that of the settings, if that is less. NULL when process_end_is_told is
 * false.
 *
 * What exec_start and process_signal fail with.
 */
struct op *process_end_start(const struct process_settings *settings, const char *const *environment,
                             int64_t limit_ms);
/* A command or a program is set. */
bool process_end_is_told(const struct process_settings *settings);
