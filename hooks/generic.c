// SPDX-License-Identifier: Apache-2.0
/*
 * Any server: reload by one HTTP call, by a signal, or by a command; restart by a signal or a command. What
 * it then serves is proven by handshake, so a reload that only claims success is found out.
 *
 * A server that reads its files at every handshake (etcd) needs nothing set at all.
 */
#include <signal.h>

#include "base/mem.h"
#include "hooks/drivers.h"
#include "hooks/exec.h"
#include "hooks/http_call.h"
#include "hooks/pem_outputs.h"
#include "hooks/process.h"

#define COMMAND_LIMIT_MS 60000

struct generic {
        struct database database; /* first */
        struct curl_library *curl;
        char *publish; /* "CERTROTATE_PUBLISH=…" for commands */
        char *authorities;
        const char *environ[2];
};

/* Nothing to do: the files are read anyway. */
struct nothing {
        struct op op;
};

static const char *const sections[] = { "generic", NULL };

static int generic_open(const struct hook_settings *settings, struct database **out, struct err *err);

static struct generic *generic_of(struct database *database)
{
        return CONTAINER_OF(database, struct generic, database);
}

static enum op_state nothing_step(struct op *op UNUSED, short ready UNUSED, struct mono now UNUSED,
                                  struct err *err UNUSED)
{
        return OP_DONE;
}

static void nothing_free(struct op *op)
{
        mem_free(CONTAINER_OF(op, struct nothing, op));
}

static struct op *start_nothing(void)
{
        static const struct op_type type = { .name = "nothing", .step = nothing_step, .free = nothing_free };
        struct nothing *nothing = MEM_NEW(struct nothing);

        nothing->op.type = &type;
        return &nothing->op;
}

static struct op *start_command(struct generic *generic, const char *const *argv, int64_t limit_ms)
{
        int64_t own_ms = generic->database.settings->generic.command_limit_ms;

        if (own_ms <= 0)
                own_ms = COMMAND_LIMIT_MS;
        return exec_start(&(struct exec_request){
                .argv = argv,
                .environ = generic->environ,
                .limit_ms = own_ms < limit_ms ? own_ms : limit_ms,
        });
}

static struct op *start_signal(const struct generic_settings *settings, int signo, bool until_gone,
                               int64_t limit_ms)
{
        return process_signal(&(struct process_request){
                .pid_file = settings->pid_file,
                .executable = settings->executable,
                .signo = signo,
                .until_gone = until_gone,
                .limit_ms = limit_ms,
        });
}

static struct op *generic_restart(struct database *database, int64_t limit_ms)
{
        const struct generic_settings *settings = &database->settings->generic;

        if (settings->restart_command != NULL)
                return start_command(generic_of(database), settings->restart_command, limit_ms);
        if (settings->restart_signal != 0)
                return start_signal(settings, settings->restart_signal, true, limit_ms);
        return start_nothing();
}

static struct op *generic_reload(struct database *database, int64_t limit_ms)
{
        const struct generic_settings *settings = &database->settings->generic;
        struct generic *generic = generic_of(database);

        if (settings->reload_url != NULL)
                return http_call_start(
                        &(struct http_request){
                                .url = settings->reload_url,
                                .method = settings->reload_method,
                                .status = settings->reload_status,
                                .authorities = generic->authorities,
                                .limit_ms = limit_ms,
                        },
                        &generic->curl);
        if (settings->reload_command != NULL)
                return start_command(generic, settings->reload_command, limit_ms);
        if (settings->reload_signal != 0)
                return start_signal(settings, settings->reload_signal, false, limit_ms);
        return generic_restart(database, limit_ms);
}

static void generic_close(struct database *database)
{
        struct generic *generic = generic_of(database);

        curl_library_close(generic->curl);
        mem_free(generic->publish);
        mem_free(generic->authorities);
        mem_free(generic);
}

const struct hook generic_hook = {
        .name = "generic",
        .summary = "any server: reload by HTTP call, signal or command, restart by signal or command",
        .caps = HOOK_RELOADS,
        .sections = sections,
        .outputs = pem_outputs,
        .n_outputs = PEM_OUTPUTS_N,
        .not_reloaded = "what the server's own reload leaves out",
        .open = generic_open,
        .close = generic_close,
        .reload = generic_reload,
        .restart = generic_restart,
};

static int check_settings(const struct generic_settings *settings, struct err *err)
{
        int ways = (settings->reload_url != NULL) + (settings->reload_command != NULL) +
                   (settings->reload_signal != 0);
        struct err why = ERR_INIT;

        if (ways > 1)
                return err_set(
                        err, ERR_USAGE,
                        "generic: only one of reloadUrl, reloadCommand and reloadSignal can be set, not %d",
                        ways);
        if (settings->restart_command != NULL && settings->restart_signal != 0)
                return err_set(err, ERR_USAGE,
                               "generic: only one of restartCommand and restartSignal can be set");
        if (settings->reload_url != NULL &&
            http_call_check(settings->reload_url, settings->reload_method, &why) == -1)
                return err_set(err, ERR_USAGE, "generic.reloadUrl: %s", why.text);
        if ((settings->reload_command != NULL && settings->reload_command[0] == NULL) ||
            (settings->restart_command != NULL && settings->restart_command[0] == NULL))
                return err_set(err, ERR_USAGE, "generic: a command without words");
        if (settings->reload_signal < 0 || settings->reload_signal >= NSIG || settings->restart_signal < 0 ||
            settings->restart_signal >= NSIG)
                return err_set(err, ERR_USAGE, "generic: no such signal");
        if (settings->reload_signal != 0 || settings->restart_signal != 0) {
                if (settings->executable == NULL)
                        return err_set(err, ERR_USAGE,
                                       "generic: a signal needs executable, so that it reaches the right "
                                       "process");
        }
        return 0;
}

static int generic_open(const struct hook_settings *settings, struct database **out, struct err *err)
{
        struct generic *generic;

        if (check_settings(&settings->generic, err) == -1)
                return -1;
        generic = MEM_NEW(struct generic);
        generic->database.hook = &generic_hook;
        generic->database.settings = settings;
        if (settings->publish != NULL) {
                generic->publish = mem_printf("CERTROTATE_PUBLISH=%s", settings->publish);
                generic->authorities = mem_printf("%s/ca.crt", settings->publish);
        }
        generic->environ[0] = generic->publish;
        *out = &generic->database;
        return 0;
}
