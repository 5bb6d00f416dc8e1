// SPDX-License-Identifier: Apache-2.0
/*
 * Command lines from a table. Not getopt_long: it keeps its state in globals, takes abbreviations (which
 * break when an option is added) and cannot say what was meant.
 */
#include "cli/options.h"

#include "base/mem.h"
#include "base/near.h"
#include "base/num.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

#define HELP_MAX_BYTES ((size_t)64 << 10)
#define VALUES_MAX     256

struct parse {
        const struct command *command;
        int argc;
        char **argv;
        int at; /* argument looked at */
        void *out;
        struct err *err;
};

enum verdict { VERDICT_OK, VERDICT_HELP, VERDICT_WRONG };

static const char *join_values(const struct option_spec *spec, const char *glue, char out[static VALUES_MAX])
{
        size_t len = 0;

        out[0] = '\0';
        for (size_t i = 0; spec->values[i] != NULL && len < VALUES_MAX; i++)
                len += (size_t)snprintf(out + len, VALUES_MAX - len, "%s%s", i == 0 ? "" : glue,
                                        spec->values[i]);
        return out;
}

static const char *shown_arg(const struct option_spec *spec, char values[static VALUES_MAX])
{
        if (spec->arg != NULL || spec->values == NULL)
                return spec->arg;
        return join_values(spec, "|", values);
}

static void add_option_row(struct terminal_table *table, const struct option_spec *spec)
{
        char values[VALUES_MAX];
        const char *arg = spec->kind == OPTION_FLAG ? NULL : shown_arg(spec, values);
        char dash[8] = "";
        char text[VALUES_MAX + 64];

        if (spec->short_name != 0)
                (void)snprintf(dash, sizeof(dash), "-%c, ", spec->short_name);
        (void)snprintf(text, sizeof(text), "  %s--%s%s%s", dash, spec->name, arg == NULL ? "" : " ",
                       arg == NULL ? "" : arg);
        terminal_table_row(
                table, (const struct terminal_cell[]){ { text, STYLE_PLAIN }, { spec->help, STYLE_PLAIN } },
                2);
}

static void print_help(const struct command *command)
{
        static const struct option_spec help = { .name = "help",
                                                 .kind = OPTION_FLAG,
                                                 .help = "print this text" };
        AUTO(terminal_table_free_p) struct terminal_table *table = terminal_table_new(false);
        AUTO(buf_done_p) struct buf text = BUF_INIT(HELP_MAX_BYTES);

        buf_printf(&text, "usage: certrotate %s%s%s\n\n%s\n\nOptions:\n", command->name,
                   *command->synopsis == '\0' ? "" : " ", command->synopsis, command->summary);
        for (size_t i = 0; i < command->n_options; i++)
                add_option_row(table, &command->options[i]);
        add_option_row(table, &help);
        terminal_table_print(table, &text);
        if (command->details != NULL)
                buf_printf(&text, "\n%s%s", command->details,
                           command->details[strlen(command->details) - 1] == '\n' ? "" : "\n");
        (void)fputs(buf_str(&text), stdout);
}

static int unknown_option(const struct parse *parse, const char *typed, size_t len)
{
        AUTO(mem_free_p) char *name = mem_printf("%.*s", (int)(len > 60 ? 60 : len), typed);
        struct near near = NEAR_INIT;

        near_try(&near, name, "--help");
        for (size_t i = 0; i < parse->command->n_options; i++) {
                AUTO(mem_free_p) char *known = mem_printf("--%s", parse->command->options[i].name);
                const char *before = near.best;

                near_try(&near, name, known);
                /* The candidate's text goes away: keep the table's. */
                if (near.best != before)
                        near.best = parse->command->options[i].name;
        }
        if (near.best == NULL)
                return err_set(parse->err, ERR_USAGE, "unknown option '%s'", name);
        return err_set(parse->err, ERR_USAGE, "unknown option '%s', did you mean '--%s'?", name,
                       near.best + strspn(near.best, "-"));
}

static int check_value(const struct option_spec *spec, const char *value, struct err *err)
{
        char values[VALUES_MAX];
        struct near near = NEAR_INIT;

        if (spec->values == NULL)
                return 0;
        for (size_t i = 0; spec->values[i] != NULL; i++) {
                if (strcmp(spec->values[i], value) == 0)
                        return 0;
                near_try(&near, value, spec->values[i]);
        }
        if (near.best != NULL)
                return err_set(err, ERR_USAGE, "--%s: '%.60s' is not known, did you mean '%s'?", spec->name,
                               value, near.best);
        return err_set(err, ERR_USAGE, "--%s: '%.60s' is not one of %s", spec->name, value,
                       join_values(spec, ", ", values));
}

static void add_item(struct option_list *list, const char *value)
{
        list->items = mem_grow(list->items, list->n + 1, sizeof(*list->items));
        list->items[list->n++] = value;
}

static int number_error(const struct option_spec *spec, struct err *err)
{
        err->kind = ERR_USAGE;
        return err_wrap(err, "--%s", spec->name);
}

