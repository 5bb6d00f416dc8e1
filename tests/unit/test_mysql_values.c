// SPDX-License-Identifier: Apache-2.0
/*
 * mysql_values: what a file asks for and what a server says of it. The pairs were seen with MariaDB 10.11.
 */
#include "hooks/mysql_values.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SAME    MYSQL_VALUE_SAME
#define DIFFERS MYSQL_VALUE_DIFFERS
#define UNCLEAR MYSQL_VALUE_UNCLEAR

static const struct {
        const char *wanted;
        const char *in_force;
        enum mysql_verdict verdict;
} pairs[] = {
        { "550", "550", SAME },
        { "550", "214", DIFFERS },
        { "2000", "1024", DIFFERS }, /* a count is not rounded */
        { "16M", "16777216", SAME },
        { "1g", "1073741824", SAME },
        { "2G", "1073741824", DIFFERS },
        { "1000M", "1073741824", SAME }, /* whole chunks */
        { "100M", "134217728", SAME },
        { "300000", "299008", SAME }, /* whole pages */
        { "64M", "134217728", DIFFERS },
        { "1M", "1048577", DIFFERS },
        { "0.5", "0.500000", SAME },
        { "10", "10.000000", SAME },
        { "-1", "-1", SAME },
        { "-1", "1", DIFFERS },
        { "1", "ON", SAME },
        { "0", "ON", DIFFERS },
        { "true", "ON", SAME },
        { "off", "OFF", SAME },
        { "OFF", "ON", DIFFERS },
        { "NO", "OFF", SAME },
        { NULL, "ON", SAME },
        { NULL, "OFF", DIFFERS },
        { NULL, "/var/log/x", UNCLEAR },
        { "mysql-bin", "ON", UNCLEAR }, /* log_bin shows its switch only */
        { "1", "ROW", UNCLEAR },        /* an enumeration by its number */
        { "row", "ROW", SAME },
        { "MIXED", "ROW", DIFFERS },
        { "innodb", "InnoDB", SAME },
        { "utf8", "utf8mb3", SAME },
        { "utf8_general_ci", "utf8mb3_general_ci", SAME },
        { "utf8", "utf8mb4", DIFFERS },
        { "utf8mb4", "utf8mb3", DIFFERS },
        { "/tmp", "/tmp/", SAME },
        { "/tmp/", "/tmp", SAME },
        { "err.log", "/var/lib/mysql/err.log", UNCLEAR },
        { "STRICT_ALL_TABLES,ANSI", "REAL_AS_FLOAT,ANSI,STRICT_ALL_TABLES", SAME },
        { "ANSI", "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI", SAME },
        { "ANSI_QUOTES", "REAL_AS_FLOAT,PIPES_AS_CONCAT", DIFFERS },
        { "index_merge=off", "index_merge=off,index_merge_union=on", SAME },
        { "", "", SAME },
        { "", "STRICT_TRANS_TABLES", DIFFERS },
        { "", "151", DIFFERS },
        { "5x", "5", DIFFERS },
        { "1.2.3", "1.2.3", SAME },
        { "1.2.3", "1.2.4", DIFFERS },
};

static void compared(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
                enum mysql_verdict got = mysql_values_compare(pairs[i].wanted, pairs[i].in_force);

                if (got != pairs[i].verdict)
                        fail_msg("'%s' and '%s': %d", pairs[i].wanted == NULL ? "(none)" : pairs[i].wanted,
                                 pairs[i].in_force, (int)got);
        }
}

