// SPDX-License-Identifier: Apache-2.0
/*
 * The table of MariaDB error codes that have a meaning of their own. What is not in it was said by a server
 * that understood the statement and refused it: ERR_ENGINE with the server's text.
 */
#include "hooks/mariadb_error.h"

#include <stdio.h>
#include <string.h>

#define REMEDY_MAX  352
#define CODE_METHOD 5010 /* not among the methods that the library was given */
#define REMEDY_MAX  352
#define CODE_AWAY   2002
#define CODE_LIMIT  10000

struct code_row {
        unsigned code;
        enum err_kind kind;
        bool loss;
        const char *remedy;
};

static const char away[] =
        "the server is not running (yet), or admin.socket, admin.host or admin.port is wrong";
static const char no_quorum[] = "the node has no quorum; with GRANT SUPER the agent reloads it all the same";
static const char shutting[] = "the server is shutting down";
static const char lost[] = "the connection broke";
static const char crowded[] = "all connections are taken; raise max_connections or extra_max_connections";
static const char too_old[] =
        "an older server? MariaDB 10.4, MySQL 8.0.16 and newer can reload; else set apply to restart";
static const char method[] = "let the account of the agent be identified by mysql_native_password, "
                             "client_ed25519, parsec, caching_sha2_password or, on a socket, unix_socket";
static const char tls[] = "no TLS handshake with this server; set admin.socket to log in without one";

/* Remedies of logins and rights are made from the context, so theirs is NULL. */
static const struct code_row rows[] = {
        { 1040, ERR_NOT_READY, false, crowded }, /* too many connections */
        { 1044, ERR_PRIVILEGE, false, NULL },    /* access to database */
        { 1045, ERR_AUTH, false, NULL },         /* access denied */
        { 1047, ERR_NOT_READY, false, no_quorum },
        { 1053, ERR_NOT_READY, true, shutting },                         /* shutdown in progress */
        { 1064, ERR_ENGINE, false, too_old },                            /* syntax */
        { 1129, ERR_NOT_READY, false, "run FLUSH HOSTS on the server" }, /* host is blocked */
        { 1130, ERR_AUTH, false, NULL },                                 /* host not allowed */
        { 1142, ERR_PRIVILEGE, false, NULL },                            /* table access */
        { 1158, ERR_NETWORK, true, lost },                               /* error reading packets */
        { 1159, ERR_NETWORK, true, lost },                               /* timeout reading packets */
        { 1203, ERR_NOT_READY, false, crowded },                         /* of this user */
        { 1226, ERR_NOT_READY, false, "the user's resource limit is used up" },
        { 1227, ERR_PRIVILEGE, false, NULL }, /* specific access denied */
        { 1370, ERR_PRIVILEGE, false, NULL }, /* routine access */
        { 1698, ERR_AUTH, false, NULL },      /* no password, unix_socket */
        { 1820, ERR_AUTH, false, "the user's password has expired" },
        { 1862, ERR_AUTH, false, "the user's password has expired" },
        { 1927, ERR_NETWORK, true, lost },   /* connection was killed */
        { 2002, ERR_NOT_READY, true, away }, /* socket */
        { 2003, ERR_NOT_READY, true, away }, /* TCP */
        { 2005, ERR_NOT_READY, true, "admin.host does not resolve" },
        { 2006, ERR_NETWORK, true, lost },
        { 2013, ERR_NETWORK, true, lost },
        { 2026, ERR_PROTOCOL, false, tls },
        { 2055, ERR_NETWORK, true, lost },
        { 2059, ERR_AUTH, false, "the client plugin of the user's authentication is not installed" },
        { 4031, ERR_NETWORK, true, lost }, /* idle for too long */
        { 4151, ERR_AUTH, false, "the account is locked" },
        { CODE_METHOD, ERR_AUTH, false, method },
};

static const struct code_row *row_of(unsigned code)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].code == code)
                        return &rows[i];
        return NULL;
}

static void describe_remedy(const struct code_row *row, const struct mariadb_context *context,
                            char out[static REMEDY_MAX])
{
        const char *rights = context->rights != NULL ? context->rights : "RELOAD";

        if (row == NULL)
                (void)snprintf(out, REMEDY_MAX, "%s", "");
        else if (row->remedy != NULL)
                (void)snprintf(out, REMEDY_MAX, ": %s", row->remedy);
        else if (row->kind == ERR_AUTH)
                (void)snprintf(
                        out, REMEDY_MAX,
                        ": check admin.user and admin.password-file, or create the user: CREATE USER "
                        "'%.64s'@'localhost' IDENTIFIED BY '…'; GRANT %.64s ON *.* TO '%.64s'@'localhost'",
                        context->user, rights, context->user);
        else
                (void)snprintf(out, REMEDY_MAX, ": GRANT %s ON *.* TO the user '%.64s' of the agent",
                               context->right != NULL ? context->right : rights, context->user);
}

bool mariadb_error_is_loss(unsigned code)
{
        const struct code_row *row = row_of(code);

        return row != NULL && row->loss;
}

/*
 * A server that turns us away at the door does so before TLS, where anybody could: then libmariadb gives the
 * code of a server that is not there, and what was said behind words of its own.
 */
static unsigned told_before_tls(unsigned code, const char **text)
{
        static const char lead[] = "cannot be verified: ";
        const char *at = code == CODE_AWAY ? strstr(*text, lead) : NULL;
        unsigned told = 0;

        if (at == NULL)
                return code;
        for (at += sizeof(lead) - 1; *at >= '0' && *at <= '9' && told < CODE_LIMIT; at++)
                told = told * 10 + (unsigned)(*at - '0');
        if (told == 0)
                return code;
        *text = at + strspn(at, " -");
        return told;
}

void mariadb_error_fill(unsigned code, const char *text, const struct mariadb_context *context,
                        struct err *err)
{
        const unsigned told = told_before_tls(code, &text);
        const struct code_row *row = row_of(told);
        enum err_kind kind = row != NULL                  ? row->kind
                             : context->statement == NULL ? ERR_NOT_READY
                                                          : ERR_ENGINE;
        char remedy[REMEDY_MAX];

        /* The library's own text names whatever its buffer holds by then. */
        if (told == CODE_METHOD)
                text = "the server asks for a way to log in that the agent refuses";
        /* A server that takes a connection and drops it is just coming or going. */
        if (context->statement == NULL && kind == ERR_NETWORK)
                kind = ERR_NOT_READY;

        describe_remedy(row, context, remedy);
        if (context->statement == NULL)
                (void)err_set(err, kind, "connect to %.108s: %.160s (%u)%s", context->where, text, told,
                              remedy);
        else
                (void)err_set(err, kind, "%.56s: %.200s (%u)%s", context->statement, text, told, remedy);
}
