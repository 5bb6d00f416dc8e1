// SPDX-License-Identifier: Apache-2.0
/*
 * Microsoft SQL Server on Linux, 2019 and newer. It reads tlscert and tlskey of mssql.conf once, at start: no
 * statement, signal or view reaches them later, so every new certificate is a restart. With a pair that it
 * dislikes it does not start at all; hence the rules of its own (mssql_rules.h), judged before the publish.
 *
 * It is asked through FreeTDS (mssql_link.h) on a thread (mssql_job.h), and ended by SHUTDOWN, which writes a
 * checkpoint, or by what the `process` section says (mssql_end.h). A primary of an availability group is not
 * ended before a synchronized secondary has taken over. The endpoint of the group has a certificate of its
 * own, an object in the database, and a driver of its own (mssql_endpoint.c).
 *
 * Without a configured certificate it signs one at each start and serves that: "off" does not mean that
 * nothing speaks TLS. Whoever takes over from a primary that is to be without TLS shows such a one, and is
 * logged in to all the same: otherwise a group could never be brought there.
 */
#include "base/log.h"
#include "base/mem.h"
#include "hooks/drivers.h"
#include "hooks/mssql_ask.h"
#include "hooks/mssql_conf.h"
#include "hooks/mssql_end.h"
#include "hooks/mssql_lay.h"
#include "hooks/mssql_memory.h"
#include "hooks/mssql_rules.h"

#include <stdio.h>

struct mssqlserver {
        struct database database; /* first */
        struct mssql_worker *worker;
        struct mssql_sick before; /* what was not well when it was last ended by us */
        int64_t asked_mb;         /* by the files that are being proven */
};

static const char *const endpoints[] = { "tds://127.0.0.1:1433", NULL };
static const char *const sections[] = { "admin", "mssql", "process", NULL };
static const char *const roles[] = { "secondary", "primary", NULL };

/* As KubeDB names them; its image runs as uid 10001 in group 0. */
static const struct output outputs[] = {
        { .name = "ca.crt", .content = OUTPUT_CA, .attr = { 0444, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "server.crt", .content = OUTPUT_CHAIN, .attr = { 0444, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "server.key", .content = OUTPUT_KEY, .attr = { 0440, FS_KEEP, (gid_t)FS_KEEP } },
};

static int mssqlserver_open(const struct hook_settings *settings, struct database **out, struct err *err)
{
        struct mssql_worker *worker = NULL;
        struct mssqlserver *self;

        if (mssql_worker_new(settings, &worker, err) == -1)
                return -1;
        self = MEM_NEW(struct mssqlserver);
        self->database.hook = &mssqlserver_hook;
        self->database.settings = settings;
        self->worker = worker;
        *out = &self->database;
        return 0;
}

static struct mssqlserver *mssqlserver_of(struct database *database)
{
        return CONTAINER_OF(database, struct mssqlserver, database);
}

static void mssqlserver_close(struct database *database)
{
        struct mssqlserver *self = mssqlserver_of(database);

        mssql_worker_free(self->worker);
        mem_free(self);
}

static void note_facts(struct hook_facts *facts, const struct mssql_state *state)
{
        facts->known = true;
        (void)snprintf(facts->version, sizeof(facts->version), "%s", state->version);
        (void)snprintf(facts->role, sizeof(facts->role), "%s", mssql_state_role(state));
        facts->members = mssql_state_members(state);
}

static int ended(void *arg, const struct mssql_state *state, struct err *err UNUSED)
{
        struct mssqlserver *self = arg;

        note_facts(&self->database.facts, state);
        self->before = state->sick;
        return 0;
}

static struct op *mssqlserver_restart(struct database *database, int64_t limit_ms)
{
        struct mssqlserver *self = mssqlserver_of(database);

        mssql_worker_set_plain(self->worker, database->mode == TLS_OFF);
        return mssql_end_start(self->worker, database->settings, ended, self, limit_ms);
}

static int asked(void *arg, const struct mssql_state *state, struct err *err)
{
        struct mssqlserver *self = arg;

        note_facts(&self->database.facts, state);
        return mssql_state_judge(state, &self->before, err);
}

static enum op_state unasked_step(struct op *op UNUSED, short ready UNUSED, struct mono now UNUSED,
                                  struct err *err UNUSED)
{
        return OP_DONE;
}

static void unasked_free(struct op *op)
{
        mem_free(op);
}

/* Without a login the handshake is all the proof there is. */
static struct op *start_unasked(void)
{
        static const struct op_type type = { .name = "health", .step = unasked_step, .free = unasked_free };
        struct op *op = MEM_NEW(struct op);

        op->type = &type;
        return op;
}

static struct op *mssqlserver_health(struct database *database, int64_t limit_ms)
{
        struct mssqlserver *self = mssqlserver_of(database);

        if (!mssql_end_asks(database->settings))
                return start_unasked();
        return mssql_worker_start(self->worker, mssql_ask_state, asked, self, limit_ms);
}

static char *mssqlserver_custom_place(const struct database *database UNUSED, const char *settings_file,
                                      size_t i)
{
        return i == 0 ? mem_strdup(settings_file) : NULL;
}

static int mssqlserver_custom_lay(const struct database *database UNUSED, size_t i UNUSED,
                                  const struct custom_text *files, size_t n, const char *present,
                                  struct buf *out, struct err *err)
{
        return mssql_lay_render(files, n, present, out, err);
}

static int told_of_memory(void *arg, const struct mssql_state *state, struct err *err)
{
        struct mssqlserver *self = arg;

        if (state->memory_kb == 0)
                log_info("settings_not_compared", LOG_S("names", "memory.memorylimitmb"));
        return mssql_memory_judge(self->asked_mb, state, err);
}

static struct op *mssqlserver_custom_prove(struct database *database, const struct custom_text *files,
                                           size_t n, int64_t limit_ms)
{
        struct mssqlserver *self = mssqlserver_of(database);

        self->asked_mb = mssql_memory_asked(files, n);
        if (self->asked_mb == 0 || !mssql_end_asks(database->settings))
                return start_unasked();
        return mssql_worker_start(self->worker, mssql_memory_ask, told_of_memory, self, limit_ms);
}

const struct hook mssqlserver_hook = {
        .name = "mssqlserver",
        .summary =
                "Microsoft SQL Server 2019 or newer on Linux: SHUTDOWN, and its supervisor starts it again",
        .caps = HOOK_SIGNS_ITSELF | HOOK_READS_NO_CA,
        .endpoints = endpoints,
        .sections = sections,
        .outputs = outputs,
        .n_outputs = ARRAY_LEN(outputs),
        .roles = roles,
        .settings_file = "/var/opt/mssql/mssql.conf",
        .open = mssqlserver_open,
        .close = mssqlserver_close,
        .check = mssql_rules_check,
        .settings = mssql_conf_edit,
        .restart = mssqlserver_restart,
        .health = mssqlserver_health,
        .custom_check = mssql_lay_check,
        .custom_place = mssqlserver_custom_place,
        .custom_lay = mssqlserver_custom_lay,
        .custom_prove = mssqlserver_custom_prove,
};
