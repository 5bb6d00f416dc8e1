// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate: the table of subcommands, and nothing else. kubectl runs it as kubectl-certrotate, which means
 * `status` unless another command is named.
 */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

const struct command *const commands[] = {
        &run_command,    &controller_command, &check_command,      &probe_command,   &convert_command,
        &status_command, &engines_command,    &completion_command, &version_command, NULL,
};

static void print_usage(FILE *to)
{
        (void)fprintf(to, "usage: certrotate COMMAND [OPTION]…\n\n");
        for (size_t i = 0; commands[i] != NULL; i++)
                (void)fprintf(to, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
        (void)fprintf(to, "\n`certrotate COMMAND --help` tells the options of one. Manual: certrotate(8).\n");
}

static const struct command *find(const char *name)
{
        for (size_t i = 0; commands[i] != NULL; i++)
                if (strcmp(name, commands[i]->name) == 0)
                        return commands[i];
        return NULL;
}

static bool is_plugin(const char *program)
{
        const char *slash = strrchr(program, '/');

        return strcmp(slash == NULL ? program : slash + 1, "kubectl-certrotate") == 0;
}

static int run_plugin(int argc, char **argv)
{
        const struct command *command = argc < 2 ? NULL : find(argv[1]);

        if (command != NULL && command != &status_command)
                return command->run(command, argc - 1, argv + 1);
        if (command == NULL)
                return status_command.run(&status_command, argc, argv);
        argv[1] = argv[0];
        return status_command.run(&status_command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
        const struct command *command;

        if (argc > 0 && is_plugin(argv[0]))
                return run_plugin(argc, argv);
        if (argc < 2) {
                print_usage(stderr);
                return 2;
        }
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
                print_usage(stdout);
                return 0;
        }
        command = find(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
        if (command != NULL)
                return command->run(command, argc - 1, argv + 1);
        (void)fprintf(stderr, "certrotate: '%.40s' is no command\n", argv[1]);
        print_usage(stderr);
        return 2;
}
