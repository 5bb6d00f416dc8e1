// SPDX-License-Identifier: Apache-2.0
/*
 * galera, mariadb_error and the table of drivers: everything that is decided from text.
 */
#include "hooks/galera.h"

#include "hooks/mariadb_error.h"
#include "hooks/mysql_version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void options(void **state UNUSED)
{
        static const char text[] =
                "base_dir = /d; base_port = 4567; socket.ssl = YES; socket.ssl_ca = /a b.crt ;"
                "gmcast.listen_addr=ssl://0.0.0.0:4567;empty = ; last = x";
        static const struct {
                const char *name;
                const char *value;
        } cases[] = {
                { "base_dir", "/d" },    { "base_port", "4567" },
                { "socket.ssl", "YES" }, { "socket.ssl_ca", "/a b.crt" },
                { "last", "x" },         { "gmcast.listen_addr", "ssl://0.0.0.0:4567" },
                { "empty", "" },         { "socket", NULL },
                { "ssl", NULL },         { "x", NULL },
        };
        char out[32];

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                bool found = galera_option(text, cases[i].name, out, sizeof(out));

                assert_int_equal(found, cases[i].value != NULL);
                if (found)
                        assert_string_equal(out, cases[i].value);
        }
        assert_false(galera_option(text, "gmcast.listen_addr", out, 5));
        assert_false(galera_option(NULL, "x", out, sizeof(out)));
        assert_false(galera_option("", "x", out, sizeof(out)));
        assert_false(galera_option("=", "", out, sizeof(out)) && out[0] != '\0');
        assert_false(galera_option("x", "x", out, sizeof(out)));
        assert_false(galera_option("x ;", "x", out, sizeof(out)));
}

