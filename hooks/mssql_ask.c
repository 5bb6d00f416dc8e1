// SPDX-License-Identifier: Apache-2.0
/*
 * Each view is asked by itself and joined here: what a login may not see then fails with the name of the
 * right.
 */
#include "hooks/mssql_ask.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"

#define GROUPS_MAX    16 /* handed over one after the other */
#define LOGIN_MAX_MS  15000
#define ROLE_PAUSE_MS 200

static const struct mssql_query server_question = {
        .sql = "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(60)), "
               "CAST(SERVERPROPERTY('IsHadrEnabled') AS int)",
        .name = "SELECT SERVERPROPERTY",
        .row = mssql_state_take_server,
};

/* After it was known whether there are groups; their order matters: a replica has to be known first. */
static const struct mssql_query questions[] = {
        { .sql = "SELECT name, state_desc FROM sys.databases", .row = mssql_state_take_database },
        { .sql = "SELECT CAST(replica_id AS nvarchar(36)), CAST(group_id AS nvarchar(36)), "
                 "replica_server_name, "
                 "endpoint_url, read_only_routing_url, availability_mode_desc FROM sys.availability_replicas",
          .name = "SELECT FROM sys.availability_replicas",
          .row = mssql_state_take_replica },
        { .sql = "SELECT CAST(group_id AS nvarchar(36)), name FROM sys.availability_groups",
          .row = mssql_state_take_group },
        { .sql = "SELECT CAST(replica_id AS nvarchar(36)), CAST(is_local AS int), role_desc, "
                 "connected_state_desc FROM sys.dm_hadr_availability_replica_states",
          .name = "SELECT FROM sys.dm_hadr_availability_replica_states",
          .right = "VIEW SERVER STATE",
          .row = mssql_state_take_role },
        { .sql = "SELECT CAST(replica_id AS nvarchar(36)), synchronization_state_desc "
                 "FROM sys.dm_hadr_database_replica_states",
          .name = "SELECT FROM sys.dm_hadr_database_replica_states",
          .right = "VIEW SERVER STATE",
          .row = mssql_state_take_synchronization },
};

static int ask_one(struct mssql_job *job, struct mssql_link *link, const struct mssql_query *question,
                   struct err *err)
{
        struct mssql_query query = *question;

        query.arg = &job->state;
        query.other = ERR_UNHEALTHY;
        if (mssql_job_goes_on(job, err) == -1)
                return -1;
        return mssql_link_run(link, &query, err);
}

int mssql_ask_on(struct mssql_job *job, struct mssql_link *link, struct err *err)
{
        memset(&job->state, 0, sizeof(job->state));
        if (ask_one(job, link, &server_question, err) == -1)
                return -1;
        for (size_t i = 0; i < (job->state.grouped ? ARRAY_LEN(questions) : 1); i++)
                if (ask_one(job, link, &questions[i], err) == -1)
                        return -1;
        job->state.known = true;
        return 0;
}

static int64_t login_limit(const struct mssql_job *job)
{
        int64_t left = mssql_job_left_ms(job);

        return left < LOGIN_MAX_MS ? left : LOGIN_MAX_MS;
}

int mssql_ask_open(struct mssql_job *job, struct mssql_link **out, struct err *err)
{
        return mssql_link_open(&job->account, login_limit(job), out, err);
}

int mssql_ask_state(struct mssql_job *job, struct err *err)
{
        AUTO(mssql_link_free_p) struct mssql_link *link = NULL;

        if (mssql_ask_open(job, &link, err) == -1)
                return -1;
        return mssql_ask_on(job, link, err);
}

/* ALTER AVAILABILITY GROUP [name] FAILOVER, with the name quoted. */
static char *failover_text(const char *group)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(1024);

        buf_add_str(&text, "ALTER AVAILABILITY GROUP [");
        for (; *group != '\0'; group++) {
                if (*group == ']')
                        buf_add_char(&text, ']');
                buf_add_char(&text, *group);
        }
        buf_add_str(&text, "] FAILOVER");
        return buf_take(&text);
}

