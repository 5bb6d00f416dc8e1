// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a MariaDB error code means for the agent: is the server away, is the login wrong, is a right missing,
 * or did the engine refuse the files? The server's own words stay in the text; the remedy is ours.
 */
#include "base/err.h"

#include <stdbool.h>

struct mariadb_context {
        const char *where; /* "/run/mysqld/mysqld.sock" or "127.0.0.1:3306" */
        const char *user;
        const char *statement; /* NULL while connecting */
        const char *right;     /* the right the statement needs, "RELOAD"; NULL: none */
        const char *rights;    /* all that the agent needs, for who has no account yet; NULL: "RELOAD" */
};

/* The connection is gone (or was never there); a new one may work. */
bool mariadb_error_is_loss(unsigned code);
/* Fills err from a code and the text beside it. */
void mariadb_error_fill(unsigned code, const char *text, const struct mariadb_context *context,
                        struct err *err);
