// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate engines: what each driver does, from the drivers themselves.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "base/near.h"
#include "cli/engines_view.h"
#include "cli/options.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REPORT_MAX ((size_t)256 << 10)

struct options {
        const char *output;
};

static const char *const outputs[] = { "text", "json", NULL };

static const struct option_spec specs[] = {
        { .name = "output",
          .kind = OPTION_STRING,
          .offset = offsetof(struct options, output),
          .help = "form of the result",
          .values = outputs },
};

static const struct hook *find(const char *name, struct err *err)
{
        const struct hook *hook = hook_find(name);
        struct near near = NEAR_INIT;

        if (hook != NULL)
                return hook;
        for (const struct hook *const *other = hook_all(); *other != NULL; other++)
                near_try(&near, name, (*other)->name);
        if (near.best != NULL)
                err_set_(err, ERR_USAGE, "'%.60s' is no engine; did you mean '%s'?", name, near.best);
        else
                err_set_(err, ERR_USAGE, "'%.60s' is no engine; without a name all are listed", name);
        return NULL;
}

/* One engine is an object, all of them an array. */
static void print_json(const struct hook *one, struct buf *out)
{
        AUTO(json_free_p) cJSON *tree = one == NULL ? json_array() : engines_view_json(one);
        AUTO(mem_free_p) char *text = NULL;

        for (const struct hook *const *hook = hook_all(); one == NULL && *hook != NULL; hook++)
                json_append(tree, engines_view_json(*hook));
        text = json_print(tree, true);
        buf_printf(out, "%s\n", text);
}

static void print(const struct hook *one, const char *output, struct buf *out)
{
        if (strcmp(output, "json") == 0)
                print_json(one, out);
        else if (one != NULL)
                engines_view_one(one, terminal_has_color(STDOUT_FILENO), out);
        else
                engines_view_list(hook_all(), terminal_has_color(STDOUT_FILENO), out);
}

static int run(const struct command *command, int argc, char **argv)
{
        struct options options = { .output = "text" };
        AUTO(buf_done_p) struct buf out = BUF_INIT(REPORT_MAX);
        const struct hook *one = NULL;
        struct err err = ERR_INIT;
        int code = 0;
        int first = options_parse(command, argc, argv, &options, &code);

        if (first == -1)
                return code;
        if (argc - first > 1)
                err_set_(&err, ERR_USAGE, "takes one engine, not %d", argc - first);
        else if (argc - first == 1)
                one = find(argv[first], &err);
        if (err.kind != ERR_NONE)
                return options_fail(command, &err);
        print(one, options.output, &out);
        if (fputs(buf_str(&out), stdout) == EOF || fflush(stdout) == EOF) {
                err_set_(&err, ERR_IO, "write to standard output failed");
                return options_fail(command, &err);
        }
        return 0;
}

const struct command engines_command = {
        .name = "engines",
        .summary = "what each driver does: files, reload, restart, proof",
        .synopsis = "[OPTION]… [ENGINE]",
        .details = "Without a name all are listed.\n",
        .options = specs,
        .n_options = ARRAY_LEN(specs),
        .run = run,
};
