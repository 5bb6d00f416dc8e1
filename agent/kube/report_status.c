// SPDX-License-Identifier: Apache-2.0
#include "kube/report_status.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/conditions.h"

#define WAIT_MS INT64_C(1000)

struct kept {
        char *type;
        char *reason;
        char *message;
        struct kube_condition condition; /* of these */
        bool is_sent;                    /* what is in flight has it; a newer one is not */
};

struct kube_report_status {
        struct kube_outbox box;
        char *namespace;
        char *kind;
        char *name;
        struct kept kept[KUBE_REPORT_CONDITIONS_MAX]; /* oldest first */
        size_t n;
        bool is_reading; /* in flight is the read, not the write */
};

const char *kube_report_status_path(const char *namespace, const struct kube_request_ref *request,
                                    char out[static KUBE_PATH_MAX])
{
        int len = snprintf(out, KUBE_PATH_MAX, "/apis/ops.kubedb.com/v1alpha1/namespaces/%s/", namespace);

        for (const char *p = request->kind; *p != '\0'; p++)
                out[len++] = (char)tolower((unsigned char)*p);
        (void)snprintf(out + len, KUBE_PATH_MAX - (size_t)len, "s/%s", request->name);
        return out;
}

static const char *path_of(const struct kube_report_status *status, char out[static KUBE_PATH_MAX])
{
        return kube_report_status_path(status->namespace,
                                       &(const struct kube_request_ref){ status->kind, status->name }, out);
}

static void forget(struct kube_report_status *status, size_t i)
{
        mem_free(status->kept[i].type);
        mem_free(status->kept[i].reason);
        mem_free(status->kept[i].message);
        status->n--;
        memmove(&status->kept[i], &status->kept[i + 1], (status->n - i) * sizeof(status->kept[0]));
}

static void forget_all(struct kube_report_status *status)
{
        while (status->n > 0)
                forget(status, status->n - 1);
}

static void forget_sent(struct kube_report_status *status)
{
        for (size_t i = status->n; i-- > 0;)
                if (status->kept[i].is_sent)
                        forget(status, i);
}

/* The earliest counts: what may not wait takes all others along. */
static void plan(struct kube_report_status *status)
{
        for (size_t i = 0; i < status->n; i++)
                kube_outbox_want(&status->box, status->kept[i].condition.may_wait ? WAIT_MS : 0);
        if (status->n > 0)
                return;
        if (status->box.call == NULL)
                kube_outbox_rest(&status->box);
}

static void on_write(void *arg)
{
        struct kube_report_status *status = arg;
        char path[KUBE_PATH_MAX];

        status->is_reading = true;
        kube_outbox_send(&status->box,
                         &(const struct kube_request){ .method = "GET", .path = path_of(status, path) });
}

static void send_patch(struct kube_report_status *status, const char *body)
{
        char path[KUBE_PATH_MAX];

        (void)path_of(status, path);
        (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "/status?fieldManager=%s",
                       KUBE_FIELD_MANAGER);
        status->is_reading = false;
        kube_outbox_send(&status->box, &(const struct kube_request){
                                               .method = "PATCH",
                                               .path = path,
                                               .type = KUBE_MERGE_PATCH,
                                               .body = body,
                                       });
}

static int change(struct kube_report_status *status, const struct kube_answer *answer, struct err *err)
{
        struct kube_condition given[KUBE_REPORT_CONDITIONS_MAX];
        AUTO(json_free_p) cJSON *object = NULL;
        AUTO(mem_free_p) char *body = NULL;

        if (json_parse(answer->body, answer->len, &object, err) != 0)
                return -1;
        if (kube_conditions_are_final(object)) {
                forget_all(status);
                return 0;
        }
        for (size_t i = 0; i < status->n; i++) {
                given[i] = status->kept[i].condition;
                status->kept[i].is_sent = true;
        }
        if (kube_conditions_patch(object, given, status->n, &body, err) != 0)
                return -1;
        if (body == NULL)
                forget_sent(status);
        else
                send_patch(status, body);
        return 0;
}

static void read_done(struct kube_report_status *status, const struct kube_answer *answer)
{
        struct err err = ERR_INIT;

        if (change(status, answer, &err) == 0)
                return;
        (void)err_wrap(&err, "read the request '%s'", status->name);
        status->box.err = err;
        kube_outbox_again(&status->box, true);
}

static void refused(struct kube_report_status *status, int code)
{
        if (code == 409) {
                kube_outbox_again(&status->box, false);
                return;
        }
        /* Gone is an end like any other; anything else is a mistake of ours that no repetition mends. */
        if (code != 404)
                log_warn("condition_refused", LOG_S("request", status->name), LOG_ERR(&status->box.err));
        if (status->is_reading || code == 404)
                forget_all(status);
        else
                forget_sent(status);
}

static void on_answer(const struct kube_answer *answer, void *arg)
{
        struct kube_report_status *status = arg;

        switch (kube_outbox_judge(&status->box, answer, "conditions of the request")) {
        case KUBE_OUTBOX_ARRIVED:
                if (status->is_reading)
                        read_done(status, answer);
                else
                        forget_sent(status);
                break;
        case KUBE_OUTBOX_LATER:
                break;
        case KUBE_OUTBOX_REFUSED:
                refused(status, answer->status);
                break;
        }
        plan(status);
}

struct kube_report_status *kube_report_status_open(struct kube_client *client, const char *namespace,
                                                   const struct kube_request_ref *request)
{
        struct kube_report_status *status = MEM_NEW(struct kube_report_status);

        status->namespace = mem_strdup(namespace);
        status->kind = mem_strdup(request->kind);
        status->name = mem_strdup(request->name);
        status->box = (struct kube_outbox){
                .client = client, .write = on_write, .answered = on_answer, .arg = status
        };
        kube_outbox_open(&status->box);
        return status;
}

void kube_report_status_close(struct kube_report_status *status)
{
        if (status == NULL)
                return;
        kube_outbox_close(&status->box);
        forget_all(status);
        mem_free(status->namespace);
        mem_free(status->kind);
        mem_free(status->name);
        mem_free(status);
}

void kube_report_status_tell(struct kube_report_status *status, const struct kube_condition *condition)
{
        struct kept *kept;

        for (size_t i = status->n; i-- > 0;)
                if (strcmp(status->kept[i].type, condition->type) == 0)
                        forget(status, i);
        if (status->n == KUBE_REPORT_CONDITIONS_MAX)
                forget(status, 0);
        kept = &status->kept[status->n++];
        *kept = (struct kept){
                .type = mem_strdup(condition->type),
                .reason = mem_strdup(condition->reason),
                .message = mem_strdup(condition->message),
                .condition = *condition,
        };
        kept->condition.type = kept->type;
        kept->condition.reason = kept->reason;
        kept->condition.message = kept->message;
        plan(status);
}

bool kube_report_status_is_about(const struct kube_report_status *status,
                                 const struct kube_request_ref *request)
{
        return strcmp(status->kind, request->kind) == 0 && strcmp(status->name, request->name) == 0;
}

const struct kube_outbox *kube_report_status_box(const struct kube_report_status *status)
{
        return &status->box;
}
