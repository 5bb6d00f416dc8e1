// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One connection to a MariaDB server through libmariadb's non-blocking calls, kept open between statements:
 * an administrator's connection that was opened before a certificate expired goes on working afterwards, and
 * the way from a new Secret to the reload saves the login.
 *
 * A kept connection that turns out dead is opened again once, unseen by the caller. The process must ignore
 * SIGPIPE: OpenSSL writes to sockets without MSG_NOSIGNAL.
 *
 * Only one statement at a time (asserted).
 */
#include "base/op.h"
#include "hooks/hook.h"

struct mariadb_session;

/* values hold n strings, NULL for SQL's NULL; valid during the call. */
typedef void mariadb_row_fn(void *arg, const char *const *values, unsigned n);

struct mariadb_statement {
        const char *sql;     /* constant text: it must outlive the session */
        const char *right;   /* what it needs, for the message: "RELOAD"; NULL: nothing special */
        mariadb_row_fn *row; /* NULL: rows are dropped */
        void *arg;
        bool ends_server; /* SHUTDOWN: done when the server has closed the connection */
};

/*
 * ERR_USAGE naming the key. settings and publish are borrowed. rights: all that the agent needs there, told
 * to who has to create the account: "RELOAD"; constant text. Does not connect.
 */
int mariadb_session_new(const struct admin_settings *settings, const char *publish, const char *rights,
                        struct mariadb_session **out, struct err *err) MUST_CHECK;
void mariadb_session_free(struct mariadb_session *session);
AUTO_DEFINE(struct mariadb_session, mariadb_session_free)

/*
 * Connects when needed, runs the statement, hands out its rows.
 *
 * Freed in mid-flight, the statement goes on in the server, closed connection or not. The session therefore
 * keeps it and the next operation waits for its end first: never is a second statement put on top.
 *
 * ERR_NOT_READY, ERR_NETWORK, ERR_PROTOCOL, ERR_AUTH, ERR_PRIVILEGE, ERR_ENGINE (the server's own words),
 * ERR_TIMEOUT, ERR_LIMIT more rows than MARIADB_ROWS_MAX, or what reading the password file fails with.
 */
struct op *mariadb_session_run(struct mariadb_session *session, const struct mariadb_statement *statement,
                               int64_t limit_ms);

#define MARIADB_ROWS_MAX 2048
