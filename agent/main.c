// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate: the table of subcommands, and nothing else.
 */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

const struct command *const commands[] = {
        &run_command,        &check_command,   &probe_command,
        &convert_command,    &status_command,  &engines_command,
        &completion_command, &version_command, NULL,
};

static void print_usage(FILE *to)
{
        (void)fprintf(to, "usage: certrotate COMMAND [OPTION]…\n\n");
        for (size_t i = 0; commands[i] != NULL; i++)
                (void)fprintf(to, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
        (void)fprintf(to, "\n`certrotate COMMAND --help` tells the options of one. Manual: certrotate(8).\n");
}

int main(int argc, char **argv)
{
        const char *name;

        if (argc < 2) {
                print_usage(stderr);
                return 2;
        }
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
                print_usage(stdout);
                return 0;
        }
        name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
        for (size_t i = 0; commands[i] != NULL; i++)
                if (strcmp(name, commands[i]->name) == 0)
                        return commands[i]->run(commands[i], argc - 1, argv + 1);
        (void)fprintf(stderr, "certrotate: '%.40s' is no command\n", argv[1]);
        print_usage(stderr);
        return 2;
}
