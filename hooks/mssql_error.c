// SPDX-License-Identifier: Apache-2.0
/*
 * The table of numbers that have a meaning of their own: below 20000 or above 30000 SQL Server's messages,
 * between them FreeTDS' own. A server's message wins, FreeTDS then only says that there was one.
 */
#include "hooks/mssql_error.h"

#include <stdio.h>
#include <string.h>

#define REMEDY_MAX 256
#define DIGITS_MAX 12 /* of a number that stays in a message */
#define ELLIPSIS   3

struct number_row {
        int number;
        enum err_kind kind;
        const char *remedy; /* NULL: made from the context */
};

static const char coming[] = "the server is coming up or going down";
static const char lost[] = "the connection broke";

static const struct number_row rows[] = {
        { 229, ERR_PRIVILEGE, NULL },   /* permission denied on an object */
        { 262, ERR_PRIVILEGE, NULL },   /* permission denied in a database */
        { 297, ERR_PRIVILEGE, NULL },   /* no permission to perform this action */
        { 300, ERR_PRIVILEGE, NULL },   /* VIEW SERVER STATE denied */
        { 6004, ERR_PRIVILEGE, NULL },  /* SHUTDOWN */
        { 15151, ERR_PRIVILEGE, NULL }, /* not there, or no permission: it tells nobody which */
        { 15247, ERR_PRIVILEGE, NULL },
        { 18452, ERR_AUTH, "the server has no SQL logins: allow mixed mode authentication" },
        { 18456, ERR_AUTH, NULL },
        { 18470, ERR_AUTH, "the login is disabled" },
        { 18486, ERR_AUTH, "the login is locked out" },
        { 18487, ERR_AUTH, "the password has expired" },
        { 18488, ERR_AUTH, "the password must be changed" },
        { 921, ERR_NOT_READY, coming }, /* database not recovered yet */
        { 6001, ERR_NOT_READY, coming },
        { 6002, ERR_NOT_READY, coming },
        { 6005, ERR_NOT_READY, coming },
        { 15581, ERR_NOT_READY, "CREATE MASTER KEY ENCRYPTION BY PASSWORD = '…' in master" },
        { 17142, ERR_NOT_READY, "the server is paused" },
        { 17187, ERR_NOT_READY, coming },
        { 17810, ERR_NOT_READY, "all connections are taken" },
        { 18401, ERR_NOT_READY, coming }, /* script upgrade mode */
        { 18451, ERR_NOT_READY, coming },
        { 20002, ERR_NOT_READY, NULL }, /* connection failed */
        { 20003, ERR_TIMEOUT, "it accepts connections and says nothing in time" },
        { 20004, ERR_NETWORK, lost },
        { 20006, ERR_NETWORK, lost },
        { 20009, ERR_NOT_READY, "the server is not running (yet), or admin.host or admin.port is wrong" },
        { 20012, ERR_NOT_READY, "admin.host does not resolve" },
        { 20013, ERR_NOT_READY, "admin.host does not resolve" },
        { 20017, ERR_NETWORK, lost },
        { 20020, ERR_PROTOCOL, "what answers does not speak TDS" },
        { 20047, ERR_NETWORK, lost },
};

static const struct number_row *row_of(int number)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].number == number)
                        return &rows[i];
        return NULL;
}

static void describe_remedy(const struct number_row *row, const struct mssql_context *context,
                            char out[static REMEDY_MAX])
{
        if (row == NULL)
                (void)snprintf(out, REMEDY_MAX, "%s", "");
        else if (row->remedy != NULL)
                (void)snprintf(out, REMEDY_MAX, ": %s", row->remedy);
        else if (row->kind == ERR_AUTH)
                (void)snprintf(out, REMEDY_MAX, ": check admin.user ('%.64s') and admin.password-file",
                               context->user);
        else if (row->kind == ERR_PRIVILEGE)
                (void)snprintf(out, REMEDY_MAX, ": GRANT %s TO [%.64s], the login of the agent",
                               context->right != NULL ? context->right : "CONTROL SERVER", context->user);
        else
                (void)snprintf(out, REMEDY_MAX,
                               ": is this a SQL Server port, and does it take TDS 7.4%s? (One with "
                               "forcestrict cannot be "
                               "asked: leave the admin section out, and set process)",
                               context->verified ? " and show a certificate that verifies against ca.crt and "
                                                   "names admin.host"
                                                 : "");
}

void mssql_error_scrub(char *text)
{
        char *to = text;

        while (*text != '\0') {
                size_t run = strspn(text, "0123456789abcdefABCDEF");

                if (run == 0) {
                        *to++ = *text++;
                        continue;
                }
                if (run <= DIGITS_MAX) {
                        memmove(to, text, run);
                        to += run;
                } else {
                        memset(to, '.', ELLIPSIS);
                        to += ELLIPSIS;
                }
                text += run;
        }
        *to = '\0';
}

void mssql_error_fill(const struct mssql_fault *fault, const struct mssql_context *context, struct err *err)
{
        int number = fault->message != 0 ? fault->message : fault->sybdb;
        const char *text = fault->message != 0 ? fault->message_text
                           : fault->sybdb != 0 ? fault->sybdb_text
                                               : "no reason was given";
        const struct number_row *row = row_of(number);
        enum err_kind kind = row != NULL ? row->kind : context->other;
        char remedy[REMEDY_MAX];

        /* A server that takes a connection and drops it is just coming or going. */
        if (context->statement == NULL && kind == ERR_NETWORK)
                kind = ERR_NOT_READY;
        describe_remedy(row, context, remedy);
        if (context->statement == NULL)
                (void)err_set(err, kind, "connect to %.108s: %.120s (%d)%s", context->where, text, number,
                              remedy);
        else
                (void)err_set(err, kind, "%.60s at %.60s: %.160s (%d)%s", context->statement, context->where,
                              text, number, remedy);
}
