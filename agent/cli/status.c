// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate status: what a local agent sees, or what all agents of a namespace told the API server, as a
 * page for people or as JSON. Also what `kubectl certrotate` is.
 */
#include "cli/options.h"

#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/pod_access.h"
#include "cli/pod_view.h"
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
        const char *namespace;
        bool all_namespaces;
        const char *selector;
        const char *kubeconfig;
        const char *context;
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
        { .name = "namespace",
          .short_name = 'n',
          .arg = "NAME",
          .kind = OPTION_STRING,
          .offset = offsetof(struct status_options, namespace),
          .help = "pods of this namespace; else of the context's" },
        { .name = "all-namespaces",
          .short_name = 'A',
          .kind = OPTION_FLAG,
          .offset = offsetof(struct status_options, all_namespaces),
          .help = "pods of all namespaces" },
        { .name = "selector",
          .short_name = 'l',
          .arg = "LABELS",
          .kind = OPTION_STRING,
          .offset = offsetof(struct status_options, selector),
          .help = "only pods with these labels: 'tier=db,env in (prod)'" },
        { .name = "kubeconfig",
          .arg = "FILE",
          .kind = OPTION_STRING,
          .offset = offsetof(struct status_options, kubeconfig),
          .help = "how to reach the API server; else KUBECONFIG, ~/.kube/config, or the pod's account" },
        { .name = "context",
          .arg = "NAME",
          .kind = OPTION_STRING,
          .offset = offsetof(struct status_options, context),
          .help = "another context of it than the current one" },
        { .name = "watch",
          .short_name = 'w',
          .kind = OPTION_FLAG,
          .offset = offsetof(struct status_options, watch),
          .help = "show it again every second, pods whenever something changes" },
        { .name = "output",
          .short_name = 'o',
          .kind = OPTION_STRING,
          .offset = offsetof(struct status_options, output),
          .help = "form of the answer",
          .values = outputs },
};

static bool names_agent(const struct status_options *options)
{
        return options->socket != NULL || options->url != NULL || options->config != NULL;
}

static bool names_cluster(const struct status_options *options)
{
        return options->namespace != NULL || options->all_namespaces || options->selector != NULL ||
               options->kubeconfig != NULL || options->context != NULL;
}

static int check(const struct status_options *options, bool operands, struct err *err)
{
        const int given = (options->socket != NULL) + (options->url != NULL) + (options->config != NULL);

        if (given > 1)
                return err_set(err, ERR_USAGE, "give one of --socket, --url and --config");
        if (given == 1 && (operands || names_cluster(options)))
                return err_set(err, ERR_USAGE,
                               "--socket, --url and --config ask one agent, the other options and operands "
                               "the API server: give one kind");
        if (options->namespace != NULL && options->all_namespaces)
                return err_set(err, ERR_USAGE, "give one of --namespace and --all-namespaces");
        if (options->socket != NULL && options->socket[0] != '/')
                return err_set(err, ERR_USAGE, "--socket '%s': an absolute path is needed", options->socket);
        return 0;
}

/* *out is borrowed from the options, the table, or `config`; NULL: no agent is named, nor found. */
static int find_target(const struct status_options *options, struct config **config, const char **out,
                       struct err *err)
{
        const struct config_overrides none = { 0 };

