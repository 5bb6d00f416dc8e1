// SPDX-License-Identifier: Apache-2.0
/*
 * config/: every key, defaults, options, printing, and the manual.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "config/schema.h"
#include "config/text.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define MARIADB "database: mariadb\nsource: /s\npublish: /p\n"

static const char everything[] =
        "database: generic\n"
        "instance: orders-db\n"
        "alias: client\n"
        "source: /etc/certrotate//secret/\n"
        "publish: /run/certrotate/./tls\n"
        "state: /var/lib/certrotate/state.json\n"
        "endpoints: [\"tls://127.0.0.1:3306\", \"https://[::1]:8443\"]\n"
        "names: [db.example.com, \"*.example.com\", 10.0.0.1, \"::1\"]\n"
        "listen: \"[::1]:9533\"\n"
        "control: \"\"\n"
        "key-password-file: /etc/pw\n"
        "authorities: replace\n"
        "apply: restart\n"
        "rescan: 2m\nsettle: 0\nreverify: 0\nverify-limit: 1m30s\n"
        "retry-min: 1s\nretry-max: 10m\ngrace: 5s\n"
        "log-format: json\nlog-level: debug\n"
        "source-files: {certificate: a.pem, key: b.pem, authorities: c.pem, combined: d.pem}\n"
        "files:\n"
        "  - {name: tls.crt, content: chain}\n"
        "  - {name: tls.key, content: key, plain: true}\n"
        "  - name: keystore.p12\n"
        "    content: pkcs12\n"
        "    mode: \"0600\"\n"
        "    owner: root\n"
        "    group: \"42\"\n"
        "    alias: druid\n"
        "    password-file: /etc/store-pw\n"
        "policy: {name-dropped: refuse, expired: warn}\n"
        "generic:\n"
        "  reload: {http: {url: \"http://127.0.0.1:9000/-/reload\", method: PUT, status: 204}}\n"
        "  restart: {signal: TERM}\n"
        "  pid-file: /run/nginx.pid\n"
        "  executable: /usr/sbin/nginx\n"
        "  command-limit: 10s\n";

static struct config *parse(const char *text)
{
        struct config *config = NULL;
        struct err err = ERR_INIT;

        if (config_parse("f", text, strlen(text), NULL, &config, &err) != 0)
                fail_msg("%s", err.text);
        return config;
}

static void every_key(void **state UNUSED)
{
        AUTO(config_free_p) struct config *config = parse(everything);

        assert_string_equal(config->instance, "orders-db");
        assert_string_equal(config->alias, "client");
        assert_string_equal(config->source, "/etc/certrotate/secret");
        assert_string_equal(config->publish, "/run/certrotate/tls");
        assert_string_equal(config->state, "/var/lib/certrotate/state.json");
        assert_string_equal(config->control, "");
        assert_string_equal(config->listen, "[::1]:9533");
        assert_int_equal(config->n_endpoints, 2);
        assert_string_equal(config->endpoints[1], "https://[::1]:8443");
        assert_null(config->endpoints[2]);
        assert_int_equal(config->n_server_names, 4);
        assert_string_equal(config->server_names[1], "*.example.com");
        assert_string_equal(config->key_password_file, "/etc/pw");
        assert_false(config->keep_authorities);
        assert_int_equal(config->apply, CONFIG_APPLY_RESTART);
        assert_int_equal(config->rescan_ms, 120000);
        assert_int_equal(config->settle_ms, 0);
        assert_int_equal(config->reverify_ms, 0);
        assert_int_equal(config->verify_limit_ms, 90000);
        assert_int_equal(config->retry_min_ms, 1000);
        assert_int_equal(config->retry_max_ms, 600000);
        assert_int_equal(config->grace_ms, 5000);
        assert_int_equal(config->log_format, LOG_JSON);
        assert_int_equal(config->log_level, LOG_DEBUG);
        assert_string_equal(config->names.certificate, "a.pem");
        assert_string_equal(config->names.combined, "d.pem");
        assert_int_equal(config->policy.severity[FINDING_NAME_DROPPED], SEVERITY_REFUSE);
        assert_int_equal(config->policy.severity[FINDING_EXPIRED], SEVERITY_WARN);
        assert_int_equal(config->policy.severity[FINDING_UNTRUSTED], policy_default(FINDING_UNTRUSTED));
        assert_string_equal(config->hook.generic.reload_url, "http://127.0.0.1:9000/-/reload");
        assert_string_equal(config->hook.generic.reload_method, "PUT");
        assert_int_equal(config->hook.generic.reload_status, 204);
        assert_int_equal(config->hook.generic.restart_signal, SIGTERM);
        assert_string_equal(config->hook.generic.pid_file, "/run/nginx.pid");
        assert_string_equal(config->hook.generic.executable, "/usr/sbin/nginx");
        assert_int_equal(config->hook.generic.command_limit_ms, 10000);
        assert_ptr_equal(config->hook.policy, &config->policy);
        assert_string_equal(config->hook.publish, "/run/certrotate/tls");
}

static void published_files(void **state UNUSED)
{
        AUTO(config_free_p) struct config *config = parse(everything);
        const struct output *store = &config->outputs[2];

        assert_int_equal(config->n_outputs, 3);
        assert_int_equal(config->outputs[0].content, OUTPUT_CHAIN);
        assert_int_equal(config->outputs[0].attr.mode, 0644);
        assert_int_equal(config->outputs[0].attr.uid, FS_KEEP);
        assert_int_equal(config->outputs[1].attr.mode, 0640);
        assert_true(config->outputs[1].plain);
        assert_string_equal(store->name, "keystore.p12");
        assert_string_equal(store->alias, "druid");
        assert_int_equal(store->attr.mode, 0600);
        assert_string_equal(config->files[2].owner, "root");
        assert_string_equal(config->files[2].group, "42");
        assert_string_equal(config->files[2].password_file, "/etc/store-pw");
        assert_null(config->files[0].password_file);
}

static void defaults(void **state UNUSED)
{
        AUTO(config_free_p) struct config *config = parse(MARIADB "admin:\npolicy:\n");
        const struct hook *hook = hook_find("mariadb");

        assert_string_equal(config->instance, "mariadb");
        assert_string_equal(config->alias, "server");
        assert_string_equal(config->state, "/p/..state.json");
        assert_string_equal(config->control, "/p/..control.sock");
        assert_null(config->listen);
        assert_true(config->keep_authorities);
        assert_int_equal(config->rescan_ms, 60000);
        assert_int_equal(config->settle_ms, 100);
        assert_int_equal(config->reverify_ms, 600000);
        assert_int_equal(config->verify_limit_ms, 30000);
        assert_int_equal(config->restart_limit_ms, 300000);
        assert_int_equal(config->hook.process.limit_ms, 300000);
        assert_int_equal(config->retry_min_ms, 2000);
        assert_int_equal(config->retry_max_ms, 300000);
        assert_int_equal(config->grace_ms, 20000);
        assert_int_equal(config->hook.admin.port, 0);
        assert_null(config->hook.admin.user);
        assert_string_equal(config->endpoints[0], hook->endpoints[0]);
        assert_int_equal(config->n_outputs, hook->n_outputs);
        assert_string_equal(config->outputs[0].name, hook->outputs[0].name);
}

static void options_win(void **state UNUSED)
{
        static const char *const endpoints[] = { "tls://127.0.0.1:2" };
        static const char text[] = MARIADB "log-level: info\nendpoints: [tls://127.0.0.1:1]\n";
        struct config_overrides over = {
                .source = "/o/s", .log_level = "warn", .endpoints = endpoints, .n_endpoints = 1
        };
        AUTO(config_free_p) struct config *config = NULL;
        struct config *none = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(config_parse("f", text, strlen(text), &over, &config, &err), 0);
        assert_string_equal(config->source, "/o/s");
        assert_string_equal(config->publish, "/p");
        assert_int_equal(config->log_level, LOG_WARN);
        assert_int_equal(config->n_endpoints, 1);
        assert_string_equal(config->endpoints[0], "tls://127.0.0.1:2");
        over.log_level = "wran";
        assert_int_equal(config_parse("f", text, strlen(text), &over, &none, &err), -1);
        assert_string_equal(err.text, "--log-level: 'wran' is not known, did you mean 'warn'?");
        assert_int_equal(config_parse(NULL, NULL, 0, NULL, &none, &err), -1);
        assert_memory_equal(err.text, "--database: is missing: name the driver, one of ", 47);
}

static void files_and_working_directory(void **state UNUSED)
{
        char directory[] = "/tmp/certrotate-config-XXXXXX";
        struct config_overrides over = { .database = "mariadb", .source = "s/../s", .publish = "p" };
        AUTO(config_free_p) struct config *config = NULL;
        struct config *none = NULL;
        struct err err = ERR_INIT;
        char want[64];

        assert_non_null(mkdtemp(directory));
        assert_int_equal(chdir(directory), 0);
        assert_int_equal(config_load(NULL, &over, &config, &err), 0);
        (void)snprintf(want, sizeof(want), "%s/p", directory);
        assert_string_equal(config->publish, want);
        assert_int_equal(config_load("missing.yaml", &over, &none, &err), -1);
        assert_int_equal(err.kind, ERR_USAGE);
        assert_string_equal(err.text, "open 'missing.yaml': No such file or directory");
        /* p leads into s. */
        assert_int_equal(mkdir("s", 0700), 0);
        assert_int_equal(mkdir("s/x", 0700), 0);
        assert_int_equal(symlink("s/x", "p"), 0);
        over.source = "s";
        assert_int_equal(config_load(NULL, &over, &none, &err), -1);
        assert_memory_equal(err.text, "--publish: leads through links", 30);
        assert_int_equal(
                fs_replace("f.yaml", MARIADB "files: [{name: a, content: ca, owner: no-such-user}]\n",
                           strlen(MARIADB) + 53, &(struct fs_attr){ 0600, FS_KEEP, (gid_t)FS_KEEP }, &err),
                0);
        assert_int_equal(config_load("f.yaml", NULL, &none, &err), -1);
        assert_string_equal(err.text, "f.yaml:4:39: owner: there is no user 'no-such-user' on this machine");
        assert_int_equal(unlink("f.yaml") + unlink("p") + rmdir("s/x") + rmdir("s") + rmdir(directory), 0);
        assert_int_equal(chdir("/"), 0);
}

