// SPDX-License-Identifier: Apache-2.0
/*
 * option_file and mysql_settings: texts in, texts out. The texts that switch TLS are met by real servers in
 * tests/e2e/test_mysql_tls.py.
 */
#include "hooks/mysql_settings.h"

#include "hooks/option_file.h"
#include "hooks/pem_outputs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OUT_MAX ((size_t)1 << 20)
#define BEGIN   "# certrotate: begin, written by the agent: what stands in here is replaced\n"
#define END     "# certrotate: end\n"
#define FILES   "ssl_ca=/run/tls/ca.crt\nssl_cert=/run/tls/tls.crt\nssl_key=/run/tls/tls.key\n"
#define PATHS                                                                                                \
        "socket.ssl=yes;socket.ssl_ca=/run/tls/ca.crt;socket.ssl_cert=/run/tls/tls.crt;"                     \
        "socket.ssl_key=/run/tls/tls.key"
#define PERCONA_SST                                                                                          \
        "[sst]\nencrypt=4\nssl-ca=/run/tls/ca.crt\nssl-cert=/run/tls/tls.crt\nssl-key=/run/tls/tls.key\n"
#define MARIADB_SST                                                                                          \
        "[sst]\nssl-mode=VERIFY_CA\ntca=/run/tls/ca.crt\ntcert=/run/tls/tls.crt\ntkey=/run/tls/tls.key\n"
#define MYSQL_OFF "tls_version=\nloose_admin_tls_version=\nloose_ssl=OFF\n"
#define PLAIN_TOO "loose_require_secure_transport=OFF\n"
#define ONLY_TLS  "require_secure_transport=ON\n"

static const struct hook_settings plain = { .publish = "/run/tls",
                                            .outputs = pem_outputs,
                                            .n_outputs = PEM_OUTPUTS_N };

static void put(enum mysql_kind kind, const struct hook_settings *settings, enum tls_mode mode,
                const char *present, struct buf *out)
{
        struct err err = ERR_INIT;

        if (mysql_settings_put(kind, settings, mode, present, out, &err) == -1)
                fail_msg("%s", err.text);
        assert_false(out->overflow);
}

/* The part as wished, alone in its file; again over its own result; and over that of every other mode. */
static void expect(enum mysql_kind kind, const struct galera_settings *galera, enum tls_mode mode,
                   const char *want)
{
        AUTO(buf_done_p) struct buf first = BUF_INIT(OUT_MAX);
        struct hook_settings settings = plain;
        char whole[4096];

        settings.galera = *galera;
        (void)snprintf(whole, sizeof(whole), BEGIN "[mysqld]\n%s" END, want);
        put(kind, &settings, mode, "", &first);
        assert_string_equal(buf_str(&first), whole);
        for (int other = TLS_OFF; other < TLS_MODES; other++) {
                AUTO(buf_done_p) struct buf between = BUF_INIT(OUT_MAX);
                AUTO(buf_done_p) struct buf again = BUF_INIT(OUT_MAX);

                put(kind, &settings, (enum tls_mode)other, buf_str(&first), &between);
                put(kind, &settings, mode, buf_str(&between), &again);
                assert_string_equal(buf_str(&again), whole);
        }
}

static void clients(void **state UNUSED)
{
        static const struct galera_settings none = { .encrypt = false };

        expect(MYSQL_KIND_MYSQL, &none, TLS_OFF, MYSQL_OFF PLAIN_TOO);
        expect(MYSQL_KIND_MYSQL, &none, TLS_MIXED, FILES PLAIN_TOO);
        expect(MYSQL_KIND_MYSQL, &none, TLS_ON, FILES);
        expect(MYSQL_KIND_MYSQL, &none, TLS_REQUIRED, FILES ONLY_TLS);
        expect(MYSQL_KIND_MARIADB, &none, TLS_OFF, "ssl=OFF\n" PLAIN_TOO);
        expect(MYSQL_KIND_MARIADB, &none, TLS_MIXED, "ssl=ON\n" FILES PLAIN_TOO);
        expect(MYSQL_KIND_MARIADB, &none, TLS_ON, "ssl=ON\n" FILES);
        expect(MYSQL_KIND_MARIADB, &none, TLS_REQUIRED, "ssl=ON\n" FILES ONLY_TLS);
        /* As KubeDB runs it: clients and transfers with TLS, the group link untouched. */
        expect(MYSQL_KIND_PERCONA, &none, TLS_OFF, MYSQL_OFF PLAIN_TOO);
        expect(MYSQL_KIND_PERCONA, &none, TLS_REQUIRED, FILES ONLY_TLS PERCONA_SST);
}

