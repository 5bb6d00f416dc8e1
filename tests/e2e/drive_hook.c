// SPDX-License-Identifier: Apache-2.0
/*
 * One driver against a real engine, without the agent: reads commands from standard input, one a line
 * (`reload`, `restart`, `health`, `abandon MS`: a reload, or restart where there is none, given up after so
 * long, `published DIR`: what the agent last published, `check DIR`: judge that bundle), and answers each
 * with one line of JSON. The session lives from line to line, as it does in the agent.
 *
 *   drive_hook mariadb socket=/run/x.sock user=root publish=DIR
 */
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"
#include "hooks/hook.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 1024
#define PEERS          8

struct drive {
        struct hook_settings settings;
        const char *peers[PEERS];
        int64_t limit_ms;
        int mode;
        struct policy policy;
        struct bundle *published;
};

static int to_int(const char *text)
{
        struct err err = ERR_INIT;
        int64_t value = 0;

        if (num_parse(text, 0, INT32_MAX, &value, &err) == -1)
                (void)fprintf(stderr, "%s\n", err.text);
        return (int)value;
}

static bool set_text(struct drive *drive, const char *key, const char *value)
{
        const struct {
                const char *key;
                const char **at;
        } texts[] = {
                { "publish", &drive->settings.publish },
                { "socket", &drive->settings.admin.socket },
                { "host", &drive->settings.admin.host },
                { "user", &drive->settings.admin.user },
                { "password-file", &drive->settings.admin.password_file },
                { "aggregator", &drive->settings.singlestore.aggregator },
                { "node", &drive->settings.singlestore.node },
                { "process-pid-file", &drive->settings.process.pid_file },
                { "process-executable", &drive->settings.process.executable },
                { "group-address", &drive->settings.galera.group_address },
                { "pid-file", &drive->settings.generic.pid_file },
                { "executable", &drive->settings.generic.executable },
                { "reload-url", &drive->settings.generic.reload_url },
                { "reload-method", &drive->settings.generic.reload_method },
        };

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                if (strcmp(key, texts[i].key) == 0) {
                        *texts[i].at = value;
                        return true;
                }
        }
        return false;
}

static bool set(struct drive *drive, const char *key, const char *value)
{
        struct hook_settings *settings = &drive->settings;

        if (set_text(drive, key, value))
                return true;
        if (strcmp(key, "port") == 0)
                settings->admin.port = to_int(value);
        else if (strcmp(key, "limit") == 0)
                drive->limit_ms = to_int(value);
        else if (strcmp(key, "peer") == 0 && settings->galera.n_peers < PEERS)
                drive->peers[settings->galera.n_peers++] = value;
        else if (strcmp(key, "may-go-offline") == 0)
                drive->settings.singlestore.may_go_offline = true;
        else if (strcmp(key, "reload-signal") == 0)
                drive->settings.generic.reload_signal = to_int(value);
        else if (strcmp(key, "restart-signal") == 0)
                drive->settings.generic.restart_signal = to_int(value);
        else if (strcmp(key, "failover") == 0)
                drive->settings.mssql.failover = MSSQL_FAILOVER_AUTO;
        else if (strcmp(key, "tls") == 0)
                drive->mode = tls_mode_parse(value);
        else
                return false;
        return true;
}

static void print_result(struct database *database, int result, const struct err *err, int64_t elapsed_ms)
{
        AUTO(json_free_p) cJSON *tree = json_object();
        AUTO(mem_free_p) char *text = NULL;

        json_add_bool(tree, "ok", result == 0);
        json_add_int(tree, "ms", elapsed_ms);
        if (result != 0) {
                json_add_str(tree, "reason", err_reason(err->kind));
                json_add_str(tree, "error", err->text);
        }
        json_add_bool(tree, "known", database->facts.known);
        json_add_str(tree, "version", database->facts.version);
        json_add_str(tree, "role", database->facts.role);
        json_add_bool(tree, "clustered", database->facts.clustered);
        json_add_int(tree, "members", database->facts.members);
        text = json_print(tree, false);
        (void)printf("%s\n", text);
        (void)fflush(stdout);
}

/* Stepped for so long and then freed in the middle, as the agent does at its own deadline. */
static int abandon(struct op *op, int64_t ms, struct err *err)
{
        return op_run(op, ms, err);
}

