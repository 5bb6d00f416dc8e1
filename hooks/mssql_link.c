// SPDX-License-Identifier: Apache-2.0
/*
 * db-lib calls its handlers without saying for whom, so the link in use by this thread stands in a
 * thread-local variable while it is in there.
 *
 * What db-lib has no function for (encryption, verification, limits) it reads from a configuration file: that
 * is made in memory for each connection, and nothing of the machine's own freetds.conf is read.
 */
#include "hooks/mssql_link.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/secret.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define SECTION       "certrotate"
#define CONF_PATH_MAX 64
#define ERROR_LEAST   11    /* severity: below are notices */
#define DB_MESSAGES   20018 /* "check messages from the server" */

struct mssql_link {
        struct mssql_account account;
        DBPROCESS *process;
        struct mssql_fault fault;
        char *where;
};

static _Thread_local struct mssql_link *current;

static int on_error(DBPROCESS *process UNUSED, int severity UNUSED, int number, int sys, char *text,
                    char *sys_text)
{
        if (current != NULL && current->fault.sybdb == 0 && number != DB_MESSAGES) {
                bool has_reason = sys > 0 && sys_text != NULL;

                current->fault.sybdb = number;
                (void)snprintf(current->fault.sybdb_text, sizeof(current->fault.sybdb_text), "%.80s%s%.40s",
                               text != NULL ? text : "", has_reason ? ": " : "", has_reason ? sys_text : "");
        }
        return INT_CANCEL;
}

static int on_message(DBPROCESS *process UNUSED, DBINT number, int state UNUSED, int severity, char *text,
                      char *server UNUSED, char *procedure UNUSED, int line UNUSED)
{
        if (current != NULL && severity >= ERROR_LEAST && current->fault.message == 0) {
                current->fault.message = number;
                (void)snprintf(current->fault.message_text, sizeof(current->fault.message_text), "%s",
                               text != NULL ? text : "");
                mssql_error_scrub(current->fault.message_text);
        }
        return 0;
}

