// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The jobs of the agent at a SQL Server. They run on the thread of a job and leave what they learned in
 * job->state.
 */
#include "hooks/mssql_job.h"

/* For jobs with statements of their own: the login, within the time of the job; and what the next asks. */
int mssql_ask_open(struct mssql_job *job, struct mssql_link **out, struct err *err) MUST_CHECK;
int mssql_ask_on(struct mssql_job *job, struct mssql_link *link, struct err *err) MUST_CHECK;
/* Only asks. ERR_UNHEALTHY when it refuses to say, and what a connection fails with. */
int mssql_ask_state(struct mssql_job *job, struct err *err) MUST_CHECK;
/*
 * Makes sure that nothing hangs on it: the primary of an availability group with a synchronized secondary
 * hands over (mssql.failover: auto), or is not to be ended (ERR_NOT_READY with what to do).
 */
int mssql_ask_yield(struct mssql_job *job, struct err *err) MUST_CHECK;
/* The same, then SHUTDOWN. */
int mssql_ask_end(struct mssql_job *job, struct err *err) MUST_CHECK;