static int store(const struct parse *parse, const struct option_spec *spec, const char *value)
{
        void *field = (char *)parse->out + spec->offset;

        if (check_value(spec, value, parse->err) != 0)
                return -1;
        switch (spec->kind) {
        case OPTION_FLAG:
                *(bool *)field = true;
                return 0;
        case OPTION_STRING:
                *(const char **)field = value;
                return 0;
        case OPTION_LIST:
                add_item(field, value);
                return 0;
        case OPTION_INT:
                if (num_parse(value, 0, INT64_MAX, field, parse->err) != 0)
                        return number_error(spec, parse->err);
                return 0;
        case OPTION_DURATION:
                if (num_parse_duration(value, field, parse->err) != 0)
                        return number_error(spec, parse->err);
                return 0;
        }
        return 0;
}

/* value: what followed '=' or the short letter; NULL: nothing did, the next argument is it. */
static int take_option(struct parse *parse, const struct option_spec *spec, const char *value)
{
        char values[VALUES_MAX];
        const char *arg;

        if (spec->kind == OPTION_FLAG) {
                if (value != NULL)
                        return err_set(parse->err, ERR_USAGE, "--%s takes no value", spec->name);
                *(bool *)(void *)((char *)parse->out + spec->offset) = true;
                return 0;
        }
        if (value == NULL && parse->at + 1 < parse->argc && strncmp(parse->argv[parse->at + 1], "--", 2) != 0)
                value = parse->argv[++parse->at];
        if (value != NULL)
                return store(parse, spec, value);
        arg = shown_arg(spec, values);
        return err_set(parse->err, ERR_USAGE, "--%s needs a value: --%s %s", spec->name, spec->name,
                       arg == NULL ? "VALUE" : arg);
}

static int take_long(struct parse *parse, const char *text)
{
        size_t len = strcspn(text + 2, "=");
        const char *value = text[2 + len] == '=' ? text + 2 + len + 1 : NULL;

        for (size_t i = 0; i < parse->command->n_options; i++) {
                const struct option_spec *spec = &parse->command->options[i];

                if (strlen(spec->name) == len && strncmp(spec->name, text + 2, len) == 0)
                        return take_option(parse, spec, value);
        }
        return unknown_option(parse, text, len + 2);
}

/* "-ojson" and, as people are used to from kubectl, "-o=json". */
static int take_short(struct parse *parse, const char *text)
{
        const char *value = text[2] == '=' ? text + 3 : text + 2;

        for (size_t i = 0; i < parse->command->n_options; i++) {
                const struct option_spec *spec = &parse->command->options[i];

                if (spec->short_name != 0 && spec->short_name == text[1])
                        return take_option(parse, spec, text[2] == '\0' ? NULL : value);
        }
        return unknown_option(parse, text, strlen(text));
}

/* Goes through argv; sorted receives the options, then the operands. */
static enum verdict take_all(struct parse *parse, char **sorted, int *first_operand)
{
        AUTO(mem_free_p) char **operands = mem_array((size_t)parse->argc, sizeof(*operands));
        bool is_ended = false;
        int n_operands = 0;
        int n = 0;

        for (; parse->at < parse->argc; parse->at++) {
                char *text = parse->argv[parse->at];
                int from = parse->at;

                if (is_ended || text[0] != '-' || text[1] == '\0') {
                        operands[n_operands++] = text;
                        continue;
                }
                if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)
                        return VERDICT_HELP;
                if (strcmp(text, "--") == 0)
                        is_ended = true;
                else if ((text[1] == '-' ? take_long(parse, text) : take_short(parse, text)) != 0)
                        return VERDICT_WRONG;
                for (; from <= parse->at; from++)
                        sorted[n++] = parse->argv[from];
        }
        for (int i = 0; i < n_operands; i++)
                sorted[n + i] = operands[i];
        *first_operand = n;
        return VERDICT_OK;
}

static void drop_lists(const struct command *command, void *out)
{
        for (size_t i = 0; i < command->n_options; i++)
                if (command->options[i].kind == OPTION_LIST)
                        options_list_done((void *)((char *)out + command->options[i].offset));
}

int options_parse(const struct command *command, int argc, char **argv, void *out, int *exit_code)
{
        AUTO(mem_free_p) char **sorted = mem_array((size_t)argc, sizeof(*sorted));
        struct err err = ERR_INIT;
        struct parse parse = { command, argc, argv, 1, out, &err };
        int first_operand = 0;

        switch (take_all(&parse, sorted, &first_operand)) {
        case VERDICT_OK:
                for (int i = 1; i < argc; i++)
                        argv[i] = sorted[i - 1];
                return first_operand + 1;
        case VERDICT_HELP:
                print_help(command);
                *exit_code = 0;
                break;
        case VERDICT_WRONG:
                *exit_code = options_fail(command, &err);
                break;
        }
        drop_lists(command, out);
        return -1;
}

void options_list_done(struct option_list *list)
{
        mem_free(list->items);
        *list = (struct option_list){ NULL, 0 };
}

int options_fail(const struct command *command, const struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT((size_t)2 * ERR_TEXT_MAX);

        (void)terminal_clean(&text, err->text);
        (void)fprintf(stderr, "certrotate %s: %s", command->name, buf_str(&text));
        if (err->kind == ERR_USAGE)
                (void)fprintf(stderr, "; see 'certrotate %s --help'", command->name);
        (void)fputc('\n', stderr);
        return err_exit_code(err->kind);
}
