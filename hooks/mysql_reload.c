// SPDX-License-Identifier: Apache-2.0
/*
 * A short program of statements, each chosen by what the one before it answered.
 */
#include "hooks/mysql_reload.h"

#include "base/mem.h"
#include "hooks/mysql_version.h"
#include "hooks/program.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum phase {
        PHASE_VERSION,
        PHASE_FLUSH,
        PHASE_ALTER,
        PHASE_WARNINGS,
        PHASE_ADMIN,
        PHASE_ALTER_ADMIN,
        PHASE_WARNINGS_ADMIN,
        PHASE_PROVIDER,
        PHASE_GROUP,
        PHASE_END
};

struct reload {
        struct database *database;
        bool group;
        enum phase phase; /* the statement under way */
        bool begun;
        char warning[200];          /* "" none */
        char certificate[PATH_MAX]; /* of the client port */
        char admin_certificate[PATH_MAX];
        bool has_admin; /* an administration port */
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
        [PHASE_ADMIN] = { "SHOW GLOBAL VARIABLES WHERE Variable_name IN "
                          "('admin_address','admin_ssl_cert','ssl_cert')",
                          NULL },
        [PHASE_ALTER_ADMIN] = { "ALTER INSTANCE RELOAD TLS FOR CHANNEL mysql_admin", "CONNECTION_ADMIN" },
        [PHASE_WARNINGS_ADMIN] = { "SHOW WARNINGS", NULL },
        [PHASE_PROVIDER] = { "SHOW GLOBAL VARIABLES LIKE 'wsrep_provider_options'", NULL },
        [PHASE_GROUP] = { "SET GLOBAL wsrep_provider_options='socket.ssl_reload=1'",
                          "SYSTEM_VARIABLES_ADMIN" },
};

static void take_variable(struct reload *reload, const char *name, const char *value)
{
        if (strcmp(name, "admin_address") == 0)
                reload->has_admin = value[0] != '\0';
        else if (strcmp(name, "admin_ssl_cert") == 0)
                (void)snprintf(reload->admin_certificate, sizeof(reload->admin_certificate), "%s", value);
        else if (strcmp(name, "ssl_cert") == 0)
                (void)snprintf(reload->certificate, sizeof(reload->certificate), "%s", value);
        else
                reload->group_reloads = strstr(value, "socket.ssl_reload") != NULL;
}

static void take_version(struct hook_facts *facts, const char *version)
{
        facts->known = true;
        (void)snprintf(facts->version, sizeof(facts->version), "%s", version);
}

/* A note is none: only what went wrong counts. */
static void take_warning(struct reload *reload, const char *level, const char *text)
{
        if (strcmp(level, "Note") != 0 && reload->warning[0] == '\0')
                (void)snprintf(reload->warning, sizeof(reload->warning), "%s", text);
}

/* VERSION(): 1 column. A variable: name, value. A warning: level, code, message. */
static void take(void *arg, const char *const *values, unsigned n)
{
        struct reload *reload = arg;

        if (n == 0 || values[0] == NULL || values[n - 1] == NULL)
                return;
        if (n == 1 && reload->phase == PHASE_VERSION)
                take_version(&reload->database->facts, values[0]);
        else if (n == 2)
                take_variable(reload, values[0], values[1]);
        else if (n == 3)
                take_warning(reload, values[0], values[2]);
}

static int choose_statement(struct reload *reload, struct err *err)
{
        const char *version = reload->database->facts.version;

        if (!mysql_version_reloads(version))
                return err_set(
                        err, ERR_ENGINE,
                        "this server (%s) cannot read its certificate again while it runs (MySQL 8.0.16 "
                        "and MariaDB 10.4 can): set apply to restart",
                        version);
        reload->phase = mysql_version_is_mariadb(version) ? PHASE_FLUSH : PHASE_ALTER;
        return 0;
}

static int judge_warnings(const struct reload *reload, enum phase altered, struct err *err)
{
        if (reload->warning[0] == '\0')
                return 0;
        return err_set(err, ERR_ENGINE, "%s: the server warns: %s", statements[altered].sql, reload->warning);
}

/*
 * The administration port shares the client port's files until admin_ssl_* are set; then the plain statement
 * leaves it alone, and before that the one for its channel is an error. Files in another directory than the
 * client port's are somebody else's: that they are bad must not stop this rotation.
 */
static bool has_admin_files(const struct reload *reload)
{
        const char *slash = strrchr(reload->certificate, '/');
        const char *admin_slash = strrchr(reload->admin_certificate, '/');
        size_t len = slash == NULL ? 0 : (size_t)(slash - reload->certificate);
        size_t admin_len = admin_slash == NULL ? 0 : (size_t)(admin_slash - reload->admin_certificate);

        return reload->has_admin && reload->admin_certificate[0] != '\0' && len == admin_len &&
               strncmp(reload->certificate, reload->admin_certificate, len) == 0;
}

static int next_phase(struct reload *reload, struct err *err)
{
        enum phase group = reload->group ? PHASE_PROVIDER : PHASE_END;

        switch (reload->phase) {
        case PHASE_VERSION:
                return choose_statement(reload, err);
        case PHASE_ALTER:
                reload->phase = PHASE_WARNINGS;
                return 0;
        case PHASE_WARNINGS:
                reload->phase = PHASE_ADMIN;
                return judge_warnings(reload, PHASE_ALTER, err);
        case PHASE_ADMIN:
                reload->phase = has_admin_files(reload) ? PHASE_ALTER_ADMIN : group;
                return 0;
        case PHASE_ALTER_ADMIN:
                reload->phase = PHASE_WARNINGS_ADMIN;
                return 0;
        case PHASE_WARNINGS_ADMIN:
                reload->phase = group;
                return judge_warnings(reload, PHASE_ALTER_ADMIN, err);
        case PHASE_FLUSH:
                reload->phase = group;
                return 0;
        case PHASE_PROVIDER:
                reload->phase = reload->group_reloads ? PHASE_GROUP : PHASE_END;
                return 0;
        case PHASE_GROUP:
        case PHASE_END:
                reload->phase = PHASE_END;
                return 0;
        }
        return 0;
}

static int reload_next(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                       struct err *err)
{
        struct reload *reload = self;
        const struct statement *statement;

        if (failure != NULL) {
                *err = *failure;
                return -1;
        }
        if (reload->begun && next_phase(reload, err) == -1)
                return -1;
        reload->begun = true;
        if (reload->phase == PHASE_END)
                return 0;
        statement = &statements[reload->phase];
        *out = mariadb_session_run(
                mysql_family_of(reload->database)->session,
                &(struct mariadb_statement){
                        .sql = statement->sql, .right = statement->right, .row = take, .arg = reload },
                left_ms);
        return 0;
}

struct op *mysql_reload_start(struct database *database, bool group, int64_t limit_ms)
{
        static const struct program_type type = { .name = "reload", .next = reload_next, .free = mem_free };
        struct reload *reload = MEM_NEW(struct reload);

        reload->database = database;
        reload->group = group;
        return program_start(&type, reload, limit_ms);
}
