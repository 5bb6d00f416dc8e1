// SPDX-License-Identifier: Apache-2.0
/*
 * Reports to a real API server, without the agent: one command a line, as a JSON list; one line when it was
 * taken. Ends with its input, when all has arrived.
 *
 *   drive_report KUBECONFIG NAMESPACE POD [UID]
 *
 *   ["report","{}"] ["nudge"] ["condition",KIND,NAME,TYPE,"True",MESSAGE,SECONDS] ["state"]
 *   ["event","Warning",REASON,NOTE,SECONDS] ["event","Normal",REASON,NOTE,SECONDS,KIND,NAME]
 */
#include "base/json.h"
#include "base/mem.h"
#include "kube/reporter.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS  5
#define LINE_MAX 65536

struct drive {
        struct loop *loop;
        struct kube_client *client;
        struct kube_reporter *reporter;
        struct loop_timer *look;
        char line[LINE_MAX];
        size_t len;
        bool ends;
};

static const char *word(const cJSON *list, int i)
{
        return cJSON_GetStringValue(cJSON_GetArrayItem(list, i));
}

static struct wall seconds(const cJSON *list, int i)
{
        return (struct wall){ (int64_t)cJSON_GetNumberValue(cJSON_GetArrayItem(list, i)) };
}

static void print_state(const struct drive *drive)
{
        const struct err *trouble = kube_reporter_trouble(drive->reporter);
        AUTO(json_free_p) cJSON *line = json_object();
        AUTO(mem_free_p) char *text = NULL;

        json_add_bool(line, "idle", kube_reporter_is_idle(drive->reporter));
        json_add_str(line, "reason", trouble->kind == ERR_NONE ? NULL : err_reason(trouble->kind));
        json_add_str(line, "error", trouble->text);
        json_add_int(line, "requests", (int64_t)kube_client_requests(drive->client));
        text = json_print(line, false);
        (void)printf("%s\n", text);
        (void)fflush(stdout);
}

static void tell_event(struct drive *drive, const cJSON *list)
{
        const struct kube_request_ref request = { word(list, 5), word(list, 6) };
        const struct kube_event event = {
                .type = strcmp(word(list, 1), "Warning") == 0 ? KUBE_EVENT_WARNING : KUBE_EVENT_NORMAL,
                .reason = word(list, 2),
                .action = "Rotate",
                .note = word(list, 3),
                .at = seconds(list, 4),
        };

        kube_reporter_event(drive->reporter, request.kind == NULL ? NULL : &request, &event);
}

static void obey(struct drive *drive, const char *text)
{
        AUTO(json_free_p) cJSON *list = NULL;
        struct err err = ERR_INIT;
        const char *what;

        if (json_parse(text, strlen(text), &list, &err) != 0 || (what = word(list, 0)) == NULL)
                (void)fprintf(stderr, "drive_report: %s: %s\n", text, err.text);
        else if (strcmp(what, "report") == 0)
                kube_reporter_report(drive->reporter, word(list, 1));
        else if (strcmp(what, "nudge") == 0)
                kube_reporter_nudge(drive->reporter);
        else if (strcmp(what, "condition") == 0)
                kube_reporter_condition(
                        drive->reporter, &(const struct kube_request_ref){ word(list, 1), word(list, 2) },
                        &(const struct kube_condition){ .type = word(list, 3),
                                                        .is_true = strcmp(word(list, 4), "True") == 0,
                                                        .message = word(list, 5),
                                                        .at = seconds(list, 6) });
        else if (strcmp(what, "event") == 0)
                tell_event(drive, list);
        print_state(drive);
}

/* Standard input by looking: a pipe or a file, and nothing else here needs to be fast. */
static void on_look(void *arg)
{
        struct drive *drive = arg;
        ssize_t n =
                drive->ends ? -1 : read(STDIN_FILENO, drive->line + drive->len, LINE_MAX - 1 - drive->len);
        char *end;

        if (n == 0)
                drive->ends = true;
        if (n > 0)
                drive->len += (size_t)n;
        while ((end = memchr(drive->line, '\n', drive->len)) != NULL) {
                *end = '\0';
                obey(drive, drive->line);
                drive->len -= (size_t)(end + 1 - drive->line);
                memmove(drive->line, end + 1, drive->len);
        }
        if (drive->ends && kube_reporter_is_idle(drive->reporter))
                loop_stop(drive->loop);
        else
                loop_timer_set(drive->look, LOOK_MS);
}

static void on_signal(int signo UNUSED, void *arg)
{
        loop_stop(((struct drive *)arg)->loop);
}

static int run(struct drive *drive, char **argv, struct err *err)
{
        static const int signos[] = { SIGTERM, SIGINT };
        const struct kube_reporter_spec spec = { argv[2], argv[3], argv[4] };
        struct kube_access *access = NULL;
        struct loop_signal *signals;

        if (kube_access_from_file(argv[1], NULL, &access, err) != 0)
                return -1;
        drive->loop = loop_new();
        signals = loop_signal_new(drive->loop, signos, ARRAY_LEN(signos), on_signal, drive);
        drive->look = loop_timer_new(drive->loop, on_look, drive);
        if (kube_client_open(drive->loop, access, &drive->client, err) == 0) {
                drive->reporter = kube_reporter_open(drive->client, &spec);
                loop_timer_set(drive->look, 0);
                loop_run(drive->loop);
                kube_reporter_close(drive->reporter);
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
        if (argc != 4 && argc != 5) {
                (void)fprintf(stderr, "drive_report KUBECONFIG NAMESPACE POD [UID]\n");
                return 2;
        }
        (void)fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
        if (run(&drive, argv, &err) != 0) {
                (void)fprintf(stderr, "drive_report: %s\n", err.text);
                return 1;
        }
        return 0;
}