        *out = options->socket != NULL ? options->socket : options->url;
        if (options->config != NULL) {
                if (config_load(options->config, &none, config, err))
                        return -1;
                if ((*config)->control == NULL || (*config)->control[0] == '\0')
                        return err_set(err, ERR_USAGE, "'%s' turns the control socket off", options->config);
                *out = (*config)->control;
        }
        for (size_t i = 0; *out == NULL && i < ARRAY_LEN(default_sockets); i++)
                if (access(default_sockets[i], F_OK) == 0)
                        *out = default_sockets[i];
        return 0;
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

static int show_agent(const struct command *command, const struct status_options *options, const char *target)
{
        for (;;) {
                AUTO(buf_done_p) struct buf page = BUF_INIT(2 * REPLY_MAX);
                const struct timespec pause = { WATCH_MS / 1000, 0 };
                struct err err = ERR_INIT;
                const int result = look(target, options, &page, &err);

                if (result < 0 && !options->watch)
                        return options_fail(command, &err);
                if (options->watch && isatty(STDOUT_FILENO))
                        (void)fputs("\033[H\033[2J", stdout);
                if (result < 0)
                        (void)options_fail(command, &err);
                if (fputs(buf_str(&page), stdout) == EOF || fflush(stdout) == EOF)
                        return 1;
                if (!options->watch)
                        return result;
                (void)nanosleep(&pause, NULL);
        }
}

static enum pod_view_form form_of(const struct status_options *options)
{
        if (options->output == NULL || strcmp(options->output, "text") == 0)
                return POD_VIEW_TABLE;
        return strcmp(options->output, "wide") == 0 ? POD_VIEW_WIDE : POD_VIEW_JSON;
}

static int show_pods(const struct command *command, const struct status_options *options,
                     struct kube_access *access, char *const *names, size_t n)
{
        const struct pod_view view = {
                .namespace = options->namespace,
                .all_namespaces = options->all_namespaces,
                .selector = options->selector,
                .names = names,
                .n_names = n,
                .form = form_of(options),
                .watch = options->watch,
                .pause_ms = WATCH_MS,
                .out = stdout,
                .screen = isatty(STDOUT_FILENO) == 1,
                .color = terminal_has_color(STDOUT_FILENO),
        };
        AUTO(loop_free_p) struct loop *loop = loop_new();
        AUTO(kube_client_close_p) struct kube_client *client = NULL;
        struct err err = ERR_INIT;
        int result = -1;

        if (kube_client_open(loop, access, &client, &err) == 0)
                result = pod_view_run(client, &view, &err);
        return result < 0 ? options_fail(command, &err) : result;
}

static int run(const struct command *command, int argc, char **argv)
{
        const bool is_plugin = strcmp(argv[0], command->name) != 0;
        AUTO(config_free_p) struct config *config = NULL;
        AUTO(kube_access_free_p) struct kube_access *access = NULL;
        struct status_options options = { 0 };
        const char *target = NULL;
        struct err err = ERR_INIT;
        int code = 0;
        const int at = options_parse(command, argc, argv, &options, &code);
        const size_t n = at < 0 ? 0 : (size_t)(argc - at);

        if (at < 0)
                return code;
        if (check(&options, n > 0, &err))
                return options_fail(command, &err);
        if (names_agent(&options) || (!is_plugin && !names_cluster(&options) && n == 0)) {
                if (find_target(&options, &config, &target, &err))
                        return options_fail(command, &err);
                if (target != NULL)
                        return show_agent(command, &options, target);
        }
        if (pod_access_find(options.kubeconfig, options.context, &access, &err) == 0)
                return show_pods(command, &options, TAKE(access), argv + at, n);
        if (err.kind == ERR_MISSING && !is_plugin && n == 0 && !names_cluster(&options))
                err_set_(&err, ERR_NOT_READY,
                         "no agent found at '%s' or '%s', and no cluster to ask: give --socket, --url, "
                         "--config or --kubeconfig",
                         default_sockets[0], default_sockets[1]);
        return options_fail(command, &err);
}

const struct command status_command = {
        .name = "status",
        .summary = "show what running agents see",
        .synopsis = "[OPTION]... [DATABASE|POD]...",
        .details =
                "One agent, at --socket, --url or --config, or else at /run/certrotate/control.sock or\n"
                "/run/certrotate/tls/..control.sock. With any other of these options, with an operand, as\n"
                "`kubectl certrotate`, or where there is no such socket: the pods of a namespace, as their\n"
                "agents told the API server.\n"
                "\n"
                "Exit codes: 0 all is well; 1 not ready, not alive, degraded, or no agent answers; 2 "
                "usage.\n",
        .options = specs,
        .n_options = ARRAY_LEN(specs),
        .run = run,
};
