// SPDX-License-Identifier: Apache-2.0
/*
 * The choice between the two ways; both are operations of their own.
 */
#include "hooks/process_end.h"

#include "hooks/exec.h"
#include "hooks/process.h"

#include <signal.h>

bool process_end_is_told(const struct process_settings *settings)
{
        return settings->command != NULL || settings->executable != NULL;
}

struct op *process_end_start(const struct process_settings *settings, const char *const *environment,
                             int64_t limit_ms)
{
        if (settings->limit_ms > 0 && settings->limit_ms < limit_ms)
                limit_ms = settings->limit_ms;
        if (settings->command != NULL)
                return exec_start(&(struct exec_request){
                        .argv = settings->command, .environ = environment, .limit_ms = limit_ms });
        if (!process_end_is_told(settings))
                return NULL;
        return process_signal(&(struct process_request){
                .pid_file = settings->pid_file,
                .executable = settings->executable,
                .signo = settings->signal == 0 ? SIGTERM : settings->signal,
                .until_gone = true,
                .limit_ms = limit_ms,
        });
}
