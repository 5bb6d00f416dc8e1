// SPDX-License-Identifier: Apache-2.0
/*
 * KubeDB's Reconfigure for SingleStore: what becomes of the files, and which values the server must then
 * have. The story in tests/golden/singlestore-config.txt.
 */
#include "hooks/singlestore_config.h"

#include "base/limits.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "testgolden.h"

static void tell(const char *what, const struct singlestore_config *config, struct singlestore_files *before,
                 struct buf *out)
{
        struct singlestore_files files = { NULL, 0 };
        struct singlestore_values values = { NULL, 0 };

        singlestore_config_render(config, &files);
        singlestore_config_wanted(&files, before, &values);
        buf_printf(out, "=== %s\n", what);
        for (size_t i = 0; i < files.n; i++)
                buf_printf(out, "--- %s\n%s", files.items[i].name, files.items[i].text);
        for (size_t i = 0; i < values.n; i++)
                buf_printf(out, "> %s %s\n", values.items[i].name,
                           values.items[i].wanted == NULL ? "(gone)" : values.items[i].wanted);
        singlestore_config_free_values(&values);
        singlestore_config_free_files(before);
        *before = files;
}

static struct singlestore_files one(const char *name, const char *text)
{
        struct singlestore_files files = { NULL, 0 };

        singlestore_config_add(&files, name, text);
        return files;
}

static void story(void **state UNUSED)
{
        struct singlestore_config config = { .secret = { NULL, 0 } };
        struct singlestore_files before = { NULL, 0 };
        struct singlestore_files first =
                one("sdb-apply.cnf", "# by hand\n[server]\nmax_connections = 250\nread_buffer_size = "
                                     "\"122880\"\n[client]\nport = 1\n");
        struct singlestore_files second = one("sdb-apply.cnf", "[server]\nmax-connections=300\n");
        struct singlestore_files given = one("sdb-apply.cnf", "max_connections = 550\n");
        struct singlestore_files more =
                one("sdb-apply.cnf", "[server]\nmax_connections = 600\n# why\nlock_wait_timeout=60\n");
        struct singlestore_files other = one("other.cnf", "[server]\nmax_connections = 1\n");
        AUTO(buf_done_p) struct buf out = BUF_INIT(CONFIG_MAX_BYTES);
        const struct {
                const char *what;
                struct singlestore_config_change change;
        } steps[] = {
                { "configSecret", { .secret = &first } },
                { "applyConfig, without a section", { .apply = &given } },
                { "applyConfig again: key by key", { .apply = &more } },
                { "applyConfig of another file: read before the first", { .apply = &other } },
                { "another configSecret in its place", { .secret = &second } },
                { "removeCustomConfig and applyConfig", { .remove = true, .apply = &given } },
                { "removeCustomConfig", { .remove = true } },
        };

        for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
                struct err err = ERR_INIT;

                assert_int_equal(singlestore_config_apply(&config, &steps[i].change, &err), 0);
                tell(steps[i].what, &config, &before, &out);
        }
        testgolden_compare("singlestore-config.txt", buf_str(&out));
        assert_int_equal(config.secret.n + config.given.n, 0);
        singlestore_config_done(&config);
        singlestore_config_free_files(&before);
        singlestore_config_free_files(&first);
        singlestore_config_free_files(&second);
        singlestore_config_free_files(&given);
        singlestore_config_free_files(&more);
        singlestore_config_free_files(&other);
}

static void refused(void **state UNUSED)
{
        static const struct {
                const char *name;
                const char *text;
                enum err_kind kind;
                const char *fault;
        } cases[] = {
                { "../x.cnf", "", ERR_USAGE, "../x.cnf" },
                { ".cnf", "", ERR_USAGE, "'.cnf'" },
                { ".x.cnf", "", ERR_USAGE, ".x.cnf" },
                { "x.conf", "", ERR_USAGE, "x.conf" },
                { "x.cnf", "[server\n", ERR_PARSE, "x.cnf: line 1" },
                { "x.cnf", "[server]\n\n=1\n", ERR_PARSE, "x.cnf: line 3" },
        };
        struct singlestore_config config = { .secret = { NULL, 0 } };
        struct singlestore_files good = one("x.cnf", "a = 1\n");
        struct err err = ERR_INIT;

        assert_int_equal(singlestore_config_apply(
                                 &config, &(struct singlestore_config_change){ .apply = &good }, &err),
                         0);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct singlestore_files bad = one(cases[i].name, cases[i].text);
                const struct singlestore_config_change changes[] = { { .remove = true, .secret = &bad },
                                                                     { .remove = true, .apply = &bad } };

                for (size_t k = 0; k < ARRAY_LEN(changes); k++) {
                        err = (struct err)ERR_INIT;
                        assert_int_equal(singlestore_config_apply(&config, &changes[k], &err), -1);
                        if (err.kind != cases[i].kind || strstr(err.text, cases[i].fault) == NULL)
                                fail_msg("%s: %s", cases[i].name, err.text);
                        assert_string_equal(config.given.items[0].text,
                                            "[server]\na = 1\n"); /* nothing changed */
                }
                singlestore_config_free_files(&bad);
        }
        singlestore_config_free_files(&good);
        singlestore_config_done(&config);
}

static void too_many_and_too_large(void **state UNUSED)
{
        struct singlestore_config config = { .secret = { NULL, 0 } };
        struct singlestore_files many = { NULL, 0 };
        struct singlestore_files large = { NULL, 0 };
        AUTO(buf_done_p) struct buf text = BUF_INIT(CONFIG_MAX_BYTES);
        struct err err = ERR_INIT;

        for (int i = 0; i <= SINGLESTORE_CONFIG_FILES_MAX; i++) {
                AUTO(mem_free_p) char *name = mem_printf("f%d.cnf", i);

                singlestore_config_add(&many, name, "");
        }
        assert_int_equal(singlestore_config_apply(
                                 &config, &(struct singlestore_config_change){ .secret = &many }, &err),
                         -1);
        assert_int_equal(err.kind, ERR_USAGE);
        while (text.len <= CONFIG_MAX_BYTES / 2)
                buf_add_str(&text, "# x\n");
        singlestore_config_add(&large, "x.cnf", buf_str(&text));
        assert_int_equal(singlestore_config_apply(
                                 &config, &(struct singlestore_config_change){ .apply = &large }, &err),
                         -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        singlestore_config_free_files(&many);
        singlestore_config_free_files(&large);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(story),
                cmocka_unit_test(refused),
                cmocka_unit_test(too_many_and_too_large),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
