// SPDX-License-Identifier: Apache-2.0
/*
 * Watches against a real API server, without the agent: one line of JSON an event, until SIGTERM; the last
 * line, and one at each SIGUSR1, says how many requests and events there were.
 *
 *   drive_kube watch KUBECONFIG COLLECTION [NAME] [labels=…] [silence=MS] [steady=MS] [pause=MS]
 *              [pause-max=MS] [refused-max=MS] [timeout=S] [page=N]
 *
 * The defaults are those of the agent. A stream that ends before `steady` (10 s), in whatever way, counts as
 * a failure: whoever shortens silence or timeout shortens that too.
 */
#include "base/mem.h"
#include "base/num.h"
#include "kube/watch_state.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct drive {
        struct loop *loop;
        struct kube_client *client;
        struct kube_watch *watch;
        struct kube_watch_spec spec;
        struct kube_watch_limits limits;
};

static void print(cJSON *line)
{
        AUTO(mem_free_p) char *text = NULL;

        json_add_int(line, "us", clock_wall_us());
        text = json_print(line, false);
        (void)printf("%s\n", text);
        (void)fflush(stdout);
        json_free(line);
}

static void on_event(const struct kube_watch_event *event, void *arg)
{
        static const char *const kinds[] = { "OBJECT", "GONE", "LISTED", "LOST" };
        struct drive *drive = arg;
        cJSON *line = json_object();

        json_add_str(line, "kind", kinds[event->kind]);
        json_add_str(line, "namespace", event->namespace);
        json_add_str(line, "name", event->name);
        json_add_str(line, "version", event->version);
        json_add_str(line, "uid", json_get_str(json_get(event->object, "metadata"), "uid"));
        json_add_bool(line, "object", event->object != NULL);
        /* Before kube_watch_open has returned there is no event. */
        json_add_bool(line, "live", kube_watch_is_live(drive->watch));
        if (event->err != NULL) {
                json_add_str(line, "reason", err_reason(event->err->kind));
                json_add_str(line, "error", event->err->text);
        }
        print(line);
}

static void print_counts(const struct drive *drive)
{
        const struct kube_watch_counts counts = kube_watch_counts(drive->watch);
        cJSON *line = json_object();

        json_add_str(line, "kind", "COUNTS");
        json_add_bool(line, "live", kube_watch_is_live(drive->watch));
        json_add_int(line, "lists", (int64_t)counts.lists);
        json_add_int(line, "watches", (int64_t)counts.watches);
        json_add_int(line, "events", (int64_t)counts.events);
        json_add_int(line, "losses", (int64_t)counts.losses);
        json_add_int(line, "requests", (int64_t)kube_client_requests(drive->client));
        print(line);
}

static void on_signal(int signo, void *arg)
{
        struct drive *drive = arg;

        print_counts(drive);
        if (signo != SIGUSR1)
                loop_stop(drive->loop);
}

static bool set_number(struct drive *drive, const char *key, const char *text)
{
        struct kube_watch_limits *limits = &drive->limits;
        const struct {
                const char *key;
                int64_t *at;
        } numbers[] = {
                { "silence", &limits->silence_ms },
                { "steady", &limits->steady_ms },
                { "pause", &limits->pause_min_ms },
                { "pause-max", &limits->pause_max_ms },
                { "refused-max", &limits->refused_max_ms },
                { "timeout", &limits->timeout_min_s },
                { "page", &limits->page },
        };
        struct err err = ERR_INIT;

        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
                if (strcmp(key, numbers[i].key) == 0)
                        return num_parse(text, 1, INT32_MAX, numbers[i].at, &err) == 0;
        return false;
}

static bool set(struct drive *drive, char *argument)
{
        char *equals = strchr(argument, '=');

        if (equals == NULL && drive->spec.name == NULL) {
                drive->spec.name = argument;
                return true;
        }
        if (equals == NULL)
                return false;
        *equals = '\0';
        if (strcmp(argument, "labels") == 0) {
                drive->spec.labels = equals + 1;
                return true;
        }
        return set_number(drive, argument, equals + 1);
}

static int run(struct drive *drive, const char *kubeconfig, struct err *err)
{
        static const int signos[] = { SIGTERM, SIGINT, SIGUSR1 };
        struct kube_access *access = NULL;
        struct loop_signal *signals;

        if (kube_access_from_file(kubeconfig, NULL, &access, err) != 0)
                return -1;
        drive->loop = loop_new();
        signals = loop_signal_new(drive->loop, signos, ARRAY_LEN(signos), on_signal, drive);
        if (kube_client_open(drive->loop, access, &drive->client, err) == 0) {
                drive->watch =
                        kube_watch_open_limited(drive->client, &drive->spec, &drive->limits, on_event, drive);
                loop_run(drive->loop);
                kube_watch_close(drive->watch);
                kube_client_close(drive->client);
        }
        loop_signal_free(signals);
        loop_free(drive->loop);
        return drive->client == NULL ? -1 : 0;
}

int main(int argc, char **argv)
{
        struct drive drive = { .limits = kube_watch_defaults };
        struct err err = ERR_INIT;

        (void)signal(SIGPIPE, SIG_IGN);
        if (argc < 4 || strcmp(argv[1], "watch") != 0) {
                (void)fprintf(stderr, "drive_kube watch KUBECONFIG COLLECTION [NAME] [KEY=VALUE…]\n");
                return 2;
        }
        drive.spec.collection = argv[3];
        for (int i = 4; i < argc; i++) {
                if (!set(&drive, argv[i])) {
                        (void)fprintf(stderr, "drive_kube: unknown setting %s\n", argv[i]);
                        return 2;
                }
        }
        if (drive.limits.timeout_min_s != kube_watch_defaults.timeout_min_s)
                drive.limits.timeout_max_s = drive.limits.timeout_min_s;
        if (run(&drive, argv[2], &err) != 0) {
                (void)fprintf(stderr, "drive_kube: %s\n", err.text);
                return 2;
        }
        return 0;
}
