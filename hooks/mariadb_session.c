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

#include "base/mem.h"
#include "hooks/mariadb_error.h"
#include "hooks/mariadb_link.h"

#define COLUMNS_MAX     16
#define CODE_CONNECTION 2013 /* lost, when the library names no code */

#define CODE_NO_QUORUM  1047

/*
 * A node without quorum refuses every statement, the very reload that would let it join again after an
 * expired certificate split the cluster. The check is for this connection only, which writes nothing; it
 * needs the right SUPER, and without it the refusal stands.
 */
static const char wsrep_off[] = "SET SESSION wsrep_on=OFF";

struct run;

struct mariadb_session {
        struct mariadb_link link;
        const char *rights;
        struct run *run; /* that drives it now; NULL: none */
};

struct run {
        struct op op;
        struct mariadb_session *session; /* NULL once it let go */
        struct mariadb_statement statement;
        int64_t limit_ms;
        struct mono deadline;
        bool started;
        bool connected; /* by this operation: no kept connection that may have died unseen */
        bool sent;      /* what the connection works on is ours */
        bool answered;  /* with success */
        bool bypassed;  /* Galera's own check was taken off this connection */
};

enum progress { PROGRESS_WAIT, PROGRESS_MORE, PROGRESS_DONE, PROGRESS_FAILED };

/* One row came, or NULL for the end. The statement may be one that was given up: its rows are dropped. */
static int take_row(struct mariadb_link *link, struct run *run, struct err *err)
{
        const char *values[COLUMNS_MAX];
        unsigned n = mysql_num_fields(link->rows);

        if (link->row == NULL) {
                mariadb_link_end(link);
                return 0;
        }
        if (link->n_rows >= MARIADB_ROWS_MAX || n > COLUMNS_MAX) {
                mariadb_link_close(link);
                return err_set(err, ERR_LIMIT, "%s: the server sends more than %d rows or %d columns",
                               run->statement.sql, MARIADB_ROWS_MAX, COLUMNS_MAX);
        }
        for (unsigned i = 0; i < n; i++)
                values[i] = link->row[i];
        if (run->sent && run->statement.row != NULL)
                run->statement.row(run->statement.arg, values, n);
        mariadb_link_next(link);
        return 0;
}

static int fail(struct run *run, unsigned code, bool connecting, struct err *err)
{
        struct mariadb_link *link = &run->session->link;
        const struct mariadb_context context = {
                .where = link->login.where,
                .user = link->login.user,
                .statement = connecting ? NULL : run->statement.sql,
                .right = run->statement.right,
                .rights = run->session->rights,
        };

        mariadb_error_fill(code != 0 ? code : CODE_CONNECTION, mysql_error(link->mysql), &context, err);
        /* A session keeps the rights it logged in with: only a new one sees what was granted since. */
        if (connecting || code == 0 || mariadb_error_is_loss(code) || err->kind == ERR_PRIVILEGE)
                mariadb_link_close(link);
        return -1;
}

/* A statement failed. Returns 0 when it is to be sent again, or was not ours. */
static int take_failure(struct run *run, unsigned code, struct err *err)
{
        struct mariadb_link *link = &run->session->link;
        bool is_loss = code == 0 || mariadb_error_is_loss(code);
        bool may_be_stale = is_loss && !run->connected && !run->statement.ends_server;

        mariadb_link_end(link);
        if (run->sent && code == CODE_NO_QUORUM && !run->bypassed) {
                run->bypassed = true;
                run->sent = false;
                mariadb_link_send(link, wsrep_off);
                return 0;
        }
        if (run->sent && run->statement.ends_server && is_loss)
                run->answered = true;
        else if (run->sent && !may_be_stale)
                return fail(run, code, false, err);
        run->sent = false;
        if (is_loss)
                mariadb_link_close(link);
        return 0;
}

/* The suspended call came to its end: what follows from it? */
static int take_result(struct run *run, struct err *err)
{
        struct mariadb_link *link = &run->session->link;
        unsigned code = mysql_errno(link->mysql);

        if (link->stage == MARIADB_CONNECTING) {
                if (link->connected == NULL)
                        return fail(run, code, true, err);
                run->connected = true;
                return mariadb_link_accept(link, err);
        }
        if (link->stage == MARIADB_SENDING && link->failed == 0) {
                run->answered = run->sent;
                mariadb_link_fetch(link);
                return 0;
        }
        if (link->stage == MARIADB_FETCHING && (link->row != NULL || code == 0))
                return take_row(link, run, err);
        run->answered = false;
        return take_failure(run, code, err);
}

