// SPDX-License-Identifier: Apache-2.0
/*
 * cli/: command lines from tables, tables for people.
 */
#include "base/near.h"
#include "cli/options.h"
#include "cli/terminal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ARGS_MAX 10

struct sample_options {
        bool once;
        const char *source;
        struct option_list names;
        int64_t count;
        int64_t wait_ms;
        const char *output;
        const char *file;
};

static const char *const output_values[] = { "text", "json", NULL };

static const struct option_spec sample_specs[] = {
        { "once", 0, NULL, OPTION_FLAG, offsetof(struct sample_options, once), "one scan", NULL },
        { "source", 0, "DIR", OPTION_STRING, offsetof(struct sample_options, source), "where from", NULL },
        { "name", 0, "DNS|IP", OPTION_LIST, offsetof(struct sample_options, names), "a name", NULL },
        { "count", 0, "N", OPTION_INT, offsetof(struct sample_options, count), "how many", NULL },
        { "wait", 0, "TIME", OPTION_DURATION, offsetof(struct sample_options, wait_ms), "how long", NULL },
        { "output", 0, NULL, OPTION_STRING, offsetof(struct sample_options, output), "form", output_values },
        { "output-file", 'o', "FILE", OPTION_STRING, offsetof(struct sample_options, file), "where to",
          NULL },
};

static const struct command sample = {
        .name = "sample",
        .summary = "tries the parser",
        .synopsis = "[OPTION]… PATH…",
        .details = "Examples follow.",
        .options = sample_specs,
        .n_options = ARRAY_LEN(sample_specs),
};

struct outcome {
        int at;
        int code;
        char printed[2048]; /* what went to standard error or output */
};

/* Runs the parser with descriptor fd caught in a file. */
static struct outcome parse(char **argv, int fd, struct sample_options *out)
{
        struct outcome outcome = { 0, -1, "" };
        FILE *file = tmpfile();
        int saved = dup(fd);
        int argc = 0;
        ssize_t n;

        while (argv[argc] != NULL)
                argc++;
        assert_non_null(file);
        (void)fflush(NULL);
        (void)dup2(fileno(file), fd);
        outcome.at = options_parse(&sample, argc, argv, out, &outcome.code);
        (void)fflush(NULL);
        (void)dup2(saved, fd);
        (void)close(saved);
        n = pread(fileno(file), outcome.printed, sizeof(outcome.printed) - 1, 0);
        assert_true(n >= 0);
        (void)fclose(file);
        return outcome;
}

static void every_kind_and_any_order(void **state UNUSED)
{
        char *argv[] = { (char[]){ "sample" },
                         (char[]){ "first" },
                         (char[]){ "--name" },
                         (char[]){ "a" },
                         (char[]){ "--once" },
                         (char[]){ "-" },
                         (char[]){ "--name=b" },
                         (char[]){ "--source=" },
                         (char[]){ "--count=7" },
                         (char[]){ "--wait" },
                         (char[]){ "1m30s" },
                         (char[]){ "-ofile" },
                         (char[]){ "--output" },
                         (char[]){ "json" },
                         (char[]){ "--" },
                         (char[]){ "--literal" },
                         NULL };
        struct sample_options out = { 0 };
        struct outcome outcome = parse(argv, STDERR_FILENO, &out);

        assert_int_equal(outcome.at, 13);
        assert_string_equal(argv[13], "first");
        assert_string_equal(argv[14], "-");
        assert_string_equal(argv[15], "--literal");
        assert_true(out.once);
        assert_string_equal(out.source, "");
        assert_int_equal(out.names.n, 2);
        assert_string_equal(out.names.items[1], "b");
        assert_int_equal(out.count, 7);
        assert_int_equal(out.wait_ms, 90000);
        assert_string_equal(out.output, "json");
        assert_string_equal(out.file, "file");
        options_list_done(&out.names);
}

