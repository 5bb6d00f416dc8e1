// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One logged-in connection to a SQL Server, through FreeTDS' db-lib. Every call blocks within its limit, so
 * it belongs on a worker thread (mssql_job.h), one at a time in the process: db-lib's settings are global.
 *
 * The connection is always encrypted. On loopback the server's certificate is not verified: an expired or
 * foreign one is what the agent has to repair, and must not lock it out. Elsewhere it must verify against the
 * published authorities and name the host, unless there are none that it could be verified against.
 */
#include "hooks/mssql_error.h"
#include "hooks/sybdb_library.h"

#include <stdint.h>

#define MSSQL_TEXT_MAX    512 /* of one value; longer ones are cut */
#define MSSQL_COLUMNS_MAX 8

struct mssql_link;

struct mssql_account {
        const struct sybdb_library *sybdb;
        const char *host;
        int port;
        const char *user;
        const char *password_file; /* NULL: an empty password */
        const char *authorities;   /* file to verify against, beyond loopback; NULL: nobody is verified */
};

struct mssql_query {
        const char *sql;
        const char *name;    /* for people; NULL: sql */
        const char *right;   /* that it needs */
        enum err_kind other; /* of errors without a meaning of their own */
        /* For each row of the first result; values are NULL where the column is. NULL: rows are not looked
         * at. */
        void (*row)(void *arg, const char *const *values, int n);
        void *arg;
};

/* "127.0.0.1", "::1", "localhost", … */
bool mssql_link_is_loopback(const char *host);
/* ERR_NOT_READY, ERR_AUTH (also for the password file), ERR_TIMEOUT. */
int mssql_link_open(const struct mssql_account *account, int64_t limit_ms, struct mssql_link **out,
                    struct err *err) MUST_CHECK;
void mssql_link_free(struct mssql_link *link);
AUTO_DEFINE(struct mssql_link, mssql_link_free)
/* ERR_PRIVILEGE, ERR_NETWORK, ERR_TIMEOUT, what `other` says. */
int mssql_link_run(struct mssql_link *link, const struct mssql_query *query, struct err *err) MUST_CHECK;
/*
 * SHUTDOWN, then waits up to limit_ms for the end of the connection, which is the end of the server. A
 * replica of an availability group that is its primary by then goes on: ERR_NOT_READY.
 */
int mssql_link_shut_down(struct mssql_link *link, bool is_replica, int64_t limit_ms,
                         struct err *err) MUST_CHECK;
