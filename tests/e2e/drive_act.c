// SPDX-License-Identifier: Apache-2.0
/*
 * Actions of the controller on a real API server, without the controller: one list a line, in JSON, and one
 * line for how it ended. What was observed is the real world's. Ends with its input.
 *
 *   drive_act KUBECONFIG NAMESPACE
 *
 *   {"database": "px", "do": [{"action": "issue", "request": "px-ops", "name": "px-server-cert", "number":
 * 1}]}
 */
#include "base/json.h"
#include "base/mem.h"
#include "control/act.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS        5
#define DRIVE_LINE_MAX 65536

struct drive {
        struct loop *loop;
        struct kube_client *client;
        struct world *world;
        struct act *act;
        struct loop_timer *look;
        const char *namespace;
        cJSON *order; /* under way */
        char line[DRIVE_LINE_MAX];
        size_t len;
        bool ends;
};

static const char *const names[] = {
        [ACTION_CONDITION] = "condition",
        [ACTION_PHASE] = "phase",
        [ACTION_PAUSE] = "pause",
        [ACTION_RESUME] = "resume",
        [ACTION_RECORD] = "record",
        [ACTION_SAVE] = "save",
        [ACTION_CERTIFICATE] = "certificate",
        [ACTION_ISSUE] = "issue",
        [ACTION_RENDER] = "render",
        [ACTION_JUDGE] = "judge",
        [ACTION_RESTORE] = "restore",
        [ACTION_DISCARD] = "discard",
        [ACTION_FORGET] = "forget",
        [ACTION_DATABASE] = "database",
        [ACTION_EVENT] = "event",
        [ACTION_TRUST] = "trust",
        [ACTION_CREATE] = "create",
        [ACTION_MERGE] = "merge",
        [ACTION_DELETE] = "delete",
};
static const char *const phases[] = {
        "Pending", "Progressing", "Waiting", "Successful", "Failed", "Skipped"
};

static size_t find(const char *const *list, size_t n, const char *word)
{
        for (size_t i = 0; word != NULL && i < n; i++)
                if (strcmp(list[i], word) == 0)
                        return i;
        return n;
}

static void say(const struct drive *drive, const struct err *err)
{
        AUTO(json_free_p) cJSON *line = json_object();
        AUTO(mem_free_p) char *text = NULL;

        json_add_str(line, "reason", err->kind == ERR_NONE ? NULL : err_reason(err->kind));
        json_add_str(line, "error", err->text);
        json_add_int(line, "requests", (int64_t)kube_client_requests(drive->client));
        text = json_print(line, false);
        (void)printf("%s\n", text);
        (void)fflush(stdout);
}

static void on_done(const struct err *err, void *arg)
{
        struct drive *drive = arg;

        drive->act = NULL;
        say(drive, err);
        json_free(TAKE(drive->order));
        loop_timer_set(drive->look, 0);
}

static int add(const struct observed *seen, const cJSON *given, struct action *out, struct err *err)
{
        const char *request = json_get_str(given, "request");
        const cJSON *record = json_get(given, "record");
        AUTO(mem_free_p) char *text = record == NULL ? NULL : json_print(record, false);
        const size_t kind = find(names, ARRAY_LEN(names), json_get_str(given, "action"));
        const size_t phase = find(phases, ARRAY_LEN(phases), json_get_str(given, "phase"));

        if (kind == ARRAY_LEN(names))
                return err_set(err, ERR_USAGE, "no such action");
        *out = (struct action){ .kind = (enum action_kind)kind,
                                .database = kind_of_request("PerconaXtraDBOpsRequest"),
                                .type = json_get_str(given, "type"),
                                .reason = json_get_str(given, "reason"),
                                .number = json_get_int(given, "number", 0),
                                .phase = phase == ARRAY_LEN(phases) ? REQUEST_PENDING
                                                                    : (enum request_phase)phase,
                                .is_true = json_get_bool(given, "true"),
                                .all = json_get_bool(given, "all"),
                                .is_event = json_get_bool(given, "event") };
        record_init(&out->record);
        if (text != NULL && record_parse(text, strlen(text), &out->record, err) != 0)
                return -1;
        for (size_t i = 0; request != NULL && i < seen->n_requests; i++)
                if (strcmp(seen->requests[i]->name, request) == 0)
                        out->request = seen->requests[i];
        if (request != NULL && out->request == NULL)
                return err_set(err, ERR_MISSING, "the request is not known");
        out->text = mem_strdup(json_get_str(given, "text"));
        out->name = mem_strdup(json_get_str(given, "name"));
        return 0;
}