static void group_link(void **state UNUSED)
{
        static const struct galera_settings ours = { .encrypt = true };
        static const struct galera_settings both = { .encrypt = true,
                                                     .provider_options =
                                                             "gcache.size=8M; gcs.fc_limit=64; " };

        expect(MYSQL_KIND_MARIADB, &ours, TLS_OFF,
               "ssl=OFF\n" PLAIN_TOO "wsrep_provider_options=\"socket.ssl=no\"\n");
        expect(MYSQL_KIND_MARIADB, &ours, TLS_MIXED,
               "ssl=ON\n" FILES PLAIN_TOO "wsrep_provider_options=\"" PATHS
               ";socket.dynamic=true\"\n" MARIADB_SST);
        expect(MYSQL_KIND_MARIADB, &both, TLS_ON,
               "ssl=ON\n" FILES "wsrep_provider_options=\"gcache.size=8M; gcs.fc_limit=64;" PATHS
               "\"\n" MARIADB_SST);
        expect(MYSQL_KIND_PERCONA, &both, TLS_OFF,
               MYSQL_OFF PLAIN_TOO
               "loose_pxc_encrypt_cluster_traffic=OFF\n"
               "wsrep_provider_options=\"gcache.size=8M; gcs.fc_limit=64;socket.ssl=no\"\n");
        expect(MYSQL_KIND_PERCONA, &ours, TLS_MIXED,
               FILES PLAIN_TOO "loose_pxc_encrypt_cluster_traffic=ON\n"
                               "wsrep_provider_options=\"" PATHS ";socket.dynamic=true\"\n" PERCONA_SST);
        expect(MYSQL_KIND_PERCONA, &ours, TLS_REQUIRED,
               FILES ONLY_TLS "loose_pxc_encrypt_cluster_traffic=ON\n"
                              "wsrep_provider_options=\"" PATHS "\"\n" PERCONA_SST);
        /* A driver without a group link writes none, whatever is set. */
        expect(MYSQL_KIND_MYSQL, &both, TLS_ON, FILES);
}