static enum progress await(struct run *run, short events)
{
        run->op.want.fd = mysql_get_socket(run->session->link.mysql);
        run->op.want.events = events;
        run->op.want.until = run->deadline;
        return PROGRESS_WAIT;
}

static enum progress advance_call(struct run *run, short ready, struct err *err)
{
        struct mariadb_link *link = &run->session->link;

        if (!mariadb_link_resume(link, ready))
                return await(run, mariadb_link_events(link));
        return take_result(run, err) == 0 ? PROGRESS_MORE : PROGRESS_FAILED;
}

static enum progress advance_resolve(struct run *run, short ready, struct mono now, struct err *err)
{
        struct mariadb_link *link = &run->session->link;
        enum op_state state = link->resolve->type->step(link->resolve, ready, now, err);

        if (state == OP_WAIT) {
                run->op.want = link->resolve->want;
                if (run->op.want.until.ms > run->deadline.ms)
                        run->op.want.until = run->deadline;
                return PROGRESS_WAIT;
        }
        op_free(TAKE(link->resolve));
        if (state == OP_DONE && mariadb_link_connect(link, err) == 0)
                return PROGRESS_MORE;
        mariadb_link_close(link);
        return PROGRESS_FAILED;
}

static enum progress advance_idle(struct run *run)
{
        struct mariadb_link *link = &run->session->link;

        if (run->answered && (!run->statement.ends_server || mariadb_link_is_stale(link))) {
                if (run->statement.ends_server)
                        mariadb_link_close(link);
                return PROGRESS_DONE;
        }
        if (run->answered)
                return await(run, POLLIN);
        /* The end of the server must be the end of a connection known to be alive. */
        if (!run->connected && (run->statement.ends_server || mariadb_link_is_stale(link))) {
                mariadb_link_close(link);
                return PROGRESS_MORE;
        }
        run->sent = true;
        mariadb_link_send(link, run->statement.sql);
        return PROGRESS_MORE;
}

static enum progress advance(struct run *run, short ready, struct mono now, struct err *err)
{
        struct mariadb_link *link = &run->session->link;

        switch (link->stage) {
        case MARIADB_CLOSED:
                if (run->answered)
                        return PROGRESS_DONE;
                return mariadb_link_open(link, err) == 0 ? PROGRESS_MORE : PROGRESS_FAILED;
        case MARIADB_RESOLVING:
                return advance_resolve(run, ready, now, err);
        case MARIADB_CONNECTING:
        case MARIADB_SENDING:
        case MARIADB_FETCHING:
                return advance_call(run, ready, err);
        case MARIADB_IDLE:
                return advance_idle(run);
        }
        return PROGRESS_FAILED;
}

static int time_out(struct run *run, struct err *err)
{
        struct mariadb_link *link = &run->session->link;
        long long limit = (long long)run->limit_ms;

        if (link->stage == MARIADB_CONNECTING || link->stage == MARIADB_RESOLVING) {
                mariadb_link_close(link);
                return err_set(err, ERR_TIMEOUT, "connect to %s: no answer within %lld ms", link->login.where,
                               limit);
        }
        if (run->answered)
                return err_set(err, ERR_TIMEOUT, "%s: the server did not end within %lld ms",
                               run->statement.sql, limit);
        if (run->sent)
                return err_set(err, ERR_TIMEOUT,
                               "%s: still running after %lld ms; a reload waits for handshakes in progress",
                               run->statement.sql, limit);
        return err_set(err, ERR_TIMEOUT,
                       "%s: not begun within %lld ms, an earlier statement is still running",
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
                if (session->link.stage == MARIADB_CONNECTING || session->link.stage == MARIADB_RESOLVING)
                        mariadb_link_close(&session->link);
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

int mariadb_session_new(const struct admin_settings *settings, const char *publish, const char *rights,
                        struct mariadb_session **out, struct err *err)
{
        struct mariadb_session *session = MEM_NEW(struct mariadb_session);

        if (mariadb_login_init(settings, publish, &session->link.login, err) == -1) {
                mem_free(session);
                return -1;
        }
        session->rights = rights;
        *out = session;
        return 0;
}

void mariadb_session_free(struct mariadb_session *session)
{
        if (session->run != NULL)
                session->run->session = NULL;
        mariadb_link_close(&session->link);
        mariadb_login_done(&session->link.login);
        mem_free(session);
}
