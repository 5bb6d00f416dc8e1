// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A connection and the one libmariadb call that may be suspended on it. Knows nothing of what statements
 * mean: that is mariadb_session.h.
 */
#include "base/op.h"
#include "hooks/mariadb_login.h"

#include <netdb.h>

enum mariadb_stage {
        MARIADB_CLOSED,
        MARIADB_RESOLVING,
        MARIADB_CONNECTING,
        MARIADB_IDLE,
        MARIADB_SENDING, /* a statement, until its first answer */
        MARIADB_FETCHING,
};

struct mariadb_link {
        struct mariadb_login login;
        enum mariadb_stage stage;
        MYSQL *mysql;
        MYSQL_RES *rows;
        size_t n_rows;
        struct op *resolve; /* while RESOLVING: step it, then mariadb_link_connect */
        struct addrinfo *addresses;
        int wait;    /* MYSQL_WAIT_* of the suspended call, 0: it came to its end with one of these: */
        bool looked; /* at the greeting, before the library reads it; or no need to */
        bool plain;  /* without TLS, which the server does not offer */
        MYSQL *connected;
        int failed;
        MYSQL_ROW row;
};

/* From CLOSED to RESOLVING or CONNECTING. */
int mariadb_link_open(struct mariadb_link *link, struct err *err) MUST_CHECK;
/* From RESOLVING (resolved) to CONNECTING. */
int mariadb_link_connect(struct mariadb_link *link, struct err *err) MUST_CHECK;
/* The connect came to its end well: to IDLE. ERR_PROTOCOL it is without TLS and must not be. */
int mariadb_link_accept(struct mariadb_link *link, struct err *err) MUST_CHECK;
/* From IDLE to SENDING; sql must stay until the answer came. */
void mariadb_link_send(struct mariadb_link *link, const char *sql);
/* From SENDING to FETCHING, or to IDLE when the statement has no rows. */
void mariadb_link_fetch(struct mariadb_link *link);
/* The next row; or, at the end, back to IDLE. */
void mariadb_link_next(struct mariadb_link *link);
void mariadb_link_end(struct mariadb_link *link);
/* Goes on with the suspended call on these poll(2) events; true when it came to its end. */
bool mariadb_link_resume(struct mariadb_link *link, short ready);
/* The poll(2) events that the suspended call waits for. */
short mariadb_link_events(const struct mariadb_link *link);
/* Something to read on an IDLE one is its end, or the server's farewell before it. */
bool mariadb_link_is_stale(const struct mariadb_link *link);
/* Never blocks; to CLOSED from anywhere. */
void mariadb_link_close(struct mariadb_link *link);
