// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What is asked through db-lib, which blocks, runs on a thread of its own (base/thread.h). One that was left
 * behind looks for that before each statement, so nothing is ended that nobody waits for.
 *
 * One job at a time: the next one first waits for a thread that was left behind.
 */
#include "base/op.h"
#include "base/thread.h"
#include "hooks/hook.h"
#include "hooks/mssql_link.h"
#include "hooks/mssql_state.h"

#include <stdatomic.h>

/* What a job is given; freed with it, when nobody is in there any more. The giver's struct has it first. */
struct mssql_load {
        void (*free)(struct mssql_load *load);
};

struct mssql_job;
typedef int mssql_job_run(struct mssql_job *job, struct err *err);

struct mssql_job {
        struct thread thread; /* first */
        atomic_bool left;     /* by the operation */
        struct sybdb_library sybdb;
        struct mssql_account account; /* its texts are the copies below */
        char *texts[4];
        enum mssql_failover failover;
        bool plain; /* as mssql_worker_set_plain says */
        struct mono until;
        mssql_job_run *run;
        struct mssql_load *load; /* NULL: none */
        int result;
        struct err err;
        struct mssql_state state;
};

/* On the thread: -1 when the job was left or its time is over. */
int mssql_job_goes_on(const struct mssql_job *job, struct err *err) MUST_CHECK;
int64_t mssql_job_left_ms(const struct mssql_job *job);

/* Runs the jobs of one database. */
struct mssql_worker;

/* Does not connect. ERR_USAGE naming the key. */
int mssql_worker_new(const struct hook_settings *settings, struct mssql_worker **out,
                     struct err *err) MUST_CHECK;
void mssql_worker_free(struct mssql_worker *worker);
/* For jobs from now on: members of the group are without TLS of ours, what they show cannot be verified. */
void mssql_worker_set_plain(struct mssql_worker *worker, bool plain);
/* Told what was learned, on the caller's thread; -1 makes a job fail that came to its end well. */
typedef int mssql_job_ended(void *arg, const struct mssql_state *state, struct err *err);

/*
 * run is called on the thread, ended at the end of the operation when the state is known, also of one that
 * failed. Fails with what they fail with; ERR_NOT_READY when an earlier job hangs.
 */
struct op *mssql_worker_start(struct mssql_worker *worker, mssql_job_run *run, mssql_job_ended *ended,
                              void *arg, int64_t limit_ms);
/* The same with a load, which is its own from here on. */
struct op *mssql_worker_start_with(struct mssql_worker *worker, mssql_job_run *run, mssql_job_ended *ended,
                                   void *arg, struct mssql_load *load, int64_t limit_ms);
