// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What went wrong, in the words of SQL Server or of FreeTDS, as an error of ours. Pure.
 */
#include "base/err.h"

#include <stdbool.h>

struct mssql_fault {
        int message; /* number of the server's first error; 0: it sent none */
        char message_text[256];
        int sybdb; /* number of FreeTDS' first error; 0: none */
        char sybdb_text[128];
};

struct mssql_context {
        const char *where; /* host:port */
        const char *user;
        const char *statement; /* for people; NULL: connecting */
        const char *right;     /* that the statement needs, "SHUTDOWN" */
        bool verified;         /* the server's certificate has to verify */
        enum err_kind other;   /* of an error that has no meaning of its own */
};

/* Takes long hexadecimal numbers out: servers quote statements, and ours may hold a key. */
void mssql_error_scrub(char *text);
void mssql_error_fill(const struct mssql_fault *fault, const struct mssql_context *context, struct err *err);
