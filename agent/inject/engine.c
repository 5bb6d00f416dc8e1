// SPDX-License-Identifier: Apache-2.0
#include "inject/engine.h"

#include "base/auto.h"

#include <stddef.h>
#include <string.h>

static const struct engine engines[] = {
        { .driver = "mariadb",
          .label = "mariadbs.kubedb.com",
          .container = "mariadb",
          .publish = "/etc/mysql/certs/server",
          .endpoint = "mysql://127.0.0.1:3306",
          .settings = "zz-certrotate.cnf",
          .has_files = true },
        { .driver = "mysql",
          .label = "mysqls.kubedb.com",
          .container = "mysql",
          .publish = "/etc/mysql/certs/server",
          .endpoint = "mysql://127.0.0.1:3306",
          .settings = "zz-certrotate.cnf",
          .has_files = true },
        { .driver = "perconaxtradb",
          .label = "perconaxtradbs.kubedb.com",
          .container = "perconaxtradb",
          .publish = "/etc/mysql/certs/server",
          .endpoint = "mysql://127.0.0.1:3306",
          .settings = "zz-certrotate.cnf",
          .has_files = true },
        { .driver = "singlestore",
          .label = "singlestores.kubedb.com",
          .container = "singlestore",
          .publish = "/etc/memsql/certs",
          .endpoint = "mysql://127.0.0.1:3306",
          .settings = "zz-certrotate.cnf" },
        { .driver = "mssqlserver",
          .label = "mssqlservers.kubedb.com",
          .container = "mssql",
          .publish = "/var/opt/mssql/tls",
          .endpoint = "tds://127.0.0.1:1433" },
        { .driver = "druid",
          .label = "druids.kubedb.com",
          .container = "druid",
          .publish = "/opt/druid/ssl",
          .role = "druid",
          .store = "-keystore-cred" },
        { .driver = "generic" },
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