/* Everything outside of the part stays byte for byte. */
static void others_text(void **state UNUSED)
{
        static const char part[] = "[mysqld]\nssl_ca=/x\n";
        static const struct {
                const char *present;
                const char *before, *behind;
        } cases[] = {
                { "", "", "" },
                { "[mysqld]\nport=1\n", "[mysqld]\nport=1\n", "" },
                { "# no newline at the end", "# no newline at the end\n", "" },
                { "\r\n [mysqld] # x\r\n\tport = 1 ; y\r\n", "\r\n [mysqld] # x\r\n\tport = 1 ; y\r\n", "" },
                { "!includedir /etc/x\n[a]\n" BEGIN "[mysqld]\nold=1\n[sst]\n" END
                  "\n; c\n!include /y\n[b]\nz\n",
                  "!includedir /etc/x\n[a]\n", "\n; c\n!include /y\n[b]\nz\n" },
                { "# certrotate: begin\n# certrotate: end", "", "" },
                { BEGIN "garbage that nobody reads\n" END, "", "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT(OUT_MAX);
                AUTO(buf_done_p) struct buf again = BUF_INIT(OUT_MAX);
                struct err err = ERR_INIT;
                char whole[512];

                (void)snprintf(whole, sizeof(whole), "%s" BEGIN "%s" END "%s", cases[i].before, part,
                               cases[i].behind);
                assert_int_equal(option_file_put(cases[i].present, part, &out, &err), 0);
                assert_string_equal(buf_str(&out), whole);
                assert_int_equal(option_file_put(buf_str(&out), part, &again, &err), 0);
                assert_string_equal(buf_str(&again), whole);
        }
}

static void no_option_file(void **state UNUSED)
{
        static const struct {
                const char *present;
                const char *says;
        } cases[] = {
                { "port=1\n", "line 1: 'port=1' stands in no [group]" },
                { "# x\n\nssl:\n  on: true\n", "line 3: 'ssl:' stands in no [group]" },
                { "[mysqld\nport=1\n", "line 1: a [group] without its bracket" },
                { "[a]\n" BEGIN "[mysqld]\n", "line 2: '# certrotate: begin' without" },
                { "[a]\n" END, "line 2: '# certrotate: end' without" },
                { BEGIN END BEGIN END, "line 3: a second '# certrotate: begin', the first is in line 1" },
                { "[a]\n" BEGIN "[mysqld]\n" END "\nport=1\n",
                  "line 6: 'port=1' stands behind the agent's part: put a [group] before it" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT(OUT_MAX);
                struct err err = ERR_INIT;

                assert_int_equal(option_file_put(cases[i].present, "[mysqld]\n", &out, &err), -1);
                assert_int_equal(err.kind, ERR_PARSE);
                if (strstr(err.text, cases[i].says) == NULL)
                        fail_msg("%s", err.text);
                assert_int_equal(out.len, 0);
        }
}

static void values(void **state UNUSED)
{
        static const struct {
                const char *value;
                const char *want; /* NULL: refused */
        } cases[] = {
                { "/run/tls/ca.crt", "x=/run/tls/ca.crt\n" },
                { "/a b/#c", "x=\"/a b/#c\"\n" },
                { "/\xc3\xa4", "x=\"/\xc3\xa4\"\n" },
                { "", "x=\n" },
                { "/a\"b", NULL },
                { "/a\\b", NULL },
                { "/a\nb", NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT(OUT_MAX);
                struct err err = ERR_INIT;

                assert_int_equal(option_file_add(&out, "x", cases[i].value, &err),
                                 cases[i].want == NULL ? -1 : 0);
                assert_string_equal(buf_str(&out), cases[i].want == NULL ? "" : cases[i].want);
                if (cases[i].want == NULL)
                        assert_int_equal(err.kind, ERR_USAGE);
        }
}

static void what_cannot_be_said(void **state UNUSED)
{
        static const struct output no_key[] = { { .name = "a", .content = OUTPUT_CA },
                                                { .name = "b", .content = OUTPUT_CHAIN } };
        static const struct {
                struct hook_settings settings;
                const char *says;
        } cases[] = {
                { { .publish = "/p", .outputs = no_key, .n_outputs = 2 },
                  "files: one with the content 'key'" },
                { { .publish = "/p", .outputs = no_key, .n_outputs = 1 }, "the content 'chain'" },
                { { .publish = "/p" }, "the content 'ca'" },
                { { .publish = "/\"p", .outputs = pem_outputs, .n_outputs = PEM_OUTPUTS_N }, "ssl_ca" },
                { { .publish = "/;p",
                    .outputs = pem_outputs,
                    .n_outputs = PEM_OUTPUTS_N,
                    .galera = { .encrypt = true } },
                  "publish: a semicolon" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT(OUT_MAX);
                struct err err = ERR_INIT;

                assert_int_equal(
                        mysql_settings_put(MYSQL_KIND_MARIADB, &cases[i].settings, TLS_ON, "", &out, &err),
                        -1);
                assert_int_equal(err.kind, ERR_USAGE);
                if (strstr(err.text, cases[i].says) == NULL)
                        fail_msg("%s", err.text);
        }
}

static void provider_options(void **state UNUSED)
{
        static const struct {
                const char *driver;
                struct galera_settings galera;
                const char *says; /* NULL: fine */
        } cases[] = {
                { "mariadb", { .encrypt = true, .provider_options = "gcache.size=8M" }, NULL },
                { "perconaxtradb", { .encrypt = true }, NULL },
                { "mariadb", { .provider_options = "gcache.size=8M" }, "only written with galera.encrypt" },
                { "perconaxtradb",
                  { .encrypt = true, .provider_options = "socket.ssl_ca=/x" },
                  "socket.ssl… is the agent's" },
                { "mariadb",
                  { .encrypt = true, .provider_options = "a=1;socket.dynamic=true" },
                  "socket.dynamic… is the agent's" },
                { "mariadb",
                  { .encrypt = true, .provider_options = "a=\"1\"" },
                  "galera.provider-options: 'a=\"1\"' has a quote" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct hook_settings settings = plain;
                struct database *database = NULL;
                struct err err = ERR_INIT;

                settings.galera = cases[i].galera;
                assert_int_equal(hook_find(cases[i].driver)->open(&settings, &database, &err),
                                 cases[i].says == NULL ? 0 : -1);
                if (database != NULL)
                        database->hook->close(database);
                else if (err.kind != ERR_USAGE || strstr(err.text, cases[i].says) == NULL)
                        fail_msg("%s: %s", cases[i].says, err.text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(clients),          cmocka_unit_test(group_link),
                cmocka_unit_test(others_text),      cmocka_unit_test(no_option_file),
                cmocka_unit_test(values),           cmocka_unit_test(what_cannot_be_said),
                cmocka_unit_test(provider_options),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
