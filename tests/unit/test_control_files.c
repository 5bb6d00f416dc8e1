// SPDX-License-Identifier: Apache-2.0
/*
 * Configuration files of a request: which names, what replaces what, what is merged with what.
 */
#include "base/mem.h"
#include "control/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct kind singlestore = { .database = "Singlestore" };
static const struct kind mssqlserver = { .database = "MSSQLServer" };
static const struct kind percona = { .database = "PerconaXtraDB" };
static const struct kind druid = { .database = "Druid" };
static const struct kind postgres = { .database = "Postgres" };
static const struct kind redis = { .database = "Redis" };

static void names_of_each_kind(void **state UNUSED)
{
        static const struct {
                const struct kind *kind;
                const char *name;
                bool is_name;
        } cases[] = {
                { &singlestore, "sdb-apply.cnf", true },
                { &percona, "My_9.b.cnf", true },
                { &percona, ".cnf", false },
                { &percona, "..cnf", false },
                { &percona, "a/b.cnf", false },
                { &percona, "a b.cnf", false },
                { &percona, "a.cnf ", false },
                { &percona, "a.conf", false },
                { &percona, "", false },
                { &percona, "zz-inline-a.cnf", false },
                { &mssqlserver, "mssql.conf", true },
                { &mssqlserver, "a.cnf", false },
                { &mssqlserver, "MSSQL.conf", false },
                { &druid, "common.runtime.properties", true },
                { &druid, "middleManagers.properties", true },
                { &druid, "middleManagers.jvm.config", true },
                { &druid, "middlemanagers.properties", false },
                { &druid, "routers.properties.bak", false },
                { &druid, "common.jvm.config", false },
                { &druid, "a.cnf", false },
                { &postgres, "user.conf", true },
                { &postgres, "postgresql.conf", false },
                { &redis, "redis.conf", true },
                { &redis, "valkey.conf", true },
                { &redis, "user.conf", false },
        };
        char longest[256];

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                if (files_is_name(cases[i].kind, cases[i].name) != cases[i].is_name)
                        fail_msg("%s of %s", cases[i].name, cases[i].kind->database);
        (void)snprintf(longest, sizeof(longest), "%0239d.cnf", 7);
        assert_true(files_is_name(&percona, longest));
        (void)snprintf(longest, sizeof(longest), "%0240d.cnf", 7);
        assert_false(files_is_name(&percona, longest));
}

