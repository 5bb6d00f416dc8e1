// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate completion bash: a completion script from the tables of subcommands and options, so that it
 * never lags behind them.
 */
#include "base/buf.h"
#include "base/limits.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

static const char head[] = "# bash completion for certrotate; made by `certrotate completion bash`\n"
                           "_certrotate()\n"
                           "{\n"
                           "        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} "
                           "command=${COMP_WORDS[1]}\n"
                           "        local options='' words='' kind=files\n"
                           "\n"
                           "        # bash breaks words at '=': --output=json comes as three.\n"
                           "        if [[ $cur == = ]]; then\n"
                           "                cur=''\n"
                           "        elif [[ $prev == = ]]; then\n"
                           "                prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                           "        fi\n";

static const char tail[] =
        "        if [[ $cur == -* && $kind != value ]]; then\n"
        "                kind=words words=$options\n"
        "        fi\n"
        "        case $kind in\n"
        "        files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
        "        directories) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
        "        words | value) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;\n"
        "        esac\n"
        "}\n"
        "complete -F _certrotate certrotate\n";

static const char *kind_of_value(const struct option_spec *spec)
{
        if (spec->values != NULL)
                return "value";
        if (spec->arg != NULL && (strstr(spec->arg, "FILE") != NULL || strstr(spec->arg, "PATH") != NULL))
                return "files";
        if (spec->arg != NULL && strstr(spec->arg, "DIR") != NULL)
                return "directories";
        return "value";
}

static void add_option_name(const struct option_spec *spec, const char *command, struct buf *out)
{
        buf_printf(out, "        \"%s --%s\"", command, spec->name);
        if (spec->short_name != 0)
                buf_printf(out, " | \"%s -%c\"", command, spec->short_name);
}

/* What may follow each option of the command. */
static void add_values(const struct command *command, struct buf *out)
{
        for (size_t i = 0; i < command->n_options; i++) {
                const struct option_spec *spec = &command->options[i];

                if (spec->kind == OPTION_FLAG)
                        continue;
                add_option_name(spec, command->name, out);
                buf_printf(out, ") kind=%s words='", kind_of_value(spec));
                for (size_t j = 0; spec->values != NULL && spec->values[j] != NULL; j++)
                        buf_printf(out, "%s%s", j == 0 ? "" : " ", spec->values[j]);
                buf_add_str(out, "' ;;\n");
        }
}

static void add_options(const struct command *command, struct buf *out)
{
        buf_printf(out, "        %s) options='--help", command->name);
        for (size_t i = 0; i < command->n_options; i++)
                buf_printf(out, " --%s", command->options[i].name);
        buf_printf(out, "'%s ;;\n", command == &completion_command ? " kind=words words=bash" : "");
}

static void print_bash(struct buf *out)
{
        buf_add_str(out, head);
        buf_add_str(
                out,
                "        if ((COMP_CWORD == 1)); then\n                kind=words words='--help --version");
        for (size_t i = 0; commands[i] != NULL; i++)
                buf_printf(out, " %s", commands[i]->name);
        buf_add_str(out, "' options=$words command=''\n        fi\n        case $command in\n");
        for (size_t i = 0; commands[i] != NULL; i++)
                add_options(commands[i], out);
        buf_add_str(out, "        esac\n        case \"$command $prev\" in\n");
        for (size_t i = 0; commands[i] != NULL; i++)
                add_values(commands[i], out);
        /* A case without a branch is no syntax. */
        buf_add_str(out, "        ' ') ;;\n        esac\n");
        buf_add_str(out, tail);
}

static int run(const struct command *command, int argc, char **argv)
{
        AUTO(buf_done_p) struct buf script = BUF_INIT(CONFIG_MAX_BYTES);
        struct {
                bool unused;
        } options = { false };
        struct err err = ERR_INIT;
        int code = 0;
        int at = options_parse(command, argc, argv, &options, &code);

        if (at < 0)
                return code;
        if (argc - at != 1 || strcmp(argv[at], "bash") != 0) {
                err_set_(&err, ERR_USAGE, "name one shell, 'bash'");
                return options_fail(command, &err);
        }
        print_bash(&script);
        if (fputs(buf_str(&script), stdout) == EOF || fflush(stdout) == EOF) {
                err_set_(&err, ERR_IO, "write to standard output failed");
                return options_fail(command, &err);
        }
        return 0;
}

const struct command completion_command = {
        .name = "completion",
        .summary = "print a script that completes this program's command lines",
        .synopsis = "bash",
        .details = "Example:\n  . <(certrotate completion bash)\n",
        .run = run,
};
