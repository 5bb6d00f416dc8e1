// SPDX-License-Identifier: Apache-2.0
#include "inject/engine.h"

#include "base/auto.h"

#include <stddef.h>
#include <string.h>

static const struct engine engines[] = {
        { "mariadb", "mariadbs.kubedb.com", "mariadb", "/etc/mysql/certs/server", "mysql://127.0.0.1:3306",
          NULL },
        { "mysql", "mysqls.kubedb.com", "mysql", "/etc/mysql/certs/server", "mysql://127.0.0.1:3306", NULL },
        { "perconaxtradb", "perconaxtradbs.kubedb.com", "perconaxtradb", "/etc/mysql/certs/server",
          "mysql://127.0.0.1:3306", NULL },
        { "singlestore", "singlestores.kubedb.com", "singlestore", "/etc/memsql/certs",
          "mysql://127.0.0.1:3306", NULL },
        { "mssqlserver", "mssqlservers.kubedb.com", "mssql", "/var/opt/mssql/tls", "tds://127.0.0.1:1433",
          NULL },
        { "druid", "druids.kubedb.com", "druid", "/opt/druid/ssl", NULL, "-keystore-cred" },
        { "generic", NULL, NULL, NULL, NULL, NULL },
};

const struct engine *engine_of_driver(const char *driver)
{
        for (size_t i = 0; i < ARRAY_LEN(engines); i++)
                if (strcmp(engines[i].driver, driver) == 0)
                        return &engines[i];
        return NULL;
}

const struct engine *engine_of_label(const char *label)
{
        for (size_t i = 0; i < ARRAY_LEN(engines); i++)
                if (engines[i].label != NULL && strcmp(engines[i].label, label) == 0)
                        return &engines[i];
        return NULL;
}

const char *engine_names(void)
{
        return "mariadb, mysql, perconaxtradb, singlestore, mssqlserver, druid, generic";
}
