// SPDX-License-Identifier: Apache-2.0
/*
 * kube/client.c against a real API server, without the agent: commands on standard input, one line of JSON
 * for whatever comes of them, until the input ends.
 *
 *   drive_client KUBECONFIG
 *     call ID METHOD PATH LIMIT_MS [BODY]
 *     stream ID PATH SILENCE_MS
 *     cancel ID
 */
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define CALLS_MAX 1024

struct call {
        char id[32];
        struct kube_call *handle;
};

struct drive {
        struct op op;
        struct loop *loop;
        struct kube_client *client;
        struct buf input;
        struct call calls[CALLS_MAX];
        size_t n_calls;
};

static cJSON *line_of(const struct call *call, const char *what)
{
        cJSON *line = json_object();

        json_add_str(line, "id", call->id);
        json_add_str(line, "what", what);
        return line;
}

static void print(cJSON *line)
{
        AUTO(mem_free_p) char *text = json_print(line, false);

        (void)printf("%s\n", text);
        (void)fflush(stdout);
        json_free(line);
}

static void on_data(const char *data, size_t len, void *arg)
{
        AUTO(mem_free_p) char *text = mem_printf("%.*s", (int)len, data);
        cJSON *line = line_of(arg, "data");

        json_add_str(line, "data", text);
        print(line);
}

static void on_done(const struct kube_answer *answer, void *arg)
{
        struct call *call = arg;
        cJSON *line = line_of(call, "done");

        call->handle = NULL;
        json_add_int(line, "status", answer->status);
        json_add_str(line, "body", answer->body);
        json_add_int(line, "retryAfter", answer->retry_after_ms);
        json_add_str(line, "reason", err_reason(answer->err.kind));
        json_add_str(line, "error", answer->err.text);
        print(line);
}

static struct call *find(struct drive *drive, const char *id)
{
        for (size_t i = 0; i < drive->n_calls; i++)
                if (strcmp(drive->calls[i].id, id) == 0)
                        return &drive->calls[i];
        if (drive->n_calls == CALLS_MAX)
                abort();
        (void)snprintf(drive->calls[drive->n_calls].id, sizeof(drive->calls[0].id), "%s", id);
        return &drive->calls[drive->n_calls++];
}

static void obey(struct drive *drive, char *line)
{
        char *rest = line;
        const char *word = strsep(&rest, " ");
        struct kube_request request = { .method = "GET" };
        struct call *call;

        call = find(drive, strsep(&rest, " "));
        if (strcmp(word, "cancel") == 0) {
                kube_call_cancel(TAKE(call->handle));
                return;
        }
        if (strcmp(word, "call") == 0)
                request.method = strsep(&rest, " ");
        request.path = strsep(&rest, " ");
        if (strcmp(word, "call") == 0)
                (void)sscanf(strsep(&rest, " "), "%ld", &request.limit_ms);
        else
                (void)sscanf(strsep(&rest, " "), "%ld", &request.silence_ms);
        request.body = rest;
        request.type = strcmp(request.method, "PATCH") == 0 ? KUBE_MERGE_PATCH : NULL;
        call->handle = kube_call_start(drive->client, &request, on_data, on_done, call);
}

static enum op_state drive_step(struct op *op, short ready UNUSED, struct mono now UNUSED,
                                struct err *err UNUSED)
{
        struct drive *drive = CONTAINER_OF(op, struct drive, op);
        char bytes[65536];
        ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

        if (n == 0 || (n == -1 && errno != EAGAIN))
                return OP_DONE;
        if (n > 0)
                buf_add(&drive->input, bytes, (size_t)n);
        if (n > 0 && bytes[n - 1] == '\n') {
                char *rest = (char *)drive->input.data;

                rest[drive->input.len - 1] = '\0';
                while (rest != NULL)
                        obey(drive, strsep(&rest, "\n"));
                buf_reset(&drive->input);
        }
        op->want.fd = STDIN_FILENO;
        op->want.events = POLLIN;
        op->want.until = MONO_NEVER;
        return OP_WAIT;
}

static void drive_free(struct op *op UNUSED)
{
}

static void on_end(enum op_state state UNUSED, const struct err *err UNUSED, void *arg)
{
        const struct drive *drive = arg;

        loop_stop(drive->loop);
}

int main(int argc, char **argv)
{
        static const struct op_type type = { "commands", drive_step, drive_free };
        AUTO(loop_free_p) struct loop *loop = loop_new();
        AUTO(mem_free_p) struct drive *drive = MEM_NEW(struct drive);
        struct kube_access *access = NULL;
        struct err err = ERR_INIT;

        drive->op.type = &type;
        drive->loop = loop;
        drive->input = (struct buf)BUF_INIT(1 << 20);
        if (argc != 2 || kube_access_from_file(argv[1], NULL, &access, &err) != 0 ||
            kube_client_open(loop, access, &drive->client, &err) != 0) {
                (void)fprintf(stderr, "drive_client KUBECONFIG: %s\n", err.text);
                return 2;
        }
        (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
        (void)loop_op_start(loop, &drive->op, -1, on_end, drive);
        loop_run(loop);
        kube_client_close(drive->client);
        buf_done(&drive->input);
        return 0;
}
