// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Ends a SQL Server gracefully; its supervisor starts it again. A primary first hands over (mssql_ask.h).
 * Then SHUTDOWN, or what the `process` section says.
 */
#include "hooks/mssql_job.h"

/*
 * Without a login (neither admin.password-file nor a way to end it by SHUTDOWN) nothing is asked: for servers
 * that FreeTDS cannot reach, as those that take TDS 8.0 only.
 */
bool mssql_end_asks(const struct hook_settings *settings);
/* ended is called as in mssql_worker_start. */
struct op *mssql_end_start(struct mssql_worker *worker, const struct hook_settings *settings,
                           mssql_job_ended *ended, void *arg, int64_t limit_ms);
