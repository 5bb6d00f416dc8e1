// SPDX-License-Identifier: Apache-2.0
/*
 * MySQL 8.0.16 or newer: ALTER INSTANCE RELOAD TLS; on refusal (error 3888) the old certificate stays. Older
 * servers can only be restarted. Group Replication reads its certificate when it starts and is not reached.
 */
#include "hooks/drivers.h"
#include "hooks/mysql_custom.h"
#include "hooks/mysql_family.h"
#include "hooks/mysql_reload.h"
#include "hooks/mysql_settings.h"
#include "hooks/mysql_values.h"
#include "hooks/pem_outputs.h"

static const char *const endpoints[] = { "mysql://127.0.0.1:3306", NULL };
static const char *const sections[] = { "admin", NULL };

static int mysql_open(const struct hook_settings *settings, struct database **out, struct err *err)
{
        return mysql_family_open(&mysql_hook, "CONNECTION_ADMIN", settings, out, err);
}

static struct op *mysql_reload(struct database *database, int64_t limit_ms)
{
        return mysql_reload_start(database, false, limit_ms);
}

static int mysql_settings(const struct database *database, const struct settings_wish *wish,
                          const char *present, struct buf *out, struct err *err)
{
        return mysql_settings_put(MYSQL_KIND_MYSQL, database->settings, wish->mode, present, out, err);
}

const struct hook mysql_hook = {
        .name = "mysql",
        .summary = "MySQL 8.0.16 or newer: ALTER INSTANCE RELOAD TLS; older ones by restart",
        .caps = HOOK_RELOADS,
        .endpoints = endpoints,
        .sections = sections,
        .outputs = pem_outputs,
        .n_outputs = PEM_OUTPUTS_N,
        .open = mysql_open,
        .close = mysql_family_close,
        .not_reloaded = "connections that are open; the X protocol (port 33060), Group Replication, and an "
                        "administration port whose admin_ssl_cert lies in another directory than ssl_cert",
        .check = mysql_family_check,
        .settings = mysql_settings,
        .needs_restart = mysql_family_needs_restart,
        .reload = mysql_reload,
        .restart = mysql_family_restart,
        .health = mysql_family_health,
        .custom_check = mysql_values_check,
        .custom_prove = mysql_custom_prove,
};