static void rest(int64_t ms)
{
        const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000 };

        (void)nanosleep(&time, NULL);
}

/* Is told on the one that takes over; the present primary then becomes a secondary by itself. */
static int take_over(struct mssql_job *job, const struct mssql_replica *successor, struct err *err)
{
        AUTO(mssql_link_free_p) struct mssql_link *link = NULL;
        AUTO(mem_free_p) char *sql = failover_text(successor->group);
        const struct mssql_query manage = {
                .sql = "EXEC sp_set_session_context @key = N'external_cluster', @value = N'yes'",
                .name = "sp_set_session_context",
                .other = ERR_NOT_READY,
        };
        const struct mssql_query query = { .sql = sql,
                                           .right = "ALTER ANY AVAILABILITY GROUP",
                                           .other = ERR_NOT_READY };
        struct mssql_account account = job->account;

        if (successor->host[0] == '\0')
                return err_set(
                        err, ERR_NOT_READY,
                        "the address of replica '%.100s' cannot be read from its URLs: fail over by hand",
                        successor->name);
        account.host = successor->host;
        account.port = successor->port != 0 ? successor->port : job->account.port;
        if (job->plain)
                account.authorities = NULL;
        if (mssql_link_open(&account, login_limit(job), &link, err) == -1 ||
            mssql_job_goes_on(job, err) == -1 ||
            (job->failover == MSSQL_FAILOVER_EXTERNAL && mssql_link_run(link, &manage, err) == -1) ||
            mssql_link_run(link, &query, err) == -1)
                return err_wrap(err, "fail over to '%.60s'", successor->name);
        return 0;
}

static int hand_over(struct mssql_job *job, struct mssql_link *link, const struct mssql_replica *to,
                     struct err *err)
{
        const struct mssql_replica successor = *to; /* the state is asked for anew below */

        if (job->failover == MSSQL_FAILOVER_REFUSE) {
                AUTO(mem_free_p) char *sql = failover_text(successor.group);

                return err_set(
                        err, ERR_NOT_READY,
                        "this is the primary of an availability group: fail over first: %.160s on '%.60s', "
                        "which is synchronized, or as its cluster manager does; or set mssql.failover",
                        sql, successor.name);
        }
        if (take_over(job, &successor, err) == -1)
                return -1;
        do {
                rest(ROLE_PAUSE_MS);
                if (mssql_ask_on(job, link, err) == -1)
                        return -1;
        } while (!mssql_state_follows(&job->state, successor.group_id));
        return 0;
}

static int yield_lead(struct mssql_job *job, struct mssql_link *link, struct err *err)
{
        const struct mssql_replica *successor = NULL;

        if (mssql_ask_on(job, link, err) == -1)
                return -1;
        for (int i = 0; i < GROUPS_MAX; i++) {
                if (mssql_state_successor(&job->state, &successor, err) == -1)
                        return -1;
                if (successor == NULL)
                        return 0;
                if (hand_over(job, link, successor, err) == -1)
                        return -1;
        }
        return err_set(err, ERR_NOT_READY, "it is still the primary of an availability group");
}

int mssql_ask_yield(struct mssql_job *job, struct err *err)
{
        AUTO(mssql_link_free_p) struct mssql_link *link = NULL;

        if (mssql_ask_open(job, &link, err) == -1)
                return -1;
        return yield_lead(job, link, err);
}

int mssql_ask_end(struct mssql_job *job, struct err *err)
{
        AUTO(mssql_link_free_p) struct mssql_link *link = NULL;

        if (mssql_ask_open(job, &link, err) == -1 || yield_lead(job, link, err) == -1 ||
            mssql_job_goes_on(job, err) == -1)
                return -1;
        return mssql_link_shut_down(link, job->state.grouped, mssql_job_left_ms(job), err);
}