static const struct {
        const char *about, *name, *present, *fresh, *want;
} merges[] = {
        { "a file that was not there", "a.cnf", "", "# c\n\nx=1", "# c\n\nx=1" },
        { "in its place", "a.cnf", "[server]\na = 1\nb = 2\nc = 3\n", "b=5\n",
          "[server]\na = 1\nb=5\nc = 3\n" },
        { "a new one", "a.cnf", "[server]\na = 1\n\n", "b=5", "[server]\na = 1\nb=5\n\n" },
        { "dash and underscore", "a.cnf", "[mysqld]\nmax-connections=1\n", "max_connections = 2\n",
          "[mysqld]\nmax_connections = 2\n" },
        { "within its section", "a.cnf", "[client]\nport=1\n[mysqld]\nport=1\n", "[mysqld]\nport=2\n",
          "[client]\nport=1\n[mysqld]\nport=2\n" },
        { "no section: the first", "a.cnf", "# top\n[client]\nport=1\n[mysqld]\nport=1\n", "port=3\nuser=x",
          "# top\n[client]\nport=3\nuser=x\n[mysqld]\nport=1\n" },
        { "a new section", "a.cnf", "[mysqld]\na=1\n", "[client]\nb=2\n[mysqld]\nc=3\n",
          "[mysqld]\na=1\nc=3\n[client]\nb=2\n" },
        { "a section in two places", "a.cnf", "[mysqld]\na=1\n[sst]\nx=1\n[mysqld]\nb=2\n",
          "[mysqld]\na=5\nc=3\n", "[mysqld]\na=5\n[sst]\nx=1\n[mysqld]\nb=2\nc=3\n" },
        { "the last of two counts no longer", "a.cnf", "[mysqld]\na=1\nb=1\na=2\n", "a=3",
          "[mysqld]\na=3\nb=1\n" },
        { "lists", "a.cnf", "[mysqld]\nplugin-load-add=x\nplugin-load-add=y\nz=1\n",
          "plugin_load_add=p\nplugin_load_add=q\n", "[mysqld]\nplugin_load_add=p\nplugin_load_add=q\nz=1\n" },
        { "a key alone", "a.cnf", "[mysqld]\nskip-name-resolve\n", "skip_name_resolve=OFF\n",
          "[mysqld]\nskip_name_resolve=OFF\n" },
        { "comments, includes and nonsense stay", "a.cnf", "# one\n[mysqld]\n; two\n!include /x\n=5\na=1\n",
          "a=2", "# one\n[mysqld]\n; two\n!include /x\n=5\na=2\n" },
        { "a comment comes with its key", "a.cnf", "[mysqld]\na=1\nb=1\n", "# because\na=2\n# end\n",
          "[mysqld]\n# because\na=2\nb=1\n# end\n" },
        { "CRLF", "a.cnf", "[mysqld]\r\na=1\r\nb=1\r\n", "a=2\r\n", "[mysqld]\na=2\nb=1\n" },
        { "case matters to MySQL", "a.cnf", "[mysqld]\nA=1\n", "a=2\n", "[mysqld]\nA=1\na=2\n" },
        { "prefixed", "zz-inline-mssql.conf", "[network]\nTcpPort = 1433\n[memory]\nmemorylimitmb = 4096\n",
          "[memory]\nmemorylimitmb = 2048\n[network]\ntcpport = 1444\n",
          "[network]\ntcpport = 1444\n[memory]\nmemorylimitmb = 2048\n" },
        { "dash is no underscore", "mssql.conf", "[a]\nb-c=1\n", "b_c=2\n", "[a]\nb-c=1\nb_c=2\n" },
        { "properties", "brokers.properties", "druid.a=1\ndruid.b : 2\ndruid.c 3\n", "druid.b=5\ndruid.c=6\n",
          "druid.a=1\ndruid.b=5\ndruid.c=6\n" },
        { "case matters to Java", "brokers.properties", "a=1\n", "A=2\n", "a=1\nA=2\n" },
        { "a list over several lines", "common.runtime.properties", "load=[\"a\", \\\n  \"b\"]\nx=1\n",
          "load=[\"c\", \\\n\"d\"]", "load=[\"c\", \\\n\"d\"]\nx=1\n" },
        { "brackets are no section there", "common.runtime.properties", "[a]\n", "b=1\n", "[a]\nb=1\n" },
        { "an escaped separator", "common.runtime.properties", "a\\=b=1\n", "a\\=b=2\n", "a\\=b=2\n" },
        { "left open", "common.runtime.properties", "a=1\\", "b=2", "a=1\nb=2\n" },
        { "postgres", "user.conf", "max_connections = 100\nwork_mem 4MB\n# c\n",
          "Max_Connections=200\nwork_mem = '8MB'\n", "Max_Connections=200\nwork_mem = '8MB'\n# c\n" },
        { "redis", "redis.conf", "maxmemory 100mb\nsave 900 1\nsave 300 10\nappendonly no\n",
          "MaxMemory 200mb\nsave 60 1\nsave 30 5\n",
          "MaxMemory 200mb\nsave 60 1\nsave 30 5\nappendonly no\n" },
        { "by the second word", "valkey.conf",
          "client-output-buffer-limit normal 0 0 0\nclient-output-buffer-limit replica 1mb 1mb 60\n",
          "client-output-buffer-limit replica 2mb 2mb 60\n",
          "client-output-buffer-limit normal 0 0 0\nclient-output-buffer-limit replica 2mb 2mb 60\n" },
        { "whole lines, the last one counts", "brokers.jvm.config", "-Xmx1g\n-Xms1g\n-Dx=1\n",
          "-Xmx2g\n-Xms1g\n", "-Xmx1g\n-Dx=1\n-Xmx2g\n-Xms1g\n" },
};

