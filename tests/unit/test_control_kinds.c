// SPDX-License-Identifier: Apache-2.0
/*
 * The kinds: every one is whole, is found, and its pods are restarted in its driver's order.
 */
#include "control/kinds.h"

#include "hooks/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_kind_is_whole(void **state UNUSED)
{
        size_t n = 0;

        for (const struct kind *kind = kinds; kind->request != NULL; kind++, n++) {
                size_t aliases = 0;

                assert_non_null(hook_find(kind->driver));
                assert_ptr_equal(strstr(kind->request, kind->database), kind->request);
                assert_string_equal(kind->request + strlen(kind->database), "OpsRequest");
                assert_string_equal(kind->aliases[0], "server");
                while (kind->aliases[aliases] != NULL)
                        aliases++;
                assert_true(aliases <= KIND_ALIASES_MAX);
                for (size_t i = 0; kind->issued[i] != NULL; i++)
                        assert_true(kind_has_alias(kind, kind->issued[i]));
                assert_ptr_equal(kind_of_request(kind->request), kind);
                assert_ptr_equal(kind_of_request(kind->database), kind);
        }
        assert_int_equal(n, 8);
}

static void what_differs(void **state UNUSED)
{
        static const struct {
                const char *database, *requests, *databases, *group, *require_field;
                bool mixes;
                const char *alone;
        } cases[] = {
                { "Singlestore", "singlestoreopsrequests", "singlestores", "kubedb.com/v1alpha2", NULL, true,
                  NULL },
                { "MSSQLServer", "mssqlserveropsrequests", "mssqlservers", "kubedb.com/v1alpha2", "clientTLS",
                  false, NULL },
                { "PerconaXtraDB", "perconaxtradbopsrequests", "perconaxtradbs", "kubedb.com/v1",
                  "requireSSL", true, NULL },
                { "Druid", "druidopsrequests", "druids", "kubedb.com/v1alpha2", NULL, false, NULL },
                { "MariaDB", "mariadbopsrequests", "mariadbs", "kubedb.com/v1", "requireSSL", true,
                  "standalone" },
                { "MySQL", "mysqlopsrequests", "mysqls", "kubedb.com/v1", "requireSSL", false, NULL },
                { "Postgres", "postgresopsrequests", "postgreses", "kubedb.com/v1", NULL, false, NULL },
                { "Redis", "redisopsrequests", "redises", "kubedb.com/v1", NULL, false, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct kind *kind = kind_of_request(cases[i].database);

                assert_non_null(kind);
                assert_string_equal(kind->requests, cases[i].requests);
                assert_string_equal(kind->databases, cases[i].databases);
                assert_string_equal(kind->group, cases[i].group);
                assert_int_equal(kind->mixes, cases[i].mixes);
                assert_true((kind->alone == NULL) == (cases[i].alone == NULL));
                if (kind->alone != NULL)
                        assert_string_equal(kind->alone, cases[i].alone);
                if (cases[i].require_field == NULL)
                        assert_null(kind->require_field);
                else
                        assert_string_equal(kind->require_field, cases[i].require_field);
                assert_int_equal(kind->config_roles != NULL, i == 0);
                assert_int_equal(kind->switch_field != NULL, strcmp(kind->database, "Druid") == 0);
        }
}

static void only_what_is_known(void **state UNUSED)
{
        static const char *const unknown[] = {
                NULL, "", "Mongo", "MongoDBOpsRequest", "mariadbopsrequest", "MariaDBOps"
        };

        for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
                assert_null(kind_of_request(unknown[i]));
        assert_true(kind_has_alias(kind_of_request("MSSQLServer"), "endpoint"));
        assert_true(kind_has_alias(kind_of_request("MySQL"), "router"));
        assert_true(kind_has_alias(kind_of_request("Postgres"), "grpc-client"));
        assert_false(kind_has_alias(kind_of_request("Druid"), "metrics-exporter"));
        assert_false(kind_has_alias(kind_of_request("MariaDB"), "Server"));
        assert_false(kind_has_alias(kind_of_request("MariaDB"), ""));
        assert_false(kind_has_alias(kind_of_request("MariaDB"), NULL));
}

static void names_of_files(void **state UNUSED)
{
        static const struct {
                const char *database, *name;
                bool may;
        } cases[] = {
                { "MariaDB", "my-apply.cnf", true },
                { "Singlestore", "1_A.b.cnf", true },
                { "MySQL", "a.cnf", true },
                { "MySQL", ".cnf", false },
                { "MySQL", "..cnf", false },
                { "MySQL", "../a.cnf", false },
                { "MySQL", "a.cnf ", false },
                { "MySQL", "a.conf", false },
                { "MySQL", "", false },
                { "MSSQLServer", "mssql.conf", true },
                { "MSSQLServer", "a.cnf", false },
                { "Postgres", "user.conf", true },
                { "Redis", "valkey.conf", true },
                { "Druid", "middleManagers.jvm.config", true },
                { "Druid", "middleManager.properties", false },
        };
        char name[256];

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                assert_int_equal(kind_has_file(kind_of_request(cases[i].database), cases[i].name),
                                 cases[i].may);
        for (size_t len = 243; len <= 244; len++) {
                memset(name, 'a', len - 4);
                memcpy(name + len - 4, ".cnf", 5);
                assert_int_equal(kind_has_file(kind_of_request("MySQL"), name), len == 243);
        }
}

/* Each list in the order in which its pods go; what stands alone in front has no place in it. */
static void restarts_follow_the_driver(void **state UNUSED)
{
        static const struct {
                const char *database;
                const char *roles[8];
        } cases[] = {
                { "Singlestore", { "", "leaf", "aggregator", "master" } },
                { "MSSQLServer", { "standalone", "secondary", "primary" } },
                { "Druid",
                  { "", "historicals", "middleManagers", "brokers", "routers", "overlords",
                    "coordinators" } },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                for (size_t j = 0; cases[i].roles[j] != NULL; j++)
                        assert_int_equal(kind_rank(kind_of_request(cases[i].database), cases[i].roles[j]), j);
        assert_int_equal(kind_rank(kind_of_request("PerconaXtraDB"), "donor"), 0);
        assert_int_equal(kind_rank(kind_of_request("Postgres"), "primary"), 0);
        assert_int_equal(kind_rank(kind_of_request("Druid"), NULL), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_kind_is_whole),        cmocka_unit_test(what_differs),
                cmocka_unit_test(only_what_is_known),         cmocka_unit_test(names_of_files),
                cmocka_unit_test(restarts_follow_the_driver),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
