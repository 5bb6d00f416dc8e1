// SPDX-License-Identifier: Apache-2.0
#include "kube/report_events.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "kube/report_status.h"

static void plan(struct kube_report_events *events)
{
        const struct mono now = clock_mono();
        struct mono wake;

        if (kube_events_next(&events->events, now, &wake) != NULL)
                kube_outbox_want(&events->box, 0);
        else if (wake.ms != MONO_NEVER.ms)
                kube_outbox_want(&events->box, wake.ms - now.ms);
        else if (events->box.call == NULL)
                kube_outbox_rest(&events->box);
}

static void ask(struct kube_report_events *events, enum kube_report_events_step step)
{
        const struct kube_request_ref request = { events->entry->request_kind, events->entry->request_name };
        char path[KUBE_PATH_MAX];

        events->step = step;
        if (step == KUBE_ASKS_POD)
                (void)kube_report_pod_path(events->pod, path);
        else
                (void)kube_report_status_path(events->pod->namespace, &request, path);
        kube_outbox_send(&events->box, &(const struct kube_request){ .method = "GET", .path = path });
}

static void write_entry(struct kube_report_events *events)
{
        struct kube_events_entry *entry = events->entry;
        const bool is_new = entry->written == 0;
        AUTO(mem_free_p) char *body = kube_events_body(&events->events, entry, events->pod->uid);
        char path[KUBE_PATH_MAX];

        events->step = KUBE_WRITES;
        (void)snprintf(path, sizeof(path), "/apis/events.k8s.io/v1/namespaces/%s/events%s%s?fieldManager=%s",
                       events->pod->namespace, is_new ? "" : "/", is_new ? "" : entry->name,
                       KUBE_FIELD_MANAGER);
        kube_outbox_send(&events->box, &(const struct kube_request){
                                               .method = is_new ? "POST" : "PATCH",
                                               .path = path,
                                               .type = is_new ? KUBE_JSON : KUBE_MERGE_PATCH,
                                               .body = body,
                                       });
}

/* The pod may be another one by now, of the same name: what was written was about the old one. */
static void follow_pod(struct kube_report_events *events)
{
        struct kube_events_entry *entry = events->entry;

        if (entry->uid != NULL && strcmp(entry->uid, events->pod->uid) == 0)
                return;
        if (entry->written > 0)
                kube_events_again(&events->events, entry, true);
        mem_free(entry->uid);
        entry->uid = mem_strdup(events->pod->uid);
}

static void on_write(void *arg)
{
        struct kube_report_events *events = arg;
        struct mono wake;

        events->entry = kube_events_next(&events->events, clock_mono(), &wake);
        if (events->entry == NULL) {
                plan(events);
                return;
        }
        if (!events->entry->is_about_request && events->pod->uid == NULL) {
                ask(events, KUBE_ASKS_POD);
                return;
        }
        if (events->entry->is_about_request && events->entry->uid == NULL) {
                ask(events, KUBE_ASKS_REQUEST);
                return;
        }
        if (!events->entry->is_about_request)
                follow_pod(events);
        write_entry(events);
}

static void learn(struct kube_report_events *events, const struct kube_answer *answer)
{
        AUTO(json_free_p) cJSON *object = NULL;
        struct err err = ERR_INIT;
        const char *uid;

        if (json_parse(answer->body, answer->len, &object, &err) != 0 ||
            (uid = json_get_str(json_get(object, "metadata"), "uid")) == NULL) {
                err_set_(&events->box.err, ERR_PROTOCOL, "an object of the API server has no metadata.uid");
                kube_outbox_again(&events->box, false);
                return;
        }
        if (events->step == KUBE_ASKS_POD)
                kube_report_pod_learn(events->pod, object);
        else
                events->entry->uid = mem_strdup(uid);
}

static void question_refused(struct kube_report_events *events, int status)
{
        if (events->step == KUBE_ASKS_POD) {
                kube_outbox_again(&events->box, true); /* it may come back */
                return;
        }
        if (status != 404)
                log_warn("event_refused", LOG_S("request", events->entry->request_name),
                         LOG_ERR(&events->box.err));
        kube_events_drop(&events->events, events->entry);
}

/* Not every 409 is that: a quota has conflicts too. */
static bool is_there_already(const struct kube_answer *answer)
{
        AUTO(json_free_p) cJSON *object = NULL;
        struct err err = ERR_INIT;
        const char *reason = NULL;

        if (answer->status == 409 && json_parse(answer->body, answer->len, &object, &err) == 0)
                reason = json_get_str(object, "reason");
        return reason != NULL && strcmp(reason, "AlreadyExists") == 0;
}

static void write_refused(struct kube_report_events *events, const struct kube_answer *answer)
{
        struct kube_events_entry *entry = events->entry;
        const bool is_new = entry->written == 0;

        if (is_new && is_there_already(answer)) { /* ours, of which the answer was lost */
                kube_events_written(&events->events, entry, clock_mono());
                return;
        }
        if (!is_new && answer->status == 404) { /* Events live for an hour */
                kube_events_again(&events->events, entry, true);
                return;
        }
        if (answer->status == 409 || answer->status == 404) {
                kube_events_again(&events->events, entry, false);
                kube_outbox_again(&events->box, answer->status == 404);
                return;
        }
        log_warn("event_refused", LOG_S("event", entry->reason), LOG_ERR(&events->box.err));
        kube_events_drop(&events->events, entry);
}

static void on_answer(const struct kube_answer *answer, void *arg)
{
        struct kube_report_events *events = arg;
        const bool wrote = events->step == KUBE_WRITES;

        if (events->step == KUBE_ASKS_REQUEST && answer->status == 403) {
                /* Found by its name at least, and the rest of the queue does not wait for a right. */
                TAKE(events->entry)->uid = mem_strdup("");
                plan(events);
                return;
        }
        switch (kube_outbox_judge(&events->box, answer, "event")) {
        case KUBE_OUTBOX_ARRIVED:
                if (wrote)
                        kube_events_written(&events->events, events->entry, clock_mono());
                else
                        learn(events, answer);
                break;
        case KUBE_OUTBOX_LATER:
                if (wrote)
                        kube_events_again(&events->events, events->entry, false);
                break;
        case KUBE_OUTBOX_REFUSED:
                if (wrote)
                        write_refused(events, answer);
                else
                        question_refused(events, answer->status);
                break;
        }
        events->entry = NULL;
        plan(events);
}

void kube_report_events_open(struct kube_report_events *events, struct kube_client *client,
                             struct kube_report_pod *pod)
{
        events->pod = pod;
        events->events.namespace = pod->namespace;
        events->events.pod = pod->name;
        events->box = (struct kube_outbox){
                .client = client, .write = on_write, .answered = on_answer, .arg = events
        };
        kube_outbox_open(&events->box);
}

void kube_report_events_close(struct kube_report_events *events)
{
        kube_outbox_close(&events->box);
        kube_events_done(&events->events);
}

void kube_report_events_tell(struct kube_report_events *events, const struct kube_request_ref *request,
                             const struct kube_event *event)
{
        const struct mono now = clock_mono();

        kube_events_add(&events->events, request, false, event, now);
        if (request != NULL)
                kube_events_add(&events->events, request, true, event, now);
        plan(events);
}
