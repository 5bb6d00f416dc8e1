// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate run: the agent.
 */
#include "cli/options.h"
#include "cli/process.h"
#include "cli/terminal.h"
#include "config/config.h"
#include "rotate/agent.h"

#include <stdio.h>

struct run_options {
        const char *config;
        const char *source;
        const char *publish;
        const char *database;
        struct option_list endpoints;
        const char *listen;
        const char *pod;
        const char *pod_uid;
        const char *log_format;
        const char *log_level;
        bool once;
        bool print_config;
};

static const char *const formats[] = { "auto", "json", "text", NULL };
static const char *const levels[] = { "debug", "info", "warn", "error", NULL };

#define AT(member) offsetof(struct run_options, member)

static const struct option_spec options[] = {
        { .name = "config",
          .arg = "FILE",
          .kind = OPTION_STRING,
          .offset = AT(config),
          .help = "configuration, YAML or JSON: certrotate.conf(5)" },
        { .name = "source",
          .arg = "DIR",
          .kind = OPTION_STRING,
          .offset = AT(source),
          .help = "directory to watch: a Secret volume, or any with key and certificate" },
        { .name = "publish",
          .arg = "DIR",
          .kind = OPTION_STRING,
          .offset = AT(publish),
          .help = "directory the database reads" },
        { .name = "database",
          .arg = "NAME",
          .kind = OPTION_STRING,
          .offset = AT(database),
          .help = "driver: mariadb, generic" },
        { .name = "endpoint",
          .arg = "URL",
          .kind = OPTION_LIST,
          .offset = AT(endpoints),
          .help = "listener to prove, mysql://127.0.0.1:3306; may be given again" },
        { .name = "once",
          .kind = OPTION_FLAG,
          .offset = AT(once),
          .help = "one look, one rotation if due, then end" },
        { .name = "listen",
          .arg = "ADDR",
          .kind = OPTION_STRING,
          .offset = AT(listen),
          .help = "health and metrics, 127.0.0.1:9533; '' turns them off" },
        { .name = "pod",
          .arg = "NAME",
          .kind = OPTION_STRING,
          .offset = AT(pod),
          .help = "own pod, $(POD_NAME) in a container's arguments: reports and Events go there" },
        { .name = "pod-uid",
          .arg = "UID",
          .kind = OPTION_STRING,
          .offset = AT(pod_uid),
          .help = "its uid, $(POD_UID): another pod that has the name by now gets nothing" },
        { .name = "log-format",
          .arg = "FORMAT",
          .kind = OPTION_STRING,
          .offset = AT(log_format),
          .values = formats,
          .help = "json or text; text on a terminal by default" },
        { .name = "log-level",
          .arg = "LEVEL",
          .kind = OPTION_STRING,
          .offset = AT(log_level),
          .values = levels,
          .help = "debug, info, warn or error" },
        { .name = "print-config",
          .kind = OPTION_FLAG,
          .offset = AT(print_config),
          .help = "print the configuration in force and end" },
};

static int load(const struct run_options *run, struct config **out, struct err *err)
{
        const struct config_overrides overrides = {
                .source = run->source,
                .publish = run->publish,
                .database = run->database,
                .endpoints = run->endpoints.items,
                .n_endpoints = run->endpoints.n,
                .listen = run->listen,
                .pod = run->pod,
                .pod_uid = run->pod_uid,
                .log_format = run->log_format,
                .log_level = run->log_level,
        };

        return config_load(run->config, &overrides, out, err);
}

static int print_config(const struct config *config)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(1 << 20);

        config_print(config, &text);
        (void)fputs(buf_str(&text), stdout);
        return 0;
}

static int start(const struct command *command, const struct run_options *run)
{
        AUTO(config_free_p) struct config *config = NULL;
        AUTO(agent_free_p) struct agent *agent = NULL;
        struct err err = ERR_INIT;

        if (load(run, &config, &err) != 0)
                return options_fail(command, &err);
        if (run->print_config)
                return print_config(config);
        log_init(config->log_format, config->log_level, terminal_has_color(2));
        process_guard_memory();
        process_ignore_pipes();
        if (agent_new(config, run->once, &agent, &err) != 0)
                return options_fail(command, &err);
        return agent_run(agent);
}

static int run(const struct command *command, int argc, char **argv)
{
        struct run_options given = { 0 };
        int code;
        int first = options_parse(command, argc, argv, &given, &code);

        if (first < 0)
                return code;
        if (first < argc) {
                struct err err;

                (void)err_set(&err, ERR_USAGE, "'%.60s' is not expected: run takes options only",
                              argv[first]);
                code = options_fail(command, &err);
        } else {
                code = start(command, &given);
        }
        options_list_done(&given.endpoints);
        return code;
}

const struct command run_command = {
        .name = "run",
        .summary = "the agent: watch, check, publish, reload, prove",
        .synopsis = "[OPTION]…",
        .details = "Signals: SIGHUP looks at the source now, also at a bundle that was refused before; "
                   "SIGTERM finishes\n"
                   "the step under way and ends (what is left is taken up by the next start).\n\n"
                   "Exit codes with --once: 0 nothing to do, 1 refused or failed, 2 configuration, 3 a new "
                   "certificate\n"
                   "is served, 4 rolled back, 5 the rollback failed too.",
        .options = options,
        .n_options = ARRAY_LEN(options),
        .run = run,
};
