// SPDX-License-Identifier: Apache-2.0
/*
 * MariaDB and MariaDB Galera. FLUSH LOCAL SSL (10.4.1) makes the client port, and since 10.5.10 the group
 * link too, read key, certificate and authorities again; on refusal the old ones stay. It waits for
 * handshakes in progress, so under a storm of clients it may take long: its limit comes from the caller.
 *
 * The server looks neither at dates nor at what its peers trust: that is asked here, in health().
 */
#include "base/mem.h"
#include "certs/change.h"
#include "hooks/drivers.h"
#include "hooks/mariadb_health.h"

struct mariadb {
        struct database database; /* first */
        struct mariadb_session *session;
};

static const char *const sections[] = { "admin", "galera", NULL };

static const struct output outputs[] = {
        { .name = "ca.crt", .content = OUTPUT_CA, .attr = { 0644, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "tls.crt", .content = OUTPUT_CHAIN, .attr = { 0644, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "tls.key", .content = OUTPUT_KEY, .attr = { 0640, FS_KEEP, (gid_t)FS_KEEP } },
};

static const char *const endpoints[] = { "mysql://127.0.0.1:3306", NULL };

static int mariadb_open(const struct hook_settings *settings, struct database **out, struct err *err);

static struct mariadb *mariadb_of(struct database *database)
{
        return CONTAINER_OF(database, struct mariadb, database);
}

static void mariadb_close(struct database *database)
{
        struct mariadb *mariadb = mariadb_of(database);

        mariadb_session_free(mariadb->session);
        mem_free(mariadb);
}

static struct op *mariadb_reload(struct database *database, int64_t limit_ms)
{
        /* LOCAL: not written to the binary log, so replicas do not repeat it. */
        static const struct mariadb_statement flush = { .sql = "FLUSH LOCAL SSL", .right = "RELOAD" };

        return mariadb_session_run(mariadb_of(database)->session, &flush, limit_ms);
}

static struct op *mariadb_restart(struct database *database, int64_t limit_ms)
{
        static const struct mariadb_statement shutdown = { .sql = "SHUTDOWN",
                                                           .right = "SHUTDOWN",
                                                           .ends_server = true };

        return mariadb_session_run(mariadb_of(database)->session, &shutdown, limit_ms);
}

static struct op *mariadb_health(struct database *database, int64_t limit_ms)
{
        return mariadb_health_start(database, mariadb_of(database)->session, limit_ms);
}

/*
 * Galera links are mutual: every member must trust the others' authority before any of them shows a leaf of
 * it, and the leaf is shown as a client's too. Until the server has answered once, a database with a history
 * is taken for a member: a cluster that falls apart costs more than a question to the administrator.
 */
static void mariadb_check(const struct database *database, const struct bundle *fresh,
                          const struct bundle *published, struct findings *out)
{
        const struct policy *policy = database->settings->policy;
        bool may_be_member = database->facts.known ? database->facts.clustered : published != NULL;

        if (may_be_member && change_classify(published, fresh) == CHANGE_NEW_AUTHORITY)
                policy_add(out, policy, FINDING_AUTHORITY_CHANGED,
                           "the leaf is signed by an authority ('%.120s') that other members of the cluster "
                           "may not "
                           "trust: members would refuse each other; first publish old and new authorities on "
                           "every "
                           "member, then the leaf",
                           bundle_leaf(fresh)->issuer);
        if (database->facts.known && database->facts.clustered && !bundle_leaf(fresh)->client_auth)
                policy_add(out, policy, FINDING_ENGINE,
                           "the leaf may not be used by a client (extended key usage without clientAuth), "
                           "but Galera "
                           "members show it to each other as clients: members would refuse each other");
}

const struct hook mariadb_hook = {
        .name = "mariadb",
        .summary =
                "MariaDB 10.4 or newer, alone or in a Galera cluster: FLUSH LOCAL SSL over its own protocol",
        .caps = HOOK_RELOADS | HOOK_TRUST_GROWS | HOOK_CLUSTERED,
        .endpoints = endpoints,
        .sections = sections,
        .outputs = outputs,
        .n_outputs = ARRAY_LEN(outputs),
        .open = mariadb_open,
        .close = mariadb_close,
        .check = mariadb_check,
        .reload = mariadb_reload,
        .restart = mariadb_restart,
        .health = mariadb_health,
};

static int mariadb_open(const struct hook_settings *settings, struct database **out, struct err *err)
{
        struct mariadb_session *session = NULL;
        struct mariadb *mariadb;

        if (mariadb_session_new(&settings->admin, settings->publish, &session, err) == -1)
                return -1;
        mariadb = MEM_NEW(struct mariadb);
        mariadb->database.hook = &mariadb_hook;
        mariadb->database.settings = settings;
        mariadb->session = session;
        *out = &mariadb->database;
        return 0;
}