static void refused(void **state UNUSED)
{
        static const struct {
                const char *name;
                const char *text;
                const char *says; /* NULL: it is taken */
        } cases[] = {
                { "a.cnf", "", NULL },
                { "a.cnf", "# x\n\n[mysqld]\nmax-connections=5\nskip-name-resolve\n!include /etc/x\n", NULL },
                { "a.cnf", "[client]\nuser=x\n", NULL },
                { "a.ini", "[mysqld]\n", "named *.cnf only" },
                { ".cnf", "[mysqld]\n", "named *.cnf only" },
                { "a.cnf", "max_connections=5\n[mysqld]\n",
                  "line 1: 'max_connections' stands before any section" },
                { "a.cnf", "[mysqld\nx=1\n", "line 1: '[mysqld' is no section" },
                { "a.cnf", "[mysqld]\n = 5\n", "line 2: a value without a key" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct err err = ERR_INIT;
                int r = mysql_values_check(cases[i].name, cases[i].text, &err);

                assert_int_equal(r, cases[i].says == NULL ? 0 : -1);
                assert_int_equal(err.kind, cases[i].says == NULL ? ERR_NONE : ERR_REFUSED);
                if (cases[i].says != NULL && strstr(err.text, cases[i].says) == NULL)
                        fail_msg("case %zu: %s", i, err.text);
        }
}

static const char *const server[][2] = {
        { "max_connections", "550" },
        { "skip_name_resolve", "ON" },
        { "sql_mode", "ANSI" },
        { "slow_query_log", "OFF" },
        { "wsrep_provider_options", "a=1; b=2" },
        { "innodb_file_per_table", "ON" },
        { "back_log", "77" },
        { "init_connect", "SET a='b # c'" },
};

/* "" fine; else what the complaint begins with. */
static void judged(void **state UNUSED)
{
        static const struct {
                const char *first;
                const char *second;
                bool bare;
                const char *says;
                const char *unknown;
        } cases[] = {
                { "[mysqld]\nmax_connections=550\n", "", false, "", "" },
                { "[mysqld]\nMAX-connections = 550 # many\n", "", false, "", "" },
                { "[server]\nmax_connections='550'\n", "", false, "", "" },
                { "[mariadb]\nloose-max_connections=550\n", "", false, "", "" },
                { "[mysqld]\nmax_connections=551\n", "", false,
                  "max_connections is 550 after the restart, 1.cnf line 2 asks for 551", "" },
                { "[mysqld]\nmax_connections=1\n", "[mysqld]\nmax_connections=550\n", false, "", "" },
                { "[mysqld]\nmax_connections=550\n", "[mysqld]\n\nmax_connections=1\n", false,
                  "max_connections is 550 after the restart, 2.cnf line 3 asks for 1", "" },
                { "[client]\nmax_connections=1\n", "", false, "", "" },
                { "max_connections=1\n", "", false, "", "" },
                { "max_connections=1\n", "", true, "max_connections is 550", "" },
                { "[mysqld]\nskip-name-resolve\nskip-slow-query-log\n", "", false, "", "" },
                { "[mysqld]\nskip-innodb-file-per-table\n", "", false, "skip_innodb_file_per_table is ON",
                  "" },
                { "[mysqld]\nenable-slow-query-log\n", "", false, "enable_slow_query_log is OFF", "" },
                { "[mysqld]\nplugin-load-add=x\nuser=mysql\nback_log=77\n", "", false, "",
                  "plugin_load_add, user" },
                { "[mysqld]\nwsrep_provider_options=\"gcache.size=1G\"\n", "", false, "", "" },
                { "[mysqld]\ninit_connect=\"SET a='b # c'\"\n", "", false, "", "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct mysql_values values = MYSQL_VALUES_INIT;
                AUTO(buf_done_p) struct buf unknown = BUF_INIT(400);
                struct err err = ERR_INIT;
                int r;

                mysql_values_add(&values, "1.cnf", cases[i].first, cases[i].bare);
                mysql_values_add(&values, "2.cnf", cases[i].second, cases[i].bare);
                for (size_t j = 0; j < ARRAY_LEN(server); j++)
                        mysql_values_take(&values, server[j][0], server[j][1]);
                r = mysql_values_judge(&values, &unknown, &err);
                if (strncmp(err.text, cases[i].says, strlen(cases[i].says)) != 0 ||
                    (r == 0) != (cases[i].says[0] == '\0') ||
                    strcmp(buf_str(&unknown), cases[i].unknown) != 0)
                        fail_msg("case %zu: %d '%s', unknown '%s'", i, r, err.text, buf_str(&unknown));
                assert_int_equal(err.kind, r == 0 ? ERR_NONE : ERR_MISMATCH);
                mysql_values_done(&values);
        }
}

static void bounded(void **state UNUSED)
{
        struct mysql_values values = MYSQL_VALUES_INIT;
        AUTO(buf_done_p) struct buf text = BUF_INIT((size_t)1 << 20);

        buf_add_str(&text, "[mysqld]\n");
        for (int i = 0; i < 2 * MYSQL_VALUES_MAX; i++)
                buf_printf(&text, "a%d=%d\n", i, i);
        mysql_values_add(&values, "1.cnf", buf_str(&text), false);
        assert_int_equal(values.n, MYSQL_VALUES_MAX);
        mysql_values_done(&values);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(compared),
                cmocka_unit_test(refused),
                cmocka_unit_test(judged),
                cmocka_unit_test(bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
