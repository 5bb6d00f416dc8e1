// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Subcommands and their options: one const table each, from which parsing, --help, the man page test and the
 * shell completion come. Long options, `--name value` or `--name=value`; `--` ends them.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum option_kind {
        OPTION_FLAG,     /* bool */
        OPTION_STRING,   /* const char *, borrowed from argv */
        OPTION_LIST,     /* struct option_list, may be given again */
        OPTION_INT,      /* int64_t, 0 or more */
        OPTION_DURATION, /* int64_t milliseconds */
};

struct option_list {
        const char **items;
        size_t n;
};

struct option_spec {
        const char *name; /* without the dashes */
        char short_name;  /* 'o' for `-o FILE`; 0: none */
        const char *arg;  /* shown in help: "DIR"; NULL for a flag, or to show `values` joined by '|' */
        enum option_kind kind;
        size_t offset;    /* into the subcommand's options struct */
        const char *help; /* one line */
        const char *const
                *values; /* allowed words, NULL-terminated; NULL: any. Used by the completion too. */
};

struct command {
        const char *name;
        const char *summary;  /* one line for `certrotate --help` */
        const char *synopsis; /* what follows the name: "[OPTION]… PATH…" */
        const char *details;  /* paragraphs behind the options in --help: examples, exit codes; NULL: none */
        const struct option_spec *options;
        size_t n_options;
        /* argc, argv without the program name: argv[0] is the subcommand, or the program where its name
         * stands for one (kubectl-certrotate). Returns the exit code. */
        int (*run)(const struct command *command, int argc, char **argv);
};

/*
 * Fills the struct at `out` (zeroed by the caller). Options and operands may stand in any order: argv is
 * sorted so that the operands come last. Returns the index of the first operand, or -1 with *exit_code set
 * when there is nothing more to do: --help was printed (0), or a usage error was (2). The caller frees the
 * lists (options_list_done), after -1 they are empty. An option given again replaces the first, except in a
 * list.
 */
int options_parse(const struct command *command, int argc, char **argv, void *out, int *exit_code) MUST_CHECK;
void options_list_done(struct option_list *list);
static inline UNUSED void options_list_done_p(struct option_list *list)
{
        options_list_done(list);
}
/* "certrotate check: <text>" on stderr, with a hint to --help when it is a usage error; returns the exit code
 * of the error. */
int options_fail(const struct command *command, const struct err *err);

extern const struct command check_command;
extern const struct command completion_command;
extern const struct command controller_command;
extern const struct command convert_command;
extern const struct command engines_command;
extern const struct command probe_command;
extern const struct command run_command;
extern const struct command status_command;
extern const struct command version_command;
/* All subcommands, NULL-terminated, in the order of --help (main.c). */
extern const struct command *const commands[];
