// SPDX-License-Identifier: Apache-2.0
#include "kube/report_pod.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "kube/micro_time.h"
#include "kube/reporter.h"

#define REPORT_PAUSE_MS INT64_C(1000)
#define NUDGE_PAUSE_MS  INT64_C(10000)

const char *kube_report_pod_path(const struct kube_report_pod *pod, char out[static KUBE_PATH_MAX])
{
        (void)snprintf(out, KUBE_PATH_MAX, "/api/v1/namespaces/%s/pods/%s", pod->namespace, pod->name);
        return out;
}

static bool text_waits(const struct kube_report_pod *pod)
{
        return pod->wanted != NULL && (pod->told == NULL || strcmp(pod->wanted, pod->told) != 0);
}

/* ms until then, 0: now. */
static int64_t text_in(const struct kube_report_pod *pod, struct mono now)
{
        const int64_t left = clock_after(pod->written, REPORT_PAUSE_MS).ms - now.ms;

        return !pod->was_written || left < 0 ? 0 : left;
}

static int64_t nudge_in(const struct kube_report_pod *pod, struct mono now)
{
        const int64_t left = clock_after(pod->nudged, NUDGE_PAUSE_MS).ms - now.ms;

        return !pod->was_nudged || left < 0 ? 0 : left;
}

/* What waits is asked for when its time comes; nothing waits: rest. */
static void plan(struct kube_report_pod *pod)
{
        const struct mono now = clock_mono();

        if (!text_waits(pod) && !pod->wants_nudge) {
                if (pod->box.call == NULL)
                        kube_outbox_rest(&pod->box);
                return;
        }
        if (text_waits(pod))
                kube_outbox_want(&pod->box, text_in(pod, now));
        if (pod->wants_nudge)
                kube_outbox_want(&pod->box, nudge_in(pod, now));
}

static char *patch(const struct kube_report_pod *pod)
{
        AUTO(json_free_p) cJSON *body = json_object();
        cJSON *meta = json_object();
        cJSON *annotations = json_object();
        char now[KUBE_MICRO_TIME_MAX];

        json_add(body, "metadata", meta);
        if (pod->uid_is_given) /* 422 from another one, where it cannot be changed */
                json_add_str(meta, "uid", pod->uid);
        json_add(meta, "annotations", annotations);
        if (pod->sending != NULL)
                json_add_str(annotations, KUBE_REPORT_ANNOTATION, pod->sending);
        if (pod->is_nudging)
                json_add_str(annotations, KUBE_NUDGE_ANNOTATION, kube_micro_time(clock_wall_us(), now));
        return json_print(body, false);
}

static void on_write(void *arg)
{
        struct kube_report_pod *pod = arg;
        const struct mono now = clock_mono();
        AUTO(mem_free_p) char *body = NULL;
        char path[KUBE_PATH_MAX];

        pod->is_nudging = pod->wants_nudge && nudge_in(pod, now) == 0;
        pod->wants_nudge = pod->wants_nudge && !pod->is_nudging;
        /* A nudge on its way takes a text along. */
        pod->sending = text_waits(pod) && (text_in(pod, now) == 0 || pod->is_nudging)
                               ? mem_strdup(pod->wanted)
                               : NULL;
        if (pod->sending == NULL && !pod->is_nudging) {
                plan(pod);
                return;
        }
        body = patch(pod);
        (void)kube_report_pod_path(pod, path);
        (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "?fieldManager=%s",
                       KUBE_FIELD_MANAGER);
        kube_outbox_send(&pod->box, &(const struct kube_request){
                                            .method = "PATCH",
                                            .path = path,
                                            .type = KUBE_MERGE_PATCH,
                                            .body = body,
                                    });
}

/* `told` is what the server has from now on: NULL when nobody knows. */
static void told(struct kube_report_pod *pod, char *text)
{
        mem_free(pod->told);
        pod->told = text;
}

void kube_report_pod_learn(struct kube_report_pod *pod, const cJSON *object)
{
        const char *uid = json_get_str(json_get(object, "metadata"), "uid");

        if (pod->uid_is_given || (uid != NULL && pod->uid != NULL && strcmp(uid, pod->uid) == 0))
                return;
        /* Another pod knows nothing of what the old one was told. */
        if (uid == NULL || pod->uid != NULL)
                told(pod, NULL);
        mem_free(pod->uid);
        pod->uid = mem_strdup(uid);
        if (uid != NULL)
                plan(pod);
}

static void arrived(struct kube_report_pod *pod, const struct kube_answer *answer)
{
        AUTO(json_free_p) cJSON *object = NULL;
        struct err err = ERR_INIT;

        if (json_parse(answer->body, answer->len, &object, &err) == 0 &&
            json_get_str(json_get(object, "metadata"), "uid") != NULL)
                kube_report_pod_learn(pod, object);
        pod->was_written = true;
        pod->written = clock_mono();
        if (pod->sending != NULL)
                told(pod, TAKE(pod->sending));
        if (!pod->is_nudging)
                return;
        pod->was_nudged = true;
        pod->nudged = pod->written;
}

static void refused(struct kube_report_pod *pod, int status)
{
        if (status == 404)
                kube_report_pod_learn(pod, NULL);
        if (status == 404 || status == 409) {
                pod->wants_nudge = pod->wants_nudge || pod->is_nudging;
                kube_outbox_again(&pod->box, status == 404);
                return;
        }
        log_warn("report_refused", LOG_S("pod", pod->name), LOG_ERR(&pod->box.err));
        if (pod->sending != NULL)
                told(pod, TAKE(pod->sending));
}

static void on_answer(const struct kube_answer *answer, void *arg)
{
        struct kube_report_pod *pod = arg;

        switch (kube_outbox_judge(&pod->box, answer, "report to the pod")) {
        case KUBE_OUTBOX_ARRIVED:
                arrived(pod, answer);
                break;
        case KUBE_OUTBOX_LATER:
                if (pod->sending != NULL)
                        told(pod, NULL); /* it may have arrived */
                pod->wants_nudge = pod->wants_nudge || pod->is_nudging;
                break;
        case KUBE_OUTBOX_REFUSED:
                refused(pod, answer->status);
                break;
        }
        mem_free(TAKE(pod->sending));
        pod->is_nudging = false;
        plan(pod);
}

void kube_report_pod_open(struct kube_report_pod *pod, struct kube_client *client, const char *uid)
{
        pod->uid_is_given = uid != NULL;
        pod->uid = mem_strdup(uid);
        pod->box = (struct kube_outbox){
                .client = client, .write = on_write, .answered = on_answer, .arg = pod
        };
        kube_outbox_open(&pod->box);
}

void kube_report_pod_close(struct kube_report_pod *pod)
{
        kube_outbox_close(&pod->box);
        mem_free(pod->uid);
        mem_free(pod->wanted);
        mem_free(pod->told);
        mem_free(pod->sending);
}

void kube_report_pod_tell(struct kube_report_pod *pod, char *text)
{
        mem_free(pod->wanted);
        pod->wanted = text;
        plan(pod);
}

void kube_report_pod_nudge(struct kube_report_pod *pod)
{
        pod->wants_nudge = true;
        plan(pod);
}