static void short_ones(void **state UNUSED)
{
        static const struct {
                const char *args[3];
                const char *want;
        } cases[] = {
                { { "-ox" }, "x" }, { { "-o=x" }, "x" },   { { "-o", "x" }, "x" },   { { "-o", "=x" }, "=x" },
                { { "-o=" }, "" },  { { "-o==x" }, "=x" }, { { "-o", "-x" }, "-x" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                char args[3][16] = { "sample" };
                char *argv[4] = { args[0] };
                struct sample_options out = { 0 };

                for (size_t j = 0; j < 2 && cases[i].args[j] != NULL; j++) {
                        (void)snprintf(args[j + 1], sizeof(args[0]), "%s", cases[i].args[j]);
                        argv[j + 1] = args[j + 1];
                }
                assert_true(parse(argv, STDERR_FILENO, &out).at > 0);
                assert_string_equal(out.file, cases[i].want);
        }
}

static void usage_errors(void **state UNUSED)
{
        static const struct {
                const char *args[ARGS_MAX];
                const char *text;
        } cases[] = {
                { { "--sorce", "x" }, "unknown option '--sorce', did you mean '--source'?" },
                { { "--hlep" }, "unknown option '--hlep', did you mean '--help'?" },
                { { "--zzzzzz" }, "unknown option '--zzzzzz'" },
                { { "-x" }, "unknown option '-x'" },
                { { "--sourc=x" }, "unknown option '--sourc', did you mean '--source'?" },
                { { "--once=yes" }, "--once takes no value" },
                { { "--source" }, "--source needs a value: --source DIR" },
                { { "--source", "--once" }, "--source needs a value: --source DIR" },
                { { "--output" }, "--output needs a value: --output text|json" },
                { { "--output", "yaml" }, "--output: 'yaml' is not one of text, json" },
                { { "--output=jsn" }, "--output: 'jsn' is not known, did you mean 'json'?" },
                { { "--count", "-1" }, "--count: -1 is not between 0 and 9223372036854775807" },
                { { "--count", "0x10" }, "--count: '0x10' is not a number" },
                { { "--wait", "5" }, "--wait: '5' is not a duration such as 30s, 1m30s or 24h" },
                { { "--name", "a", "--\033[31m" }, "unknown option '--?[31m'" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                char args[ARGS_MAX][64] = { "sample" };
                char *argv[ARGS_MAX + 1] = { args[0] };
                struct sample_options out = { 0 };
                struct outcome outcome;
                char want[256];

                for (size_t j = 0; cases[i].args[j] != NULL; j++) {
                        (void)snprintf(args[j + 1], sizeof(args[0]), "%s", cases[i].args[j]);
                        argv[j + 1] = args[j + 1];
                }
                outcome = parse(argv, STDERR_FILENO, &out);
                assert_int_equal(outcome.at, -1);
                assert_int_equal(outcome.code, 2);
                (void)snprintf(want, sizeof(want), "certrotate sample: %s; see 'certrotate sample --help'\n",
                               cases[i].text);
                assert_string_equal(outcome.printed, want);
                assert_null(out.names.items);
        }
}

static void help(void **state UNUSED)
{
        char *argv[] = { (char[]){ "sample" }, (char[]){ "--help" }, (char[]){ "--zzz" }, NULL };
        struct sample_options out = { 0 };
        struct outcome outcome = parse(argv, STDOUT_FILENO, &out);

        assert_int_equal(outcome.at, -1);
        assert_int_equal(outcome.code, 0);
        assert_string_equal(outcome.printed, "usage: certrotate sample [OPTION]… PATH…\n"
                                             "\n"
                                             "tries the parser\n"
                                             "\n"
                                             "Options:\n"
                                             "  --once                  one scan\n"
                                             "  --source DIR            where from\n"
                                             "  --name DNS|IP           a name\n"
                                             "  --count N               how many\n"
                                             "  --wait TIME             how long\n"
                                             "  --output text|json      form\n"
                                             "  -o, --output-file FILE  where to\n"
                                             "  --help                  print this text\n"
                                             "\n"
                                             "Examples follow.\n");
}

static void nearest_word(void **state UNUSED)
{
        static const char *const known[] = { "source", "publish", "settle", "rescan" };
        static const struct {
                const char *typed;
                const char *want;
        } cases[] = { { "sorce", "source" }, { "soucre", "source" }, { "publsih", "publish" },
                      { "setle", "settle" }, { "x", NULL },          { "", NULL },
                      { "database", NULL },  { "rescann", "rescan" } };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct near near = NEAR_INIT;

                for (size_t j = 0; j < ARRAY_LEN(known); j++)
                        near_try(&near, cases[i].typed, known[j]);
                if (cases[i].want == NULL)
                        assert_null(near.best);
                else
                        assert_string_equal(near.best, cases[i].want);
        }
}

static void tables_line_up(void **state UNUSED)
{
        AUTO(terminal_table_free_p) struct terminal_table *table = terminal_table_new(true);
        AUTO(buf_done_p) struct buf out = BUF_INIT(1024);

        terminal_table_row(
                table, (const struct terminal_cell[]){ { "naïve", STYLE_BOLD }, { "x", STYLE_PLAIN } }, 2);
        terminal_table_row(table, (const struct terminal_cell[]){ { "abc", STYLE_GOOD } }, 1);
        terminal_table_row(table,
                           (const struct terminal_cell[]){ { NULL, STYLE_BAD },
                                                           { "\033[2J\xff\xc2\x9b\xe2\x80\xae", STYLE_PLAIN },
                                                           { "z", STYLE_DIM } },
                           3);
        terminal_table_print(table, &out);
        assert_string_equal(buf_str(&out), "\033[1mnaïve\033[0m  x\n"
                                           "\033[32mabc\033[0m\n"
                                           "       ?[2J???  \033[2mz\033[0m\n");
}

/* As wide as told, the widest first; ends of names stay; characters are not broken. */
static void tables_give_way(void **state UNUSED)
{
        static const struct terminal_column columns[] = { { 8, 3, true }, { 4, 2, false } };
        static const struct {
                size_t width;
                const char *want;
        } cases[] = {
                { 99, "ünïque-name-12  a sentence  x\nb               ccc         yy\n" },
                { 28, "ünïque…ame-12  a senten…  x\nb              ccc        yy\n" },
                { 20, "ünïq…e-12  a se…  x\nb          ccc    yy\n" },
                { 15, "ün…12  a s…  x\nb      ccc   yy\n" },
                { 11, "ü…2  a…  x\nb    c…  yy\n" },
                { 0, "ü…2  a…  x\nb    c…  yy\n" }, /* no less than the least */
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(terminal_table_free_p) struct terminal_table *table = terminal_table_new(false);
                AUTO(buf_done_p) struct buf out = BUF_INIT(1024);

                terminal_table_row(table,
                                   (const struct terminal_cell[]){ { "ünïque-name-12", STYLE_BOLD },
                                                                   { "a sentence", STYLE_PLAIN },
                                                                   { "x", STYLE_PLAIN } },
                                   3);
                terminal_table_row(table,
                                   (const struct terminal_cell[]){ { "b", STYLE_BOLD },
                                                                   { "ccc", STYLE_PLAIN },
                                                                   { "yy", STYLE_PLAIN } },
                                   3);
                terminal_table_fit(table, cases[i].width, columns, ARRAY_LEN(columns));
                terminal_table_print(table, &out);
                if (strcmp(buf_str(&out), cases[i].want) != 0)
                        fail_msg("%zu:\n%s", cases[i].width, buf_str(&out));
        }
}

static void time_left(void **state UNUSED)
{
        static const struct {
                int64_t at;
                const char *want;
        } cases[] = {
                { 6 * 86400 + 4 * 3600 + 59, "6d 4h" },
                { 213 * 86400 + 7200, "213d" },
                { 43 * 60 + 20, "43m" },
                { 3600, "1h" },
                { 3660, "1h 1m" },
                { 0, "0s" },
                { -2 * 86400, "expired 2d ago" },
                { INT64_MAX, "106751991167300d" },
                { INT64_MIN, "expired 106751991167300d ago" },
        };
        char out[40];

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                assert_string_equal(terminal_until((struct wall){ cases[i].at }, (struct wall){ 0 }, out),
                                    cases[i].want);
        assert_string_equal(terminal_until((struct wall){ INT64_MIN }, (struct wall){ INT64_MAX }, out),
                            "expired 106751991167300d ago");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_kind_and_any_order),
                cmocka_unit_test(short_ones),
                cmocka_unit_test(usage_errors),
                cmocka_unit_test(help),
                cmocka_unit_test(nearest_word),
                cmocka_unit_test(tables_line_up),
                cmocka_unit_test(tables_give_way),
                cmocka_unit_test(time_left),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