static bool knows(const struct observed *seen, const char *certificate)
{
        for (size_t i = 0; i < seen->n_certificates; i++)
                if (strcmp(seen->certificates[i]->name, certificate) == 0)
                        return true;
        return false;
}

static int add_all(const struct drive *drive, const struct observed *seen, struct actions *out,
                   struct err *err)
{
        const cJSON *given;

        cJSON_ArrayForEach(given, json_get(drive->order, "knows"))
        {
                if (!knows(seen, given->valuestring))
                        return err_set(err, ERR_MISSING, "%s is not known", given->valuestring);
        }
        cJSON_ArrayForEach(given, json_get(drive->order, "do"))
        {
                if (out->n < ACTIONS_MAX && add(seen, given, &out->items[out->n++], err) != 0)
                        return -1;
        }
        return 0;
}

static int start(struct drive *drive, struct err *err)
{
        const char *database = json_get_str(drive->order, "database");
        AUTO(mem_free_p) char *key = mem_printf("%s/%s", drive->namespace, database);
        struct observed seen;
        struct actions actions;
        int result;

        if (!world_observe(drive->world, key, clock_wall(), &seen))
                return err_set(err, ERR_MISSING, "%s is not known", key);
        actions_init(&actions);
        result = add_all(drive, &seen, &actions, err);
        if (result == 0)
                drive->act = act_start(drive->client, drive->world, &seen, &actions, on_done, drive);
        actions_done(&actions);
        world_observed_done(&seen);
        return result;
}

static void obey(struct drive *drive, const char *text)
{
        struct err err = ERR_INIT;

        if (json_parse(text, strlen(text), &drive->order, &err) == 0 && start(drive, &err) == 0)
                return;
        say(drive, &err);
        json_free(TAKE(drive->order));
}

/* Standard input by looking, one line at a time. */
static void on_look(void *arg)
{
        struct drive *drive = arg;
        ssize_t n = drive->ends
                            ? -1
                            : read(STDIN_FILENO, drive->line + drive->len, DRIVE_LINE_MAX - 1 - drive->len);
        char *end;

        if (n == 0)
                drive->ends = true;
        if (n > 0)
                drive->len += (size_t)n;
        while (drive->act == NULL && world_is_whole(drive->world) &&
               (end = memchr(drive->line, '\n', drive->len)) != NULL) {
                *end = '\0';
                obey(drive, drive->line);
                drive->len -= (size_t)(end + 1 - drive->line);
                memmove(drive->line, end + 1, drive->len);
        }
        if (drive->ends && drive->act == NULL)
                loop_stop(drive->loop);
        else
                loop_timer_set(drive->look, LOOK_MS);
}

static void on_signal(int signo UNUSED, void *arg)
{
        loop_stop(((struct drive *)arg)->loop);
}

static void on_changed(const char *key UNUSED, void *arg UNUSED)
{
}

static int run(struct drive *drive, char **argv, struct err *err)
{
        static const int signos[] = { SIGTERM, SIGINT };
        const struct world_spec spec = { argv[2] };
        struct kube_access *access = NULL;
        struct loop_signal *signals;

        if (kube_access_from_file(argv[1], NULL, &access, err) != 0)
                return -1;
        drive->namespace = argv[2];
        drive->loop = loop_new();
        signals = loop_signal_new(drive->loop, signos, ARRAY_LEN(signos), on_signal, drive);
        drive->look = loop_timer_new(drive->loop, on_look, drive);
        if (kube_client_open(drive->loop, access, &drive->client, err) == 0) {
                drive->world = world_open(drive->client, &spec, on_changed, drive);
                loop_timer_set(drive->look, 0);
                loop_run(drive->loop);
                act_cancel(drive->act);
                json_free(drive->order);
                world_close(drive->world);
                kube_client_close(drive->client);
        }
        loop_timer_free(drive->look);
        loop_signal_free(signals);
        loop_free(drive->loop);
        return drive->client == NULL ? -1 : 0;
}

int main(int argc, char **argv)
{
        static struct drive drive;
        struct err err = ERR_INIT;

        (void)signal(SIGPIPE, SIG_IGN);
        if (argc != 3) {
                (void)fprintf(stderr, "drive_act KUBECONFIG NAMESPACE\n");
                return 2;
        }
        (void)fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
        if (run(&drive, argv, &err) != 0) {
                (void)fprintf(stderr, "drive_act: %s\n", err.text);
                return 1;
        }
        return 0;
}