/* What is printed reads back to the same. */
static void printing(void **state UNUSED)
{
        static const char *const texts[] = { everything, MARIADB };

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                AUTO(config_free_p) struct config *config = parse(texts[i]);
                AUTO(config_free_p) struct config *again = NULL;
                AUTO(buf_done_p) struct buf first = BUF_INIT(CONFIG_MAX_BYTES);
                AUTO(buf_done_p) struct buf second = BUF_INIT(CONFIG_MAX_BYTES);

                config_print(config, &first);
                again = parse(buf_str(&first));
                config_print(again, &second);
                assert_string_equal(buf_str(&first), buf_str(&second));
                assert_int_equal(again->n_outputs, config->n_outputs);
                assert_non_null(strstr(buf_str(&first), "rescan: "));
        }
}

static void shapes(void **state UNUSED)
{
        char path[] = "//a/./b//c/.";

        text_normalize_path(path);
        assert_string_equal(path, "/a/b/c");
        assert_true(text_is_inside("/a/b", "/a"));
        assert_true(text_is_inside("/a", "/"));
        assert_false(text_is_inside("/ab", "/a"));
        assert_true(text_has_parent_step("/a/.."));
        assert_false(text_has_parent_step("/a/..b/...x"));
        assert_false(text_is_dns_name("a..b"));
        assert_false(text_is_dns_name("*"));
        assert_true(text_is_host_port("[::1]:1", false, true));
        assert_false(text_is_host_port("[::1:1", false, true));
        assert_false(text_is_host_port("[", true, true));
        assert_false(text_is_host_port(":", true, true));
        assert_false(text_is_host_port("::1:1", false, false));
}