static void merged_line_by_line(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(merges); i++) {
                AUTO(mem_free_p) char *once = NULL;
                AUTO(mem_free_p) char *twice = NULL;
                struct err err;

                assert_int_equal(files_merge(merges[i].name, merges[i].present, merges[i].fresh, &once, &err),
                                 0);
                if (strcmp(once, merges[i].want) != 0)
                        fail_msg("%s: \"%s\"", merges[i].about, once);
                assert_int_equal(files_merge(merges[i].name, once, merges[i].fresh, &twice, &err), 0);
                if (strlen(merges[i].present) > 0 && strcmp(once, twice) != 0)
                        fail_msg("%s, once more: \"%s\"", merges[i].about, twice);
        }
}

static void merged_within_limits(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(1 << 20);
        AUTO(mem_free_p) char *out = NULL;
        struct err err;

        for (int i = 0; i < FILES_MAX_LINES - 1; i++)
                buf_printf(&text, "k%d=1\n", i);
        assert_int_equal(files_merge("user.conf", buf_str(&text), buf_str(&text), &out, &err), 0);
        assert_string_equal(out, buf_str(&text));
        buf_add_str(&text, "\n\n");
        assert_int_equal(files_merge("user.conf", "a=1", buf_str(&text), &out, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        assert_int_equal(files_merge("user.conf", buf_str(&text), "a=1", &out, &err), -1);
}

static cJSON *parse(const char *text)
{
        cJSON *tree = NULL;
        struct err err;

        if (text != NULL)
                assert_int_equal(json_parse(text, strlen(text), &tree, &err), 0);
        return tree;
}

/* Files as "name: text" lines, or the error. */
static char *render(const struct kind *kind, const char *present, const char *secret, const char *section)
{
        AUTO(json_free_p) cJSON *had = parse(present);
        AUTO(json_free_p) cJSON *named = parse(secret);
        AUTO(json_free_p) cJSON *spec = parse(section);
        AUTO(json_free_p) cJSON *out = NULL;
        struct err err = ERR_INIT;

        if (files_render(kind, had, named, spec, &out, &err) != 0) {
                assert_null(out);
                return mem_printf("%s: %s", err_reason(err.kind), err.text);
        }
        return json_print(out, false);
}

static void what_takes_the_place_of_what(void **state UNUSED)
{
        static const char present[] =
                "{\"old.cnf\":\"[server]\\na=1\\n\",\"zz-inline-b.cnf\":\"[server]\\nb=1\\nc=1\\n\"}";
        static const struct {
                const char *about, *present, *secret, *section, *want;
        } cases[] = {
                { "inline alone, a section is put before", NULL, NULL,
                  "{\"applyConfig\":{\"sdb-apply.cnf\":\"max_connections = 550\"}}",
                  "{\"zz-inline-sdb-apply.cnf\":\"[server]\\nmax_connections = 550\"}" },
                { "merged, the Secret's stay", present, NULL,
                  "{\"applyConfig\":{\"b.cnf\":\"b=2\",\"a.cnf\":\"[x]\\n\"}}",
                  "{\"old.cnf\":\"[server]\\na=1\\n\",\"zz-inline-a.cnf\":\"[x]\\n\",\"zz-inline-b.cnf\":\"["
                  "server]\\nb=2\\nc=1\\n\"}" },
                { "another Secret, inline stays", present, "{\"new.cnf\":\"[server]\\nx=1\"}",
                  "{\"configSecret\":{\"name\":\"s\"}}",
                  "{\"new.cnf\":\"[server]\\nx=1\",\"zz-inline-b.cnf\":\"[server]\\nb=1\\nc=1\\n\"}" },
                { "all goes", present, NULL, "{\"removeCustomConfig\":true}", "{}" },
                { "all goes, then what is new", present, "{\"new.cnf\":\"\"}",
                  "{\"removeCustomConfig\":true,\"configSecret\":{\"name\":\"s\"},\"applyConfig\":{\"b.cnf\":"
                  "\"[y]\"}}",
                  "{\"new.cnf\":\"\",\"zz-inline-b.cnf\":\"[y]\"}" },
                { "a comment is no setting", NULL, NULL,
                  "{\"applyConfig\":{\"b.cnf\":\"# a\\n\\n ; b\\n[x]\\ny=1\"}}",
                  "{\"zz-inline-b.cnf\":\"# a\\n\\n ; b\\n[x]\\ny=1\"}" },
                { "nothing", present, NULL, "{\"restart\":\"true\",\"applyConfig\":{}}",
                  "InvalidConfiguration: set configSecret, applyConfig or removeCustomConfig: true" },
                { "no such name", present, NULL, "{\"applyConfig\":{\"my.ini\":\"\"}}",
                  "InvalidConfiguration: applyConfig: 'my.ini' is no configuration file of Singlestore" },
                { "no such name in the Secret", present, "{\"zz-inline-b.cnf\":\"\"}",
                  "{\"configSecret\":{\"name\":\"s\"}}",
                  "InvalidConfiguration: configSecret: 'zz-inline-b.cnf' is no configuration file of "
                  "Singlestore" },
                { "no Secret", present, NULL, "{\"configSecret\":{\"name\":\"s\"}}",
                  "Missing: configSecret: the Secret is not there" },
                { "no text", NULL, NULL, "{\"applyConfig\":{\"a.cnf\":5}}",
                  "InvalidConfiguration: applyConfig: 'a.cnf' is no text" },
                { "no files", NULL, NULL, "{\"applyConfig\":[1]}",
                  "InvalidConfiguration: applyConfig is no list of files" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p)
                char *got = render(&singlestore, cases[i].present, cases[i].secret, cases[i].section);

                if (strcmp(got, cases[i].want) != 0)
                        fail_msg("%s: %s", cases[i].about, got);
        }
}

static void a_section_only_where_there_are_some(void **state UNUSED)
{
        AUTO(mem_free_p) char *mysql = render(&percona, NULL, "{\"a.cnf\":\"x=1\"}", "{}");
        AUTO(mem_free_p)
        char *sql = render(&mssqlserver, NULL, NULL, "{\"applyConfig\":{\"mssql.conf\":\"x=1\"}}");
        AUTO(mem_free_p)
        char *java = render(&druid, NULL, NULL, "{\"applyConfig\":{\"brokers.properties\":\"x=1\"}}");

        assert_string_equal(mysql, "{\"a.cnf\":\"[mysqld]\\nx=1\"}");
        assert_string_equal(sql, "{\"zz-inline-mssql.conf\":\"x=1\"}");
        assert_string_equal(java, "{\"zz-inline-brokers.properties\":\"x=1\"}");
}

static void bounded(void **state UNUSED)
{
        AUTO(json_free_p) cJSON *many = json_object();
        AUTO(json_free_p) cJSON *large = json_object();
        AUTO(mem_free_p) char *text = mem_new(FILES_MAX_BYTES + 1);
        AUTO(json_free_p) cJSON *out = NULL;
        struct err err;

        for (int i = 0; i < FILES_MAX + 1; i++) {
                AUTO(mem_free_p) char *name = mem_printf("f%d.cnf", i);

                if (i == FILES_MAX)
                        assert_int_equal(files_render(&percona, NULL, many, NULL, &out, &err), 0);
                json_add_str(many, name, "");
        }
        assert_int_equal(files_render(&percona, NULL, many, NULL, &out, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        memset(text, '#', FILES_MAX_BYTES);
        json_add_str(large, "a.cnf", text);
        assert_int_equal(files_render(&percona, NULL, large, NULL, &out, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
}

/* By hand: printf 'a\0x\0b\0\0' | sha256sum */
static void agents_can_compute_it(void **state UNUSED)
{
        static const char *const same[] = { "{\"a\":\"x\",\"b\":\"\"}", "{\"b\":\"\",\"a\":\"x\"}" };
        char hex[FINGERPRINT_TEXT_MAX];
        struct fingerprint fp;

        for (size_t i = 0; i < ARRAY_LEN(same); i++) {
                AUTO(json_free_p) cJSON *files = parse(same[i]);

                files_fingerprint(files, &fp);
                assert_string_equal(hex_fingerprint(&fp, hex),
                                    "8ec54942a19c1649603c347e2673ca591bdc9afdf0b36e9e70c4f2c932145aba");
        }
        files_fingerprint(NULL, &fp);
        assert_string_equal(hex_fingerprint(&fp, hex),
                            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_of_each_kind),
                cmocka_unit_test(merged_line_by_line),
                cmocka_unit_test(merged_within_limits),
                cmocka_unit_test(what_takes_the_place_of_what),
                cmocka_unit_test(a_section_only_where_there_are_some),
                cmocka_unit_test(bounded),
                cmocka_unit_test(agents_can_compute_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
