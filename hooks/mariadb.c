// SPDX-License-Identifier: Apache-2.0
/*
 * MariaDB and MariaDB Galera. FLUSH LOCAL SSL (10.4.1) makes the client port, and since 10.5.10 the group
 * link too, read key, certificate and authorities again; on refusal the old ones stay. It waits for
 * handshakes in progress, so under a storm of clients it may take long: its limit comes from the caller.
 *
 * The server looks neither at dates nor at what its peers trust: that is asked here, in health().
 */
#include "hooks/drivers.h"
#include "hooks/galera_rules.h"
#include "hooks/mysql_custom.h"
#include "hooks/mysql_family.h"
#include "hooks/mysql_settings.h"
#include "hooks/mysql_values.h"
#include "hooks/pem_outputs.h"

static const char *const endpoints[] = { "mysql://127.0.0.1:3306", NULL };
static const char *const sections[] = { "admin", "galera", NULL };

static int mariadb_open(const struct hook_settings *settings, struct database **out, struct err *err)
{
        if (mysql_settings_check(&settings->galera, err) == -1)
                return -1;
        return mysql_family_open(&mariadb_hook, "RELOAD", settings, out, err);
}

static struct op *mariadb_reload(struct database *database, int64_t limit_ms)
{
        /* LOCAL: not written to the binary log, so replicas do not repeat it. */
        static const struct mariadb_statement flush = { .sql = "FLUSH LOCAL SSL", .right = "RELOAD" };

        return mariadb_session_run(mysql_family_of(database)->session, &flush, limit_ms);
}

static int mariadb_settings(const struct database *database, const struct settings_wish *wish,
                            const char *present, struct buf *out, struct err *err)
{
        return mysql_settings_put(MYSQL_KIND_MARIADB, database->settings, wish->mode, present, out, err);
}

const struct hook mariadb_hook = {
        .name = "mariadb",
        .summary =
                "MariaDB 10.4 or newer, alone or in a Galera cluster: FLUSH LOCAL SSL over its own protocol",
        .caps = HOOK_RELOADS | HOOK_TRUST_GROWS | HOOK_CLUSTERED,
        .endpoints = endpoints,
        .sections = sections,
        .outputs = pem_outputs,
        .n_outputs = PEM_OUTPUTS_N,
        .open = mariadb_open,
        .close = mysql_family_close,
        .not_reloaded = "connections that are open; with Galera, an authority that was dropped stays trusted",
        .check = galera_rules_check,
        .settings = mariadb_settings,
        .needs_restart = mysql_family_needs_restart,
        .reload = mariadb_reload,
        .restart = mysql_family_restart,
        .health = mysql_family_health,
        .custom_check = mysql_values_check,
        .custom_prove = mysql_custom_prove,
};
