// SPDX-License-Identifier: Apache-2.0
/*
 * URLs of listeners: what is understood, and a sentence for each that is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hooks/endpoint.h"
#include "hooks/wire/mysql_greeting.h"
#include "hooks/wire/postgres.h"
#include "hooks/wire/tds.h"

static const struct {
        const char *url;
        const char *host;
        int port;
        const struct preamble *preamble;
} good[] = {
        { "mysql://db.example", "db.example", 3306, &mysql_greeting_preamble },
        { "mariadb://db.example:13306", "db.example", 13306, &mysql_greeting_preamble },
        { "MySQL://127.0.0.1:1/", "127.0.0.1", 1, &mysql_greeting_preamble },
        { "mysql://[::1]", "::1", 3306, &mysql_greeting_preamble },
        { "mysql://[fe80::1%eth0]:65535", "fe80::1%eth0", 65535, &mysql_greeting_preamble },
        { "mysql:///run/mysqld/mysqld.sock", "/run/mysqld/mysqld.sock", 0, &mysql_greeting_preamble },
        { "mysql:///run/a@b?c#d", "/run/a@b?c#d", 0, &mysql_greeting_preamble },
        { "postgres://pg", "pg", 5432, &postgres_preamble },
        { "postgresql:///run/postgresql/.s.PGSQL.5432", "/run/postgresql/.s.PGSQL.5432", 0,
          &postgres_preamble },
        { "tls://db:4567", "db", 4567, NULL },
        { "tls:///run/x.sock", "/run/x.sock", 0, NULL },
        { "https://web", "web", 443, NULL },
        { "rediss://cache", "cache", 6379, NULL },
        { "mongodb://doc", "doc", 27017, NULL },
        { "galera://node", "node", 4567, NULL },
        { "tds://sql", "sql", 1433, &tds_preamble },
        { "tds8://sql:14330", "sql", 14330, NULL },
};

static const struct {
        const char *url;
        const char *says;
} bad[] = {
        { "", "is no endpoint" },
        { "db.example:3306", "mysql mariadb postgres" },
        { "http://db", "is no endpoint" },
        { "mysq://db", "is no endpoint" },
        { "://db", "is no endpoint" },
        { "mysql:/db", "is no endpoint" },
        { "mysql://", "host is missing" },
        { "mysql:///", "neither host nor socket" },
        { "mysql://:3306", "host is missing" },
        { "tls://db", "needs a port" },
        { "mysql://db:", "a port is a number" },
        { "mysql://db:0", "a port is a number" },
        { "mysql://db:65536", "a port is a number" },
        { "mysql://db:33o6", "a port is a number" },
        { "mysql://db:-1", "a port is a number" },
        { "mysql://db:99999999999999999999", "a port is a number" },
        { "mysql://::1:3306", "stands in brackets" },
        { "mysql://[::1", "wants an IPv6 address" },
        { "mysql://[::1]x", "wants an IPv6 address" },
        { "mysql://[db]:1", "only IPv6" },
        { "mysql://[]:1", "only IPv6" },
        { "mysql://root:secret@db:3306", "takes no user" },
        { "mysql://db/test", "ends after the port" },
        { "mysql://db?ssl=1", "no query" },
        { "mysql://db#x", "no query" },
        { "mysql://d b", "control characters" },
        { "mysql://db\n", "control characters" },
};

static void test_good(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
                struct endpoint endpoint;
                struct handshake_request request;
                struct err err = ERR_INIT;

                print_message("%s\n", good[i].url);
                assert_int_equal(endpoint_parse(good[i].url, &endpoint, &err), 0);
                assert_string_equal(endpoint.url, good[i].url);
                assert_string_equal(endpoint.host, good[i].host);
                assert_int_equal(endpoint.port, good[i].port);
                assert_ptr_equal(endpoint.preamble, good[i].preamble);
                request = endpoint_request(&endpoint);
                assert_ptr_equal(request.host, endpoint.host);
                assert_int_equal(request.port, endpoint.port);
                assert_ptr_equal(request.preamble, endpoint.preamble);
                assert_null(request.server_name);
                endpoint_done(&endpoint);
        }
}

static void test_bad(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                struct endpoint endpoint;
                struct err err = ERR_INIT;

                print_message("%s\n", bad[i].url);
                assert_int_equal(endpoint_parse(bad[i].url, &endpoint, &err), -1);
                assert_int_equal(err.kind, ERR_USAGE);
                assert_non_null(strstr(err.text, bad[i].says));
                assert_null(strstr(err.text, "secret"));
        }
}

static void test_long_host(void **state)
{
        char url[400] = "mysql://";
        struct endpoint endpoint;
        struct err err = ERR_INIT;

        (void)state;
        memset(url + 8, 'a', 254);
        assert_int_equal(endpoint_parse(url, &endpoint, &err), -1);
        assert_non_null(strstr(err.text, "too long"));
}

/* Each scheme that help names is one, and none is left out. */
static void test_schemes(void **state)
{
        char names[256];
        size_t n = 0;
        char *rest = names;
        char *name;

        (void)state;
        (void)snprintf(names, sizeof(names), "%s", endpoint_schemes());
        while ((name = strsep(&rest, " ")) != NULL) {
                char url[64];
                struct endpoint endpoint;
                struct err err = ERR_INIT;

                (void)snprintf(url, sizeof(url), "%s://db:1", name);
                assert_int_equal(endpoint_parse(url, &endpoint, &err), 0);
                endpoint_done(&endpoint);
                n++;
        }
        assert_int_equal(n, 11);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_long_host),
                cmocka_unit_test(test_schemes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
