// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate status: what a local agent sees, as a page for people or as JSON.
 */
#include "cli/options.h"

#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/status_query.h"
#include "cli/status_view.h"
#include "cli/terminal.h"
#include "config/config.h"

#include <stdio.h>

#define REPLY_MAX ((size_t)2 << 20)
#define WATCH_MS  1000

static const char *const outputs[] = { "text", "wide", "json", NULL };

/* Where an agent is looked for without options, in this order; also in the manual. */
static const char *const default_sockets[] = {
        "/run/certrotate/control.sock",
        "/run/certrotate/tls/..control.sock",
};

struct status_options {
        const char *socket;
        const char *url;
        const char *config;
        const char *output;
        bool watch;
};

static const struct option_spec specs[] = {
        { .name = "socket",
          .arg = "PATH",
          .kind = OPTION_STRING,
          .offset = offsetof(struct status_options, socket),
          .help = "control socket of the agent" },
        { .name = "url",
          .arg = "URL",
          .kind = OPTION_STRING,
          .offset = offsetof(struct status_options, url),
          .help = "its HTTP address instead, http://host:port" },
        { .name = "config",
          .arg = "FILE",
          .kind = OPTION_STRING,
          .offset = offsetof(struct status_options, config),
          .help = "take the control socket from the agent's configuration" },
        { .name = "watch",
          .kind = OPTION_FLAG,
          .offset = offsetof(struct status_options, watch),
          .help = "show it again every second" },
        { .name = "output",
          .short_name = 'o',
          .kind = OPTION_STRING,
          .offset = offsetof(struct status_options, output),
          .help = "form of the answer",
          .values = outputs },
};

/* *out is borrowed from the options, the table, or `config`. */
static int find_target(const struct status_options *options, struct config **config, const char **out,
                       struct err *err)
{
        const struct config_overrides none = { 0 };
        const int given = (options->socket != NULL) + (options->url != NULL) + (options->config != NULL);

        if (given > 1)
                return err_set(err, ERR_USAGE, "give one of --socket, --url and --config");
        if (options->socket != NULL || options->url != NULL) {
                *out = options->socket != NULL ? options->socket : options->url;
                if (options->socket != NULL && options->socket[0] != '/')
                        return err_set(err, ERR_USAGE, "--socket '%s': an absolute path is needed",
                                       options->socket);
                return 0;
        }
        if (options->config != NULL) {
                if (config_load(options->config, &none, config, err))
                        return -1;
                if ((*config)->control == NULL || (*config)->control[0] == '\0')
                        return err_set(err, ERR_USAGE, "'%s' turns the control socket off", options->config);
                *out = (*config)->control;
                return 0;
        }
        for (size_t i = 0; i < ARRAY_LEN(default_sockets); i++) {
                if (access(default_sockets[i], F_OK) == 0) {
                        *out = default_sockets[i];
                        return 0;
                }
        }
        return err_set(err, ERR_NOT_READY, "no agent found at '%s' or '%s': give --socket, --url or --config",
                       default_sockets[0], default_sockets[1]);
}

/* One look: 0 all is well, 1 not, -1 err. */
static int look(const char *target, const struct status_options *options, struct buf *page, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(REPLY_MAX);
        AUTO(json_free_p) cJSON *tree = NULL;
        const bool is_json = options->output != NULL && strcmp(options->output, "json") == 0;

        if (status_query(target, "/status", &text, err))
                return -1;
        if (json_parse(buf_str(&text), text.len, &tree, err))
                return err_wrap(err, "answer of '%s'", target);
        if (is_json) {
                AUTO(mem_free_p) char *again = json_print(tree, true);

                buf_printf(page, "%s\n", again);
        } else {
                status_view_render(
                        tree,
                        &(struct status_view){
                                .now = clock_wall(),
                                .color = terminal_has_color(STDOUT_FILENO),
                                .wide = options->output != NULL && strcmp(options->output, "wide") == 0,
                        },
                        page);
        }
        return status_view_is_well(tree) ? 0 : 1;
}

static int run(const struct command *command, int argc, char **argv)
{
        AUTO(config_free_p) struct config *config = NULL;
        struct status_options options = { 0 };
        const char *target = NULL;
        struct err err = ERR_INIT;
        int code = 0;
        const int at = options_parse(command, argc, argv, &options, &code);

        if (at < 0)
                return code;
        if (at < argc) {
                err_set_(&err, ERR_USAGE, "takes no operand '%.60s'", argv[at]);
                return options_fail(command, &err);
        }
        if (find_target(&options, &config, &target, &err))
                return options_fail(command, &err);
        for (;;) {
                AUTO(buf_done_p) struct buf page = BUF_INIT(2 * REPLY_MAX);
                const struct timespec pause = { WATCH_MS / 1000, 0 };
                const int result = look(target, &options, &page, &err);

                if (result < 0 && !options.watch)
                        return options_fail(command, &err);
                if (options.watch && isatty(STDOUT_FILENO))
                        (void)fputs("\033[H\033[2J", stdout);
                if (result < 0)
                        (void)options_fail(command, &err);
                if (fputs(buf_str(&page), stdout) == EOF || fflush(stdout) == EOF)
                        return 1;
                if (!options.watch)
                        return result;
                (void)nanosleep(&pause, NULL);
        }
}

const struct command status_command = {
        .name = "status",
        .summary = "show what a running agent sees",
        .synopsis = "[OPTION]...",
        .details = "Without --socket, --url or --config the agent is looked for at\n"
                   "/run/certrotate/control.sock and /run/certrotate/tls/..control.sock.\n"
                   "\n"
                   "Exit codes: 0 all is well; 1 not ready, not alive, degraded, or no agent answers; 2 "
                   "usage.\n",
        .options = specs,
        .n_options = ARRAY_LEN(specs),
        .run = run,
};