/* The table's words for contents are those of certs/output.c. */
static void contents(void **state UNUSED)
{
        for (const struct schema_word *word = schema_find(schema_file(), "content")->words;
             word->name != NULL; word++)
                assert_int_equal(output_parse_content(word->name), word->value);
}

/* One paragraph of the manual: from its ".It" line to the next. */
static void check_paragraph(const char *page, const char *macro, const char *name, const char *value)
{
        AUTO(mem_free_p) char *item = mem_printf("\n.It %s %s", macro, name);
        AUTO(mem_free_p) char *wanted = mem_printf("Default: %s", value);
        const char *start = strstr(page, item);
        const char *end;
        const char *found;

        while (start != NULL && strchr(" \n", start[strlen(item)]) == NULL)
                start = strstr(start + 1, item);
        if (start == NULL)
                fail_msg("certrotate.conf.5 does not mention %s", name);
        end = strstr(start + 1, "\n.It ");
        found = strstr(start, wanted);
        if (found == NULL || (end != NULL && found > end))
                fail_msg("certrotate.conf.5: %s: '%s' is missing", name, wanted);
}

static void manual(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf page = BUF_INIT(CONFIG_MAX_BYTES);
        const struct schema *const schemas[] = { schema_top(), schema_file() };
        static const char *const sections[] = { "\n.Sh KEYS", "\n.Sh PUBLISHED FILES" };
        struct err err = ERR_INIT;

        if (fs_read(CERTROTATE_SOURCE_DIR "/deploy/man/certrotate.conf.5", CONFIG_MAX_BYTES / 2, &page,
                    &err) != 0)
                fail_msg("%s", err.text);
        for (size_t i = 0; i < ARRAY_LEN(schemas); i++)
                for (size_t j = 0; j < schemas[i]->n; j++)
                        check_paragraph(strstr(buf_str(&page), sections[i]), "Ic", schemas[i]->keys[j].path,
                                        schemas[i]->keys[j].fallback != NULL ? schemas[i]->keys[j].fallback
                                                                             : schemas[i]->keys[j].unset);
        for (int i = 0; i < FINDING_CODES; i++)
                check_paragraph(buf_str(&page), "Cm", policy_code_name((enum finding_code)i),
                                policy_severity_name(policy_default((enum finding_code)i)));
        for (const struct hook *const *hook = hook_all(); *hook != NULL; hook++)
                assert_non_null(strstr(buf_str(&page), (*hook)->name));
}

static void example(void **state UNUSED)
{
        AUTO(config_free_p) struct config *config = NULL;
        struct err err = ERR_INIT;

        if (config_load(CERTROTATE_SOURCE_DIR "/deploy/examples/certrotate.yaml", NULL, &config, &err) != 0)
                fail_msg("%s", err.text);
        assert_string_equal(config->database, "mariadb");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_key),
                cmocka_unit_test(published_files),
                cmocka_unit_test(defaults),
                cmocka_unit_test(options_win),
                cmocka_unit_test(files_and_working_directory),
                cmocka_unit_test(printing),
                cmocka_unit_test(shapes),
                cmocka_unit_test(contents),
                cmocka_unit_test(manual),
                cmocka_unit_test(example),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
