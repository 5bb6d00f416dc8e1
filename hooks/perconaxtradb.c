// SPDX-License-Identifier: Apache-2.0
/*
 * Percona XtraDB Cluster 8.0 and 8.4 (5.7 by restart only). ALTER INSTANCE RELOAD TLS does not reach the link
 * between members, which is set up once from ssl_* at start: the provider is told by socket.ssl_reload, where
 * it has that. What the link then serves is proven by health(): a fresh mutual handshake with every member.
 *
 * At SHUTDOWN the server first tells its proxies and sleeps pxc_maint_transition_period (10 s); only the end
 * of the connection is the end of the server.
 */
#include "hooks/drivers.h"
#include "hooks/galera_rules.h"
#include "hooks/mysql_custom.h"
#include "hooks/mysql_family.h"
#include "hooks/mysql_reload.h"
#include "hooks/mysql_settings.h"
#include "hooks/mysql_values.h"
#include "hooks/pem_outputs.h"

static const char *const endpoints[] = { "mysql://127.0.0.1:3306", NULL };
static const char *const sections[] = { "admin", "galera", NULL };

static int perconaxtradb_open(const struct hook_settings *settings, struct database **out, struct err *err)
{
        if (mysql_settings_check(&settings->galera, err) == -1)
                return -1;
        return mysql_family_open(&perconaxtradb_hook, "CONNECTION_ADMIN, SYSTEM_VARIABLES_ADMIN", settings,
                                 out, err);
}

static struct op *perconaxtradb_reload(struct database *database, int64_t limit_ms)
{
        return mysql_reload_start(database, true, limit_ms);
}

static void perconaxtradb_check(const struct database *database, const struct bundle *fresh,
                                const struct bundle *published, struct findings *out)
{
        mysql_family_check(database, fresh, published, out);
        galera_rules_check(database, fresh, published, out);
}

static int perconaxtradb_settings(const struct database *database, const struct settings_wish *wish,
                                  const char *present, struct buf *out, struct err *err)
{
        return mysql_settings_put(MYSQL_KIND_PERCONA, database->settings, wish->mode, present, out, err);
}

const struct hook perconaxtradb_hook = {
        .name = "perconaxtradb",
        .summary = "Percona XtraDB Cluster 8.0 or newer: ALTER INSTANCE RELOAD TLS and the provider's "
                   "socket.ssl_reload",
        .caps = HOOK_RELOADS | HOOK_TRUST_GROWS | HOOK_CLUSTERED,
        .endpoints = endpoints,
        .sections = sections,
        .outputs = pem_outputs,
        .n_outputs = PEM_OUTPUTS_N,
        .open = perconaxtradb_open,
        .close = mysql_family_close,
        .settings_file = "/etc/mysql/custom.conf.d/zz-certrotate.cnf",
        .not_reloaded =
                "connections that are open; the group link where the provider has no socket.ssl_reload, "
                "and there an authority that was dropped stays trusted",
        .check = perconaxtradb_check,
        .settings = perconaxtradb_settings,
        .needs_restart = mysql_family_needs_restart,
        .reload = perconaxtradb_reload,
        .restart = mysql_family_restart,
        .health = mysql_family_health,
        .custom_check = mysql_values_check,
        .custom_prove = mysql_custom_prove,
};
