// SPDX-License-Identifier: Apache-2.0
/*
 * The state of a connection lives in the session, not in the operation: an operation that is given up in the
 * middle of a statement leaves it running (the server would not stop for a closed connection either) and the
 * next one drives it to its end before its own. So FLUSH SSL never queues behind itself.
 *
 * Trap: libmariadb calls are coroutines on a stack of their own; what a suspended one points to (password,
 * statement) must stay until it has come to its end.
 */
#include "hooks/mariadb_session.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "certs/resolve.h"
#include "hooks/mariadb_error.h"
#include "hooks/mariadb_login.h"

#define COLUMNS_MAX     16
#define CODE_CONNECTION 2013 /* lost, when the library names no code */

enum stage { CLOSED, RESOLVING, CONNECTING, IDLE, SENDING, FETCHING };

struct run;

struct mariadb_session {
        struct mariadb_login login;
        enum stage stage;
        struct run *run; /* that drives it now; NULL: none */
        MYSQL *mysql;
        MYSQL_RES *rows;
        size_t n_rows;
        struct op *resolve;
        struct addrinfo *addresses;
        int wait; /* MYSQL_WAIT_* of the suspended call, 0: came to its end with one of these: */
        MYSQL *connected;
        int failed;
        MYSQL_ROW row;
};

struct run {
        struct op op;
        struct mariadb_session *session; /* NULL once it let go */
        struct mariadb_statement statement;
        int64_t limit_ms;
        struct mono deadline;
        bool started;
        bool sent;
        bool connected; /* by this operation: no kept connection that may have died unseen */
        bool retried;
        bool answered;
};

enum progress { PROGRESS_WAIT, PROGRESS_MORE, PROGRESS_DONE, PROGRESS_FAILED };

static void close_session(struct mariadb_session *session)
{
        if (session->mysql != NULL) {
                my_socket fd = mysql_get_socket(session->mysql);

                /* In the middle of something the library's farewell may block. */
                if (session->stage != IDLE && fd >= 0)
                        (void)shutdown(fd, SHUT_RDWR);
                if (session->rows != NULL) {
                        session->rows->handle = NULL; /* or it reads the remaining rows first, blocking */
                        mysql_free_result(session->rows);
                }
                mysql_close(session->mysql);
        }
        op_free(session->resolve);
        if (session->addresses != NULL)
                resolve_free(session->addresses);
        session->mysql = NULL;
        session->rows = NULL;
        session->resolve = NULL;
        session->addresses = NULL;
        session->wait = 0;
        session->stage = CLOSED;
}

/* Something to read on an idle connection is its end, or the server's farewell before it. */
static bool is_stale(struct mariadb_session *session)
{
        struct pollfd pfd = { .fd = mysql_get_socket(session->mysql), .events = POLLIN };

        return poll(&pfd, 1, 0) != 0;
}