static int load(const char *dir, struct bundle **out, struct err *err)
{
        AUTO(snapshot_free_p) struct snapshot *snapshot = NULL;
        const struct bundle_names names = { .key = NULL };

        if (snapshot_read(dir, &snapshot, err) == -1)
                return -1;
        return bundle_load(snapshot, &names, NULL, NULL, out, err);
}

static int set_published(struct drive *drive, struct database *database, const char *dir, struct err *err)
{
        struct bundle *bundle = NULL;

        if (load(dir, &bundle, err) == -1)
                return -1;
        bundle_free(drive->published);
        drive->published = bundle;
        database->published = bundle;
        return 0;
}

/* Fails with the texts of all findings. */
static int check(const struct database *database, const char *dir, struct err *err)
{
        AUTO(bundle_free_p) struct bundle *bundle = NULL;
        AUTO(findings_done_p) struct findings findings = FINDINGS_INIT;

        if (load(dir, &bundle, err) == -1)
                return -1;
        database->hook->check(database, bundle, database->published, &findings);
        for (size_t i = findings.n; i > 0; i--)
                (void)err_set(err, ERR_REFUSED, "%s: %.300s", policy_code_name(findings.items[i - 1].code),
                              findings.items[i - 1].text);
        return findings.n == 0 ? 0 : -1;
}

/* Those that are no operation; false when line is none of them. */
static bool run_other(struct drive *drive, struct database *database, const char *line)
{
        struct err err = ERR_INIT;
        int result;

        if (strncmp(line, "published ", 10) == 0)
                result = set_published(drive, database, line + 10, &err);
        else if (strncmp(line, "check ", 6) == 0 && database->hook->check != NULL)
                result = check(database, line + 6, &err);
        else
                return false;
        print_result(database, result, &err, 0);
        return true;
}

static void run_line(struct drive *drive, struct database *database, const char *line)
{
        const struct hook *hook = database->hook;
        const struct mono start = clock_mono();
        AUTO(op_free_p) struct op *op = NULL;
        struct err err = ERR_INIT;
        int result = -1;

        if ((strcmp(line, "restart") == 0 || hook->reload == NULL) && strcmp(line, "health") != 0)
                op = hook->restart(database, drive->limit_ms);
        else if (strcmp(line, "health") == 0 && hook->health != NULL)
                op = hook->health(database, drive->limit_ms);
        else if (hook->reload != NULL)
                op = hook->reload(database, drive->limit_ms);
        if (op == NULL)
                (void)err_set(&err, ERR_USAGE, "%s: this driver cannot", line);
        else if (strncmp(line, "abandon ", 8) == 0)
                result = abandon(op, to_int(line + 8), &err);
        else
                result = op_run(op, drive->limit_ms + 1000, &err);
        print_result(database, result, &err, clock_mono().ms - start.ms);
}

int main(int argc, char **argv)
{
        struct drive drive = { .limit_ms = 10000 };
        const struct hook *hook = argc > 1 ? hook_find(argv[1]) : NULL;
        struct database *database = NULL;
        struct err err = ERR_INIT;
        char line[LINE_MAX_BYTES];

        (void)signal(SIGPIPE, SIG_IGN);
        for (int i = 2; i < argc; i++) {
                char *equals = strchr(argv[i], '=');

                if (equals != NULL)
                        *equals = '\0';
                if (equals == NULL || !set(&drive, argv[i], equals + 1)) {
                        (void)fprintf(stderr, "drive_hook: unknown setting %s\n", argv[i]);
                        return 2;
                }
        }
        drive.settings.galera.peers = drive.peers;
        policy_init(&drive.policy);
        drive.settings.policy = &drive.policy;
        if (hook == NULL || hook->open(&drive.settings, &database, &err) == -1) {
                (void)fprintf(stderr, "drive_hook: %s\n", hook == NULL ? "no such driver" : err.text);
                return 2;
        }
        database->mode = (enum tls_mode)drive.mode;
        while (fgets(line, sizeof(line), stdin) != NULL) {
                line[strcspn(line, "\n")] = '\0';
                if (!run_other(&drive, database, line))
                        run_line(&drive, database, line);
        }
        hook->close(database);
        bundle_free(drive.published);
        return 0;
}
