// SPDX-License-Identifier: Apache-2.0
/*
 * A short program of statements, each chosen by what the one before it answered.
 */
#include "hooks/mysql_reload.h"

#include "base/mem.h"
#include "hooks/mysql_version.h"

#include <stdio.h>
#include <string.h>

enum phase {
        PHASE_VERSION,
        PHASE_FLUSH,
        PHASE_ALTER,
        PHASE_WARNINGS,
        PHASE_PROVIDER,
        PHASE_GROUP,
        PHASE_END
};

struct reload {
        struct op op;
        struct mariadb_session *session;
        int64_t limit_ms;
        struct mono deadline;
        bool group;
        enum phase phase;
        struct op *current;
        char version[96];
        char warning[200]; /* "" none */
        bool group_reloads;
};

struct statement {
        const char *sql;
        const char *right;
};

static const struct statement statements[] = {
        [PHASE_VERSION] = { "SELECT VERSION()", NULL },
        /* LOCAL: not written to the binary log, so replicas do not repeat it. */
        [PHASE_FLUSH] = { "FLUSH LOCAL SSL", "RELOAD" },
        [PHASE_ALTER] = { "ALTER INSTANCE RELOAD TLS", "CONNECTION_ADMIN" },
        [PHASE_WARNINGS] = { "SHOW WARNINGS", NULL },
        [PHASE_PROVIDER] = { "SHOW GLOBAL VARIABLES LIKE 'wsrep_provider_options'", NULL },
        [PHASE_GROUP] = { "SET GLOBAL wsrep_provider_options='socket.ssl_reload=1'",
                          "SYSTEM_VARIABLES_ADMIN" },
};

/* VERSION(): 1 column. A variable: name, value. A warning: level, code, message. */
static void take(void *arg, const char *const *values, unsigned n)
{
        struct reload *reload = arg;
        const char *last = n == 0 ? NULL : values[n - 1];

        if (last == NULL)
                return;
        if (reload->phase == PHASE_VERSION)
                (void)snprintf(reload->version, sizeof(reload->version), "%s", last);
        else if (reload->phase == PHASE_PROVIDER)
                reload->group_reloads = strstr(last, "socket.ssl_reload") != NULL;
        else if (reload->phase == PHASE_WARNINGS && reload->warning[0] == '\0')
                (void)snprintf(reload->warning, sizeof(reload->warning), "%s", last);
}

static int choose_statement(struct reload *reload, struct err *err)
{
        if (!mysql_version_reloads(reload->version))
                return err_set(
                        err, ERR_ENGINE,
                        "this server (%s) cannot read its certificate again while it runs (MySQL 8.0.16 "
                        "and MariaDB 10.4 can): set apply to restart",
                        reload->version);
        reload->phase = mysql_version_is_mariadb(reload->version) ? PHASE_FLUSH : PHASE_ALTER;
        return 0;
}

static int next_phase(struct reload *reload, struct err *err)
{
        switch (reload->phase) {
        case PHASE_VERSION:
                return choose_statement(reload, err);
        case PHASE_ALTER:
                reload->phase = PHASE_WARNINGS;
                return 0;
        case PHASE_WARNINGS:
                if (reload->warning[0] != '\0')
                        return err_set(err, ERR_ENGINE, "%s: the server warns: %s",
                                       statements[PHASE_ALTER].sql, reload->warning);
                reload->phase = reload->group ? PHASE_PROVIDER : PHASE_END;
                return 0;
        case PHASE_PROVIDER:
                reload->phase = reload->group_reloads ? PHASE_GROUP : PHASE_END;
                return 0;
        case PHASE_FLUSH:
                reload->phase = reload->group ? PHASE_PROVIDER : PHASE_END;
                return 0;
        case PHASE_GROUP:
        case PHASE_END:
                reload->phase = PHASE_END;
                return 0;
        }
        return 0;
}

static struct op *start_phase(struct reload *reload, struct mono now)
{
        const struct statement *statement = &statements[reload->phase];

        return mariadb_session_run(
                reload->session,
                &(struct mariadb_statement){
                        .sql = statement->sql, .right = statement->right, .row = take, .arg = reload },
                reload->deadline.ms - now.ms);
}

static enum op_state reload_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct reload *reload = CONTAINER_OF(op, struct reload, op);

        if (reload->deadline.ms == 0)
                reload->deadline = clock_after(now, reload->limit_ms);
        while (reload->phase != PHASE_END) {
                enum op_state state;

                if (reload->current == NULL)
                        reload->current = start_phase(reload, now);
                state = reload->current->type->step(reload->current, ready, now, err);
                if (state == OP_WAIT) {
                        reload->op.want = reload->current->want;
                        return OP_WAIT;
                }
                op_free(TAKE(reload->current));
                if (state == OP_FAILED || next_phase(reload, err) == -1)
                        return OP_FAILED;
                ready = 0;
        }
        return OP_DONE;
}

static void reload_free(struct op *op)
{
        struct reload *reload = CONTAINER_OF(op, struct reload, op);

        op_free(reload->current);
        mem_free(reload);
}

struct op *mysql_reload_start(struct mariadb_session *session, bool group, int64_t limit_ms)
{
        static const struct op_type type = { .name = "reload", .step = reload_step, .free = reload_free };
        struct reload *reload = MEM_NEW(struct reload);

        reload->op.type = &type;
        reload->session = session;
        reload->group = group;
        reload->limit_ms = limit_ms;
        return &reload->op;
}