/* A dead host must show on a connection that is only read from, within a minute. */
static void guard_socket(struct mariadb_session *session)
{
        const int idle_s = 30;
        const int interval_s = 10;
        const int probes = 3;
        my_socket fd = mysql_get_socket(session->mysql);

        if (session->login.host == NULL)
                return;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

/* The library opens its sockets without close-on-exec. */
static void mark_socket(struct mariadb_session *session)
{
        my_socket fd = mysql_get_socket(session->mysql);

        if (fd >= 0)
                (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int start_connect(struct mariadb_session *session, struct err *err)
{
        struct mariadb_login *login = &session->login;
        char number[NI_MAXHOST] = "";

        if (login->needs_resolve) {
                if (getnameinfo(session->addresses->ai_addr, session->addresses->ai_addrlen, number, sizeof(number),
                                NULL, 0, NI_NUMERICHOST) != 0)
                        return err_set(err, ERR_INTERNAL, "'%s' resolves to no address", login->host);
        }
        if (mariadb_login_start(login, login->needs_resolve ? number : login->host, &session->mysql,
                                &session->connected, &session->wait, err) == -1)
                return -1;
        mark_socket(session);
        session->stage = CONNECTING;
        return 0;
}

static int open_session(struct mariadb_session *session, struct err *err)
{
        if (!session->login.needs_resolve)
                return start_connect(session, err);
        session->resolve = resolve_start(session->login.host, session->login.settings->port, &session->addresses);
        session->stage = RESOLVING;
        return 0;
}

static void start_statement(struct run *run)
{
        struct mariadb_session *session = run->session;

        run->sent = true;
        session->n_rows = 0;
        session->stage = SENDING;
        session->wait = mysql_real_query_start(&session->failed, session->mysql, run->statement.sql,
                                               strlen(run->statement.sql));
}

static void start_fetch(struct mariadb_session *session)
{
        session->rows = mysql_use_result(session->mysql); /* reads nothing yet */
        if (session->rows == NULL) {
                session->stage = IDLE;
                return;
        }
        session->stage = FETCHING;
        session->wait = mysql_fetch_row_start(&session->row, session->rows);
}

/* One row came, or NULL for the end. The statement may be one that was given up: its rows are dropped. */
static int take_row(struct mariadb_session *session, struct run *run, struct err *err)
{
        const char *values[COLUMNS_MAX];
        unsigned n = mysql_num_fields(session->rows);

        if (session->row == NULL) {
                mysql_free_result(session->rows);
                session->rows = NULL;
                session->stage = IDLE;
                return 0;
        }
        if (++session->n_rows > MARIADB_ROWS_MAX || n > COLUMNS_MAX) {
                close_session(session);
                return err_set(err, ERR_LIMIT, "%s: the server sends more than %d rows or %d columns",
                               run->statement.sql, MARIADB_ROWS_MAX, COLUMNS_MAX);
        }
        for (unsigned i = 0; i < n; i++)
                values[i] = session->row[i];
        if (run->sent && run->statement.row != NULL)
                run->statement.row(run->statement.arg, values, n);
        session->wait = mysql_fetch_row_start(&session->row, session->rows);
        return 0;
}

static int fail(struct run *run, unsigned code, bool connecting, struct err *err)
{
        struct mariadb_session *session = run->session;
        const struct mariadb_context context = {
                .where = session->login.where,
                .user = session->login.user,
                .statement = connecting ? NULL : run->statement.sql,
                .right = run->statement.right,
        };

        mariadb_error_fill(code != 0 ? code : CODE_CONNECTION, mysql_error(session->mysql), &context, err);
        if (connecting || code == 0 || mariadb_error_is_loss(code))
                close_session(session);
        return -1;
}

/* A statement failed. Returns 0 when it is to be tried again or was not ours. */
static int take_failure(struct run *run, unsigned code, struct err *err)
{
        struct mariadb_session *session = run->session;
        bool is_loss = code == 0 || mariadb_error_is_loss(code);

        if (run->sent && run->statement.ends_server && is_loss) {
                run->answered = true;
                close_session(session);
                return 0;
        }
        if (run->sent && !(is_loss && !run->connected && !run->retried)) {
                session->stage = IDLE;
                return fail(run, code, false, err);
        }
        /* Given up by an earlier operation, or on a kept connection that had died unseen. */
        run->retried = run->retried || run->sent;
        run->sent = false;
        if (is_loss)
                close_session(session);
        else
                session->stage = IDLE;
        return 0;
}

/* The suspended call came to its end: what follows from it? */
static int take_result(struct run *run, struct err *err)
{
        struct mariadb_session *session = run->session;
        unsigned code = mysql_errno(session->mysql);

        if (session->stage == CONNECTING) {
                mariadb_login_forget(&session->login, session->mysql);
                if (session->connected == NULL)
                        return fail(run, code, true, err);
                guard_socket(session);
                run->connected = true;
                session->stage = IDLE;
                return 0;
        }
        if (session->stage == SENDING && session->failed == 0) {
                run->answered = run->sent;
                start_fetch(session);
                return 0;
        }
        if (session->stage == FETCHING && (session->row != NULL || code == 0))
                return take_row(session, run, err);
        if (session->rows != NULL) {
                mysql_free_result(session->rows);
                session->rows = NULL;
        }
        return take_failure(run, code, err);
}

static void resume(struct mariadb_session *session, int events)
{
        if (session->stage == CONNECTING) {
                session->wait = mysql_real_connect_cont(&session->connected, session->mysql, events);
                mark_socket(session);
        } else if (session->stage == SENDING) {
                session->wait = mysql_real_query_cont(&session->failed, session->mysql, events);
        } else {
                session->wait = mysql_fetch_row_cont(&session->row, session->rows, events);
        }
}

static int wait_flags(int wait, short ready)
{
        int events = 0;

        if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0)
                events |= wait & MYSQL_WAIT_READ;
        if ((ready & (POLLOUT | POLLHUP | POLLERR)) != 0)
                events |= wait & MYSQL_WAIT_WRITE;
        if ((ready & POLLPRI) != 0)
                events |= wait & MYSQL_WAIT_EXCEPT;
        return events;
}

static enum progress await(struct run *run, short events)
{
        run->op.want.fd = mysql_get_socket(run->session->mysql);
        run->op.want.events = events;
        run->op.want.until = run->deadline;
        return PROGRESS_WAIT;
}

static enum progress advance_call(struct run *run, short ready, struct err *err)
{
        struct mariadb_session *session = run->session;
        int events = wait_flags(session->wait, ready);

        if (session->wait != 0 && events != 0)
                resume(session, events);
        if (session->wait != 0)
                return await(run, (short)(((session->wait & MYSQL_WAIT_READ) != 0 ? POLLIN : 0) |
                                          ((session->wait & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : 0) |
                                          ((session->wait & MYSQL_WAIT_EXCEPT) != 0 ? POLLPRI : 0)));
        return take_result(run, err) == 0 ? PROGRESS_MORE : PROGRESS_FAILED;
}

static enum progress advance_resolve(struct run *run, short ready, struct mono now, struct err *err)
{
        struct mariadb_session *session = run->session;
        enum op_state state = session->resolve->type->step(session->resolve, ready, now, err);

        if (state == OP_WAIT) {
                run->op.want = session->resolve->want;
                if (run->op.want.until.ms > run->deadline.ms)
                        run->op.want.until = run->deadline;
                return PROGRESS_WAIT;
        }
        op_free(TAKE(session->resolve));
        if (state == OP_DONE && start_connect(session, err) == 0)
                return PROGRESS_MORE;
        close_session(session);
        return PROGRESS_FAILED;
}

static enum progress advance_idle(struct run *run)
{
        struct mariadb_session *session = run->session;

        if (run->answered && (!run->statement.ends_server || is_stale(session))) {
                if (run->statement.ends_server)
                        close_session(session);
                return PROGRESS_DONE;
        }
        if (run->answered)
                return await(run, POLLIN);
        /* The end of the server must be the end of a connection known to be alive. */
        if (!run->connected && (run->statement.ends_server || is_stale(session))) {
                close_session(session);
                return PROGRESS_MORE;
        }
        start_statement(run);
        return PROGRESS_MORE;
}

static enum progress advance(struct run *run, short ready, struct mono now, struct err *err)
{
        struct mariadb_session *session = run->session;

        switch (session->stage) {
        case CLOSED:
                if (run->answered)
                        return PROGRESS_DONE;
                return open_session(session, err) == 0 ? PROGRESS_MORE : PROGRESS_FAILED;
        case RESOLVING:
                return advance_resolve(run, ready, now, err);
        case CONNECTING:
        case SENDING:
        case FETCHING:
                return advance_call(run, ready, err);
        case IDLE:
                return advance_idle(run);
        }
        return PROGRESS_FAILED;
}

static int time_out(struct run *run, struct err *err)
{
        struct mariadb_session *session = run->session;
        long long limit = (long long)run->limit_ms;

        if (session->stage == CONNECTING || session->stage == RESOLVING) {
                close_session(session);
                return err_set(err, ERR_TIMEOUT, "connect to %s: no answer within %lld ms", session->login.where, limit);
        }
        if (run->answered)
                return err_set(err, ERR_TIMEOUT, "%s: the server did not end within %lld ms", run->statement.sql, limit);
        if (run->sent)
                return err_set(err, ERR_TIMEOUT,
                               "%s: still running after %lld ms; a reload waits for handshakes in progress",
                               run->statement.sql, limit);
        return err_set(err, ERR_TIMEOUT, "%s: not begun within %lld ms, an earlier statement is still running",
                       run->statement.sql, limit);
}

static enum op_state run_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct run *run = CONTAINER_OF(op, struct run, op);

        if (!run->started) {
                run->started = true;
                run->deadline = clock_after(now, run->limit_ms);
        }
        for (;;) {
                switch (advance(run, ready, now, err)) {
                case PROGRESS_WAIT:
                        if (now.ms < run->deadline.ms)
                                return OP_WAIT;
                        (void)time_out(run, err);
                        return OP_FAILED;
                case PROGRESS_MORE:
                        ready = 0;
                        break;
                case PROGRESS_DONE:
                        return OP_DONE;
                case PROGRESS_FAILED:
                        return OP_FAILED;
                }
        }
}

static void run_free(struct op *op)
{
        struct run *run = CONTAINER_OF(op, struct run, op);
        struct mariadb_session *session = run->session;

        if (session != NULL) {
                session->run = NULL;
                if (session->stage == CONNECTING || session->stage == RESOLVING)
                        close_session(session);
        }
        mem_free(run);
}

static const struct op_type run_type = { .name = "statement", .step = run_step, .free = run_free };

struct op *mariadb_session_run(struct mariadb_session *session, const struct mariadb_statement *statement,
                               int64_t limit_ms)
{
        struct run *run = MEM_NEW(struct run);

        assert(session->run == NULL);
        session->run = run;
        run->op.type = &run_type;
        run->session = session;
        run->statement = *statement;
        run->limit_ms = limit_ms;
        return &run->op;
}

int mariadb_session_new(const struct mariadb_settings *settings, const char *publish,
                        struct mariadb_session **out, struct err *err)
{
        struct mariadb_session *session = MEM_NEW(struct mariadb_session);

        if (mariadb_login_init(settings, publish, &session->login, err) == -1) {
                mem_free(session);
                return -1;
        }
        *out = session;
        return 0;
}

void mariadb_session_free(struct mariadb_session *session)
{
        if (session->run != NULL)
                session->run->session = NULL;
        close_session(session);
        mariadb_login_done(&session->login);
        mem_free(session);
}
