// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * memory.memorylimitmb is the one setting of mssql.conf that a SQL Server shows when it runs: as
 * physical_memory_kb of sys.dm_os_sys_info. Machine and container may allow less than a file asks for, so
 * that only more than that says that the file was not read.
 */
#include "hooks/hook.h"
#include "hooks/mssql_job.h"

/* In MB, the last in the order of the files; 0: none, or no number. Pure. */
int64_t mssql_memory_asked(const struct custom_text *files, size_t n);
/* For a job: into job->state, 0 KB when the login may not see it. Fails as mssql_ask_state does. */
int mssql_memory_ask(struct mssql_job *job, struct err *err) MUST_CHECK;
/* ERR_MISMATCH: more is in force. Pure. */
int mssql_memory_judge(int64_t asked_mb, const struct mssql_state *state, struct err *err) MUST_CHECK;
