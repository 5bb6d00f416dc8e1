// SPDX-License-Identifier: Apache-2.0
#include "control/kinds.h"

#include "hooks/hook.h"

#include <string.h>

#define CNF_MAX 243 /* of a file's name: with a prefix of ours still a file's name */

static const char *const issued[] = { "server", "client", NULL };
static const char *const exporter_aliases[] = { "server", "client", "metrics-exporter", NULL };
/* The endpoint is of availability groups only: it is issued when a request names it. */
static const char *const mssqlserver_aliases[] = { "server", "client", "endpoint", NULL };
static const char *const mysql_aliases[] = { "server", "client", "metrics-exporter", "router", NULL };
static const char *const postgres_aliases[] = { "server",  "client",      "metrics-exporter", "archiver",
                                                "grpc-ca", "grpc-server", "grpc-client",      NULL };
static const char *const singlestore_parts[] = { "node", "aggregator", "leaf", NULL };
static const char *const mssqlserver_files[] = { "mssql.conf", NULL };
static const char *const postgres_files[] = { "user.conf", NULL };
static const char *const redis_files[] = { "redis.conf", "valkey.conf", NULL };
static const char *const druid_files[] = {
        "common.runtime.properties", "coordinators.properties",
        "overlords.properties",      "historicals.properties",
        "middleManagers.properties", "brokers.properties",
        "routers.properties",        "coordinators.jvm.config",
        "overlords.jvm.config",      "historicals.jvm.config",
        "middleManagers.jvm.config", "brokers.jvm.config",
        "routers.jvm.config",        NULL,
};

const struct kind kinds[] = {
        { .request = "SinglestoreOpsRequest",
          .requests = "singlestoreopsrequests",
          .database = "Singlestore",
          .databases = "singlestores",
          .group = "kubedb.com/v1alpha2",
          .driver = "singlestore",
          .reconfigured = "RestartPods",
          .aliases = exporter_aliases,
          .issued = issued,
          .config_roles = singlestore_parts,
          .mixes = true },
        { .request = "MSSQLServerOpsRequest",
          .requests = "mssqlserveropsrequests",
          .database = "MSSQLServer",
          .databases = "mssqlservers",
          .group = "kubedb.com/v1alpha2",
          .driver = "mssqlserver",
          .reconfigured = "RestartPods",
          .aliases = mssqlserver_aliases,
          .files = mssqlserver_files,
          .issued = issued,
          .require_field = "clientTLS" },
        { .request = "PerconaXtraDBOpsRequest",
          .requests = "perconaxtradbopsrequests",
          .database = "PerconaXtraDB",
          .databases = "perconaxtradbs",
          .group = "kubedb.com/v1",
          .driver = "perconaxtradb",
          .reconfigured = "RestartPods",
          .aliases = exporter_aliases,
          .issued = issued,
          .mixes = true,
          .require_field = "requireSSL" },
        { .request = "DruidOpsRequest",
          .requests = "druidopsrequests",
          .database = "Druid",
          .databases = "druids",
          .group = "kubedb.com/v1alpha2",
          .driver = "druid",
          .reconfigured = "RestartNodes",
          .files = druid_files,
          .aliases = issued,
          .issued = issued,
          .switch_field = "enableSSL" },
        { .request = "MariaDBOpsRequest",
          .requests = "mariadbopsrequests",
          .database = "MariaDB",
          .databases = "mariadbs",
          .group = "kubedb.com/v1",
          .driver = "mariadb",
          .reconfigured = "RestartPods",
          .aliases = exporter_aliases,
          .issued = issued,
          .mixes = true,
          .alone = "standalone",
          .require_field = "requireSSL" },
        { .request = "MySQLOpsRequest",
          .requests = "mysqlopsrequests",
          .database = "MySQL",
          .databases = "mysqls",
          .group = "kubedb.com/v1",
          .driver = "mysql",
          .reconfigured = "RestartPods",
          .aliases = mysql_aliases,
          .issued = issued,
          .require_field = "requireSSL" },
        { .request = "PostgresOpsRequest",
          .requests = "postgresopsrequests",
          .database = "Postgres",
          .databases = "postgreses",
          .group = "kubedb.com/v1",
          .driver = "generic",
          .reconfigured = "RestartPods",
          .aliases = postgres_aliases,
          .files = postgres_files,
          .issued = issued },
        { .request = "RedisOpsRequest",
          .requests = "redisopsrequests",
          .database = "Redis",
          .databases = "redises",
          .group = "kubedb.com/v1",
          .driver = "generic",
          .reconfigured = "RestartPods",
          .files = redis_files,
          .aliases = exporter_aliases,
          .issued = issued },
        { .request = NULL },
};

const struct kind *kind_of_request(const char *request)
{
        if (request == NULL)
                return NULL;
        for (const struct kind *kind = kinds; kind->request != NULL; kind++)
                if (strcmp(kind->request, request) == 0 || strcmp(kind->database, request) == 0)
                        return kind;
        return NULL;
}

bool kind_has_alias(const struct kind *kind, const char *alias)
{
        for (size_t i = 0; alias != NULL && kind->aliases[i] != NULL; i++)
                if (strcmp(kind->aliases[i], alias) == 0)
                        return true;
        return false;
}

/* A file of the MySQL family's include directory. */
static bool is_cnf(const char *name)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        static const char end[] = ".cnf";
        const size_t len = strlen(name);

        if (len < sizeof(end) || len > CNF_MAX || strcmp(name + len - strlen(end), end) != 0)
                return false;
        if (strchr(letters, name[0]) == NULL)
                return false;
        for (const char *p = name; *p != '\0'; p++)
                if (strchr(letters, *p) == NULL && strchr("-._", *p) == NULL)
                        return false;
        return true;
}

bool kind_has_file(const struct kind *kind, const char *name)
{
        if (kind->files == NULL)
                return is_cnf(name);
        for (size_t i = 0; kind->files[i] != NULL; i++)
                if (strcmp(kind->files[i], name) == 0)
                        return true;
        return false;
}

size_t kind_rank(const struct kind *kind, const char *role)
{
        const struct hook *hook = hook_find(kind->driver);
        const char *const *roles = hook != NULL ? hook->roles : NULL;

        for (size_t i = 0; role != NULL && roles != NULL && roles[i] != NULL; i++)
                if (strcmp(roles[i], role) == 0)
                        return i + 1;
        return 0;
}

bool kind_reloads(const struct kind *kind)
{
        const struct hook *hook = hook_find(kind->driver);

        return hook != NULL && (hook->caps & HOOK_RELOADS) != 0;
}