static void addresses(void **state UNUSED)
{
        static const struct {
                const char *text;
                const char *host;
                int port;
        } cases[] = {
                { "10.0.0.1:4567", "10.0.0.1", 4567 },
                { "ssl://10.0.0.1:1", "10.0.0.1", 1 },
                { "tcp://[::]:4567", "::", 4567 },
                { "[fe80::1]:99", "fe80::1", 99 },
                { "[fe80::1]", "fe80::1", 4567 },
                { "fe80::1", "fe80::1", 4567 },
                { "db-0.db.svc", "db-0.db.svc", 4567 },
                { "", NULL, 0 },
                { ":4567", NULL, 0 },
                { "h:", NULL, 0 },
                { "h:0", NULL, 0 },
                { "h:65536", NULL, 0 },
                { "h:x", NULL, 0 },
                { "h:123456789", NULL, 0 },
                { "[::1", NULL, 0 },
                { "[]:1", NULL, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct galera_address out;

                assert_int_equal(galera_parse_address(cases[i].text, &out), cases[i].host != NULL);
                if (cases[i].host != NULL) {
                        assert_string_equal(out.host, cases[i].host);
                        assert_int_equal(out.port, cases[i].port);
                }
        }
}

static void peers(void **state UNUSED)
{
        static const char *const configured[] = { "a:1", "b:2" };
        static const struct {
                const char *options;
                const char *group;
                const char *incoming;
                const char *index;
                size_t n_configured;
                const char *want;
        } cases[] = {
                { "gmcast.listen_addr = ssl://127.0.0.1:2", "gcomm://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3", "",
                  "0", 0, "127.0.0.1:1 127.0.0.1:3 " },
                { "gmcast.listen_addr = ssl://0.0.0.0:4567; base_host = 10.0.0.2",
                  "gcomm://10.0.0.1,10.0.0.2,10.0.0.3?gmcast.group=a,b", "", "0", 0,
                  "10.0.0.1:4567 10.0.0.3:4567 " },
                { "gmcast.listen_addr = ssl://0.0.0.0:4567", "gcomm://",
                  "10.0.0.1:3306,10.0.0.2:3306,,[fd00::3]:3306,AUTO", "1", 0, "10.0.0.1:4567 fd00::3:4567 " },
                { "", "gcomm://x,x,x:4567", "", "0", 0, "x:4567 " },
                { "", "gcomm://x", "", "0", 2, "a:1 b:2 " },
                { "", "", "", "-1", 0, "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct galera_state galera = GALERA_STATE_INIT;
                const struct galera_settings settings = { .peers = configured,
                                                          .n_peers = cases[i].n_configured };
                struct galera_addresses out;
                char text[256] = "";

                galera_take(&galera, "wsrep_provider_options", cases[i].options);
                galera_take(&galera, "wsrep_cluster_address", cases[i].group);
                galera_take(&galera, "wsrep_incoming_addresses", cases[i].incoming);
                galera_take(&galera, "wsrep_local_index", cases[i].index);
                galera_peers(&galera, &settings, &out);
                for (size_t k = 0; k < out.n; k++)
                        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s:%d ",
                                       out.items[k].host, out.items[k].port);
                assert_string_equal(text, cases[i].want);
                galera_done(&galera);
        }
}

static void too_many_peers(void **state UNUSED)
{
        struct galera_state galera = GALERA_STATE_INIT;
        const struct galera_settings settings = { .n_peers = 0 };
        struct galera_addresses out;
        char group[4096] = "gcomm://";

        for (int i = 0; i < 300; i++)
                (void)snprintf(group + strlen(group), sizeof(group) - strlen(group), "h%d,", i);
        galera_take(&galera, "wsrep_cluster_address", group);
        galera_peers(&galera, &settings, &out);
        assert_int_equal(out.n, PEERS_MAX);
        galera_done(&galera);
}

static void judgement(void **state UNUSED)
{
        static const struct {
                const char *connected, *status, *state, *ready;
                const char *fault; /* NULL: well */
        } cases[] = {
                { "ON", "Primary", "4", "ON", NULL },
                { "OFF", "Primary", "4", "ON", "wsrep_connected" },
                { "ON", "non-Primary", "4", "ON", "quorum" },
                { "ON", "Primary", "2", "ON", "donor" },
                { "ON", "Primary", "3", "ON", "not synced" },
                { "ON", "Primary", "x", "ON", "not synced" },
                { "ON", "Primary", "4", "OFF", "wsrep_ready" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct galera_state galera = GALERA_STATE_INIT;
                struct err err = ERR_INIT;

                galera_take(&galera, "wsrep_on", "ON");
                galera_take(&galera, "wsrep_connected", cases[i].connected);
                galera_take(&galera, "wsrep_cluster_status", cases[i].status);
                galera_take(&galera, "wsrep_local_state", cases[i].state);
                galera_take(&galera, "wsrep_ready", cases[i].ready);
                assert_int_equal(galera_judge(&galera, &err), cases[i].fault == NULL ? 0 : -1);
                if (cases[i].fault != NULL) {
                        assert_int_equal(err.kind, ERR_UNHEALTHY);
                        assert_non_null(strstr(err.text, cases[i].fault));
                }
                galera_done(&galera);
        }
}

static void error_codes(void **state UNUSED)
{
        static const struct {
                unsigned code;
                bool connecting;
                enum err_kind kind;
                const char *text;
        } cases[] = {
                { 2002, true, ERR_NOT_READY, "not running" },
                { 1045, true, ERR_AUTH, "CREATE USER 'agent'" },
                { 1698, true, ERR_AUTH, "admin.password-file" },
                { 1227, false, ERR_PRIVILEGE, "GRANT RELOAD ON *.*" },
                { 1064, false, ERR_ENGINE, "10.4" },
                { 1105, false, ERR_ENGINE, "the server's words" },
                { 2013, true, ERR_NOT_READY, "broke" },
                { 2013, false, ERR_NETWORK, "broke" },
                { 1040, true, ERR_NOT_READY, "max_connections" },
                { 1129, true, ERR_NOT_READY, "FLUSH HOSTS" },
                { 1053, false, ERR_NOT_READY, "shutting down" },
                { 9999, true, ERR_NOT_READY, "9999" },
                { 9999, false, ERR_ENGINE, "9999" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct mariadb_context context = {
                        .where = "/run/x.sock",
                        .user = "agent",
                        .statement = cases[i].connecting ? NULL : "FLUSH LOCAL SSL",
                        .right = "RELOAD",
                };
                struct err err = ERR_INIT;

                mariadb_error_fill(cases[i].code, "the server's words", &context, &err);
                assert_int_equal(err.kind, cases[i].kind);
                if (strstr(err.text, cases[i].text) == NULL || strstr(err.text, "the server's words") == NULL)
                        fail_msg("%u: %s", cases[i].code, err.text);
        }
}

/* Who has no account is told the rights of this engine; who lacks one right is told that one. */
static void rights_named(void **state UNUSED)
{
        struct mariadb_context context = { .where = "/run/x.sock", .user = "agent" };
        struct err err = ERR_INIT;

        mariadb_error_fill(1045, "Access denied", &context, &err);
        assert_non_null(strstr(err.text, "GRANT RELOAD ON *.* TO 'agent'@'localhost'"));
        context.rights = "CONNECTION_ADMIN, SYSTEM_VARIABLES_ADMIN";
        mariadb_error_fill(1045, "Access denied", &context, &err);
        assert_non_null(strstr(
                err.text, "GRANT CONNECTION_ADMIN, SYSTEM_VARIABLES_ADMIN ON *.* TO 'agent'@'localhost'"));
        context.statement = "SELECT VERSION()";
        mariadb_error_fill(1227, "Access denied", &context, &err);
        assert_non_null(strstr(err.text, "GRANT CONNECTION_ADMIN, SYSTEM_VARIABLES_ADMIN ON *.*"));
        context.right = "SHUTDOWN";
        mariadb_error_fill(1227, "Access denied", &context, &err);
        assert_non_null(strstr(err.text, "GRANT SHUTDOWN ON *.*"));
}

static void method_refused(void **state UNUSED)
{
        const struct mariadb_context context = { .where = "127.0.0.1:3306", .user = "agent" };
        struct err err = ERR_INIT;

        mariadb_error_fill(5010, "Authentication plugin '\x94\x1f' …", &context, &err);
        assert_int_equal(err.kind, ERR_AUTH);
        assert_null(strchr(err.text, '\x94'));
        assert_non_null(strstr(err.text, "a way to log in that the agent refuses (5010)"));
}

/* Said before TLS: libmariadb has words of its own around it. */
static void error_at_the_door(void **state UNUSED)
{
        static const char text[] =
                "Received error packet before completion of TLS handshake. The authenticity "
                "of the following error cannot be verified: 1129 - Host 'x' is blocked";
        const struct mariadb_context context = { .where = "x:1", .user = "agent" };
        struct err err = ERR_INIT;

        mariadb_error_fill(2002, text, &context, &err);
        assert_int_equal(err.kind, ERR_NOT_READY);
        assert_string_equal(err.text,
                            "connect to x:1: Host 'x' is blocked (1129): run FLUSH HOSTS on the server");
        mariadb_error_fill(2002, "cannot be verified: no number", &context, &err);
        assert_non_null(strstr(err.text, "(2002)"));
        mariadb_error_fill(2002, "cannot be verified: 1045 - Access denied", &context, &err);
        assert_int_equal(err.kind, ERR_AUTH);
}

static void versions(void **state UNUSED)
{
        static const struct {
                const char *version;
                bool mariadb;
                bool reloads;
        } cases[] = {
                { "9.7.4-2", false, true },
                { "8.4.3-3.1", false, true },
                { "8.0.36-28.1", false, true },
                { "8.0.16", false, true },
                { "8.0.15", false, false },
                { "5.7.44-48-log", false, false },
                { "10.11.19-MariaDB-0+deb12u1", true, true },
                { "10.4.1-MariaDB", true, true },
                { "10.3.39-MariaDB", true, false },
                { "5.5.5-10.6.12-MariaDB-log", true, true },
                { "5.5.68-MariaDB", true, false },
                { "", false, true },
                { "next", false, true },
                { "99999999999999999999.1.1", false, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                if (mysql_version_is_mariadb(cases[i].version) != cases[i].mariadb ||
                    mysql_version_reloads(cases[i].version) != cases[i].reloads)
                        fail_msg("'%s'", cases[i].version);
        }
}

static void drivers(void **state UNUSED)
{
        const struct hook *const *all = hook_all();

        assert_non_null(all[0]);
        for (size_t i = 0; all[i] != NULL; i++) {
                assert_ptr_equal(hook_find(all[i]->name), all[i]); /* unique */
                assert_non_null(all[i]->summary);
                assert_non_null(all[i]->open);
                assert_non_null(all[i]->close);
                assert_true(all[i]->reload != NULL || all[i]->restart != NULL);
                assert_int_equal(all[i]->reload != NULL, (all[i]->caps & HOOK_RELOADS) != 0);
                assert_true(all[i]->n_outputs > 0);
                for (size_t k = 0; k < all[i]->n_outputs; k++)
                        assert_null(strchr(all[i]->outputs[k].name, '/'));
                for (size_t k = 0; all[i]->endpoints != NULL && all[i]->endpoints[k] != NULL; k++) {
                        struct endpoint endpoint;
                        struct err err = ERR_INIT;

                        assert_int_equal(endpoint_parse(all[i]->endpoints[k], &endpoint, &err), 0);
                        endpoint_done(&endpoint);
                }
        }
        assert_null(hook_find("no-such-database"));
        assert_null(hook_find(""));
}

static void generic_settings(void **state UNUSED)
{
        static const char *const command[] = { "true", NULL };
        static const char *const nothing[] = { NULL };
        static const struct {
                struct generic_settings settings;
                const char *fault; /* NULL: fine */
        } cases[] = {
                { { 0 }, NULL },
                { { .reload_command = command }, NULL },
                { { .reload_command = nothing }, "without words" },
                { { .reload_command = command, .reload_url = "http://x" }, "only one" },
                { { .reload_signal = 1, .pid_file = "/x" }, "executable" },
                { { .reload_signal = 1, .executable = "y" }, NULL },
                { { .reload_signal = 1, .pid_file = "/x", .executable = "y" }, NULL },
                { { .reload_signal = 99, .pid_file = "/x", .executable = "y" }, "signal" },
                { { .reload_url = "ftp://x" }, "reloadUrl" },
                { { .reload_url = "http://x", .reload_method = "post" }, "method" },
                { { .restart_signal = 15, .restart_command = command }, "only one" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct hook_settings settings = { .publish = "/p", .generic = cases[i].settings };
                struct database *database = NULL;
                struct err err = ERR_INIT;
                int result = hook_find("generic")->open(&settings, &database, &err);

                assert_int_equal(result, cases[i].fault == NULL ? 0 : -1);
                if (database != NULL)
                        database->hook->close(database);
                else if (err.kind != ERR_USAGE || strstr(err.text, cases[i].fault) == NULL)
                        fail_msg("%s: %s", cases[i].fault, err.text);
        }
}

static void generic_works(void **state UNUSED)
{
        static const char *const good[] = { "sh", "-c", "test \"$CERTROTATE_PUBLISH\" = /p", NULL };
        static const char *const slow[] = { "sleep", "60", NULL };
        struct hook_settings settings = {
                .publish = "/p",
                .generic = { .reload_command = good, .restart_command = slow, .command_limit_ms = 200 }
        };
        struct database *database = NULL;
        struct err err = ERR_INIT;
        struct op *op;

        assert_int_equal(hook_find("generic")->open(&settings, &database, &err), 0);
        op = database->hook->reload(database, 10000);
        assert_int_equal(op_run(op, 10000, &err), 0);
        op_free(op);
        op = database->hook->restart(database, 10000);
        assert_int_equal(op_run(op, 10000, &err), -1);
        assert_int_equal(err.kind, ERR_TIMEOUT);
        op_free(op);
        settings.generic = (struct generic_settings){ .reload_command = NULL };
        op = database->hook->reload(database, 1000);
        assert_int_equal(op_run(op, 1000, &err), 0);
        op_free(op);
        database->hook->close(database);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(options),        cmocka_unit_test(addresses),
                cmocka_unit_test(peers),          cmocka_unit_test(too_many_peers),
                cmocka_unit_test(judgement),      cmocka_unit_test(error_codes),
                cmocka_unit_test(rights_named),   cmocka_unit_test(versions),
                cmocka_unit_test(method_refused), cmocka_unit_test(error_at_the_door),
                cmocka_unit_test(drivers),        cmocka_unit_test(generic_settings),
                cmocka_unit_test(generic_works),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
