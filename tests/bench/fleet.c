// SPDX-License-Identifier: Apache-2.0
/*
 * As many agents as asked for, as the API server sees them: each has a connection of its own, a watch of its
 * Secret and one of its plan. Prints a line an event; a line with the requests made for every "count" on
 * standard input.
 *
 *   bench_fleet KUBECONFIG NAMESPACE N    Secrets and ConfigMaps fleet-0, fleet-1, …
 */
#include "kube/watch.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 64

struct agent {
        size_t i;
        struct kube_client *client;
        struct kube_watch *watches[2];
};

struct fleet {
        struct agent *agents;
        size_t n;
};

static const char *const collections[] = { "secrets", "configmaps" };

static void told(const struct kube_watch_event *event, void *arg)
{
        static const char *const kinds[] = {
                [KUBE_OBJECT] = "object", [KUBE_GONE] = "gone", [KUBE_LISTED] = "listed", [KUBE_LOST] = "lost"
        };
        const struct agent *agent = arg;

        printf("{\"agent\":%zu,\"kind\":\"%s\",\"version\":\"%s\",\"us\":%lld}\n", agent->i,
               kinds[event->kind], event->version == NULL ? "" : event->version, (long long)clock_us());
        (void)fflush(stdout);
}

static void start(struct loop *loop, struct agent *agent, const char *kubeconfig, const char *namespace)
{
        AUTO(mem_free_p) char *name = mem_printf("fleet-%zu", agent->i);
        struct kube_access *access = NULL;
        struct err err = ERR_INIT;

        if (kube_access_from_file(kubeconfig, NULL, &access, &err) != 0 ||
            kube_client_open(loop, access, &agent->client, &err) != 0) {
                (void)fprintf(stderr, "%s\n", err.text);
                exit(1);
        }
        for (size_t i = 0; i < ARRAY_LEN(collections); i++) {
                AUTO(mem_free_p)
                char *path = mem_printf("/api/v1/namespaces/%s/%s", namespace, collections[i]);
                const struct kube_watch_spec spec = { .collection = path, .name = name };

                agent->watches[i] = kube_watch_open(agent->client, &spec, told, agent);
        }
}

static void count_free(struct op *op UNUSED)
{
}

struct counter {
        struct op op;
        const struct fleet *fleet;
};

/* One answer for each line asked; the end of the input ends the fleet. */
static enum op_state count(struct op *op, short ready, struct mono now UNUSED, struct err *err UNUSED)
{
        struct counter *counter = CONTAINER_OF(op, struct counter, op);
        char line[LINE_MAX_BYTES];
        uint64_t sum = 0;

        op->want.fd = STDIN_FILENO;
        op->want.events = POLLIN;
        op->want.until = MONO_NEVER;
        if (ready == 0)
                return OP_WAIT;
        if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
                return OP_DONE;
        for (size_t i = 0; i < counter->fleet->n; i++)
                sum += kube_client_requests(counter->fleet->agents[i].client);
        printf("{\"requests\":%llu}\n", (unsigned long long)sum);
        (void)fflush(stdout);
        return OP_WAIT;
}

static void ended(enum op_state state UNUSED, const struct err *err UNUSED, void *arg)
{
        loop_stop(arg);
}

int main(int argc, char **argv)
{
        static const struct op_type type = { .name = "count", .step = count, .free = count_free };
        struct loop *loop = loop_new();
        struct fleet fleet = { .n = argc == 4 ? (size_t)strtoul(argv[3], NULL, 10) : 0 };
        struct counter counter = { .op = { .type = &type }, .fleet = &fleet };

        if (fleet.n == 0)
                return 2;
        log_init(LOG_JSON, LOG_WARN, false);
        fleet.agents = mem_array(fleet.n, sizeof(*fleet.agents));
        for (size_t i = 0; i < fleet.n; i++) {
                fleet.agents[i].i = i;
                start(loop, &fleet.agents[i], argv[1], argv[2]);
        }
        (void)loop_op_start(loop, &counter.op, -1, ended, loop);
        loop_run(loop);
        for (size_t i = 0; i < fleet.n; i++) {
                kube_watch_close(fleet.agents[i].watches[0]);
                kube_watch_close(fleet.agents[i].watches[1]);
                kube_client_close(fleet.agents[i].client);
        }
        mem_free(fleet.agents);
        loop_free(loop);
        return 0;
}