bool mssql_link_is_loopback(const char *host)
{
        struct in_addr v4;
        struct in6_addr v6;

        if (strcasecmp(host, "localhost") == 0)
                return true;
        if (inet_pton(AF_INET, host, &v4) == 1)
                return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
        return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool verifies(const struct mssql_account *account)
{
        return account->authorities != NULL && !mssql_link_is_loopback(account->host);
}

static int fail(const struct mssql_link *link, const struct mssql_query *query, struct err *err)
{
        const struct mssql_context context = {
                .where = link->where,
                .user = link->account.user,
                .statement = query == NULL         ? NULL
                             : query->name != NULL ? query->name
                                                   : query->sql,
                .right = query == NULL ? NULL : query->right,
                .verified = verifies(&link->account),
                .other = query == NULL ? ERR_NOT_READY : query->other,
        };

        mssql_error_fill(&link->fault, &context, err);
        return -1;
}

/* *fd is the file, path its name as long as it is open. */
static int make_conf(const struct mssql_account *account, int64_t limit_ms, char path[static CONF_PATH_MAX],
                     int *fd, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(16384);
        int64_t limit_s = limit_ms < 2000 ? 1 : limit_ms / 1000;
        int file = memfd_create("freetds.conf", MFD_CLOEXEC);

        if (file == -1)
                return err_sys(err, errno, "memfd_create");
        buf_printf(&text,
                   "[global]\n[" SECTION "]\nhost = %s\nport = %d\ntds version = 7.4\nencryption = require\n"
                   "client charset = UTF-8\nconnect timeout = %lld\ntimeout = %lld\n",
                   account->host, account->port, (long long)limit_s, (long long)limit_s);
        if (verifies(account))
                buf_printf(&text, "ca file = %s\ncheck certificate hostname = yes\n", account->authorities);
        if (text.overflow || write(file, text.data, text.len) != (ssize_t)text.len) {
                (void)close(file);
                return err_set(err, ERR_INTERNAL, "the configuration of FreeTDS cannot be written");
        }
        (void)snprintf(path, CONF_PATH_MAX, "/proc/self/fd/%d", file);
        *fd = file;
        return 0;
}

static int set_login(const struct sybdb_library *sybdb, const struct mssql_account *account, LOGINREC *login,
                     struct err *err)
{
        AUTO(secret_done_p) struct secret password = SECRET_INIT;

        if (account->password_file != NULL && secret_read(account->password_file, &password, err) != 0) {
                err->kind = ERR_AUTH; /* waited for, as for a right one */
                return err_wrap(err, "admin.password-file");
        }
        if (sybdb->dbsetlname(login, account->user, DBSETUSER) == FAIL ||
            sybdb->dbsetlname(login, password.data != NULL ? (const char *)password.data : "", DBSETPWD) ==
                    FAIL ||
            sybdb->dbsetlname(login, SECTION, DBSETAPP) == FAIL)
                return err_set(err, ERR_AUTH, "the user or the password is longer than FreeTDS takes");
        return 0;
}

static int log_in(struct mssql_link *link, int64_t limit_ms, struct err *err)
{
        const struct sybdb_library *sybdb = link->account.sybdb;
        AUTO(close_fd_p) int conf = -1;
        char path[CONF_PATH_MAX];
        LOGINREC *login;

        if (make_conf(&link->account, limit_ms, path, &conf, err) == -1)
                return -1;
        login = sybdb->dblogin();
        if (login == NULL)
                return err_set(err, ERR_INTERNAL, "FreeTDS: no login record");
        if (set_login(sybdb, &link->account, login, err) == -1) {
                sybdb->dbloginfree(login);
                return -1;
        }
        (void)sybdb->dberrhandle(on_error);
        (void)sybdb->dbmsghandle(on_message);
        sybdb->dbsetifile(path);
        current = link;
        link->process = sybdb->tdsdbopen(login, SECTION, 0);
        current = NULL;
        sybdb->dbloginfree(login); /* wipes the password */
        return link->process != NULL ? 0 : fail(link, NULL, err);
}

int mssql_link_open(const struct mssql_account *account, int64_t limit_ms, struct mssql_link **out,
                    struct err *err)
{
        AUTO(mssql_link_free_p) struct mssql_link *link = MEM_NEW(struct mssql_link);

        link->account = *account;
        link->where = mem_printf("%s:%d", account->host, account->port);
        if (log_in(link, limit_ms, err) == -1)
                return -1;
        *out = TAKE(link);
        return 0;
}

void mssql_link_free(struct mssql_link *link)
{
        if (link == NULL)
                return;
        if (link->process != NULL)
                link->account.sybdb->dbclose(link->process);
        mem_free(link->where);
        mem_free(link);
}

/* Rows of one result; more columns than we bind are not looked at. */
static void take_rows(struct mssql_link *link, const struct mssql_query *query)
{
        const struct sybdb_library *sybdb = link->account.sybdb;
        char texts[MSSQL_COLUMNS_MAX][MSSQL_TEXT_MAX];
        DBINT indicators[MSSQL_COLUMNS_MAX] = { 0 };
        const char *values[MSSQL_COLUMNS_MAX];
        int n = sybdb->dbnumcols(link->process);

        if (n > MSSQL_COLUMNS_MAX)
                n = MSSQL_COLUMNS_MAX;
        for (int i = 0; i < n; i++) {
                texts[i][0] = '\0';
                (void)sybdb->dbbind(link->process, i + 1, NTBSTRINGBIND, MSSQL_TEXT_MAX, (BYTE *)texts[i]);
                (void)sybdb->dbnullbind(link->process, i + 1, &indicators[i]);
        }
        while (sybdb->dbnextrow(link->process) == REG_ROW) {
                for (int i = 0; i < n; i++)
                        values[i] = indicators[i] == -1 ? NULL : texts[i];
                if (query->row != NULL)
                        query->row(query->arg, values, n);
        }
}

static bool take_results(struct mssql_link *link, const struct mssql_query *query)
{
        const struct sybdb_library *sybdb = link->account.sybdb;
        RETCODE result;

        if (sybdb->dbcmd(link->process, query->sql) == FAIL || sybdb->dbsqlexec(link->process) == FAIL)
                return false;
        while ((result = sybdb->dbresults(link->process)) == SUCCEED)
                take_rows(link, query);
        return result == NO_MORE_RESULTS && link->fault.message == 0 && sybdb->dbdead(link->process) == FALSE;
}

int mssql_link_run(struct mssql_link *link, const struct mssql_query *query, struct err *err)
{
        bool fine;

        link->fault = (struct mssql_fault){ .message = 0 };
        current = link;
        fine = take_results(link, query);
        current = NULL;
        return fine ? 0 : fail(link, query, err);
}

static bool is_dead(struct mssql_link *link)
{
        const struct sybdb_library *sybdb = link->account.sybdb;
        static const struct mssql_query ping = { .sql = "SELECT 1" };
        struct err ignored = ERR_INIT;

        return sybdb->dbdead(link->process) != FALSE || mssql_link_run(link, &ping, &ignored) == -1;
}

static void note_row(void *arg, const char *const *values UNUSED, int n UNUSED)
{
        *(bool *)arg = true;
}

int mssql_link_shut_down(struct mssql_link *link, bool is_replica, int64_t limit_ms, struct err *err)
{
        /* Another may have handed over to it since it was asked. */
        static const char guarded[] =
                "IF EXISTS (SELECT replica_id FROM sys.dm_hadr_availability_replica_states "
                "WHERE is_local = 1 AND role_desc = N'PRIMARY') SELECT 1 ELSE SHUTDOWN";
        bool is_primary = false;
        const struct mssql_query query = { .sql = is_replica ? guarded : "SHUTDOWN",
                                           .name = "SHUTDOWN",
                                           .right = "SHUTDOWN",
                                           .other = ERR_NOT_READY,
                                           .row = note_row,
                                           .arg = &is_primary };
        struct mono until = clock_after(clock_mono(), limit_ms);
        int refused = mssql_link_run(link, &query, err);
        int64_t left;

        /* It may end the connection before it has answered. */
        if (refused == -1 && (link->fault.message != 0 || err->kind == ERR_TIMEOUT))
                return -1;
        if (refused == -1)
                return 0;
        if (is_primary)
                return err_set(err, ERR_NOT_READY, "it became the primary of an availability group just now");
        while ((left = until.ms - clock_mono().ms) > 0) {
                struct pollfd pfd = { .fd = link->account.sybdb->dbiordesc(link->process), .events = POLLIN };

                if (pfd.fd < 0 || (poll(&pfd, 1, (int)(left < 1000 ? left : 1000)) > 0 && is_dead(link)))
                        return 0;
        }
        return err_set(err, ERR_TIMEOUT, "SHUTDOWN at %s: the server did not end within %lld ms", link->where,
                       (long long)limit_ms);
}
