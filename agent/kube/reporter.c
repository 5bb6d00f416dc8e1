// SPDX-License-Identifier: Apache-2.0
/*
 * The door of all reports: what comes in is cleaned, cut and looked through for keys; then it is one of three
 * that write (report_pod.c, report_status.c, report_events.c).
 */
#include "kube/reporter.h"

#include <ctype.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "kube/conditions.h"
#include "kube/event_json.h"
#include "kube/names.h"
#include "kube/report_events.h"
#include "kube/report_pod.h"
#include "kube/report_status.h"
#include "kube/report_text.h"

#define REPORT_MAX_BYTES ((size_t)32 << 10)
#define REQUESTS_MAX     16
#define CONDITION_MAX    316 /* bytes of its type */
#define MESSAGE_MAX      32768
#define ACTION_MAX       KUBE_EVENT_REASON_MAX

struct kube_reporter {
        struct kube_client *client;
        char *namespace;
        char *name;
        struct kube_report_pod pod;
        struct kube_report_events events;
        struct kube_report_status *requests[REQUESTS_MAX]; /* oldest first */
        size_t n;
};

struct kube_reporter *kube_reporter_open(struct kube_client *client, const struct kube_reporter_spec *spec)
{
        struct kube_reporter *reporter = MEM_NEW(struct kube_reporter);

        reporter->client = client;
        reporter->namespace = mem_strdup(spec->namespace);
        reporter->name = mem_strdup(spec->pod);
        reporter->pod.namespace = reporter->namespace;
        reporter->pod.name = reporter->name;
        kube_report_pod_open(&reporter->pod, client, spec->pod_uid);
        kube_report_events_open(&reporter->events, client, &reporter->pod);
        return reporter;
}

static void drop_request(struct kube_reporter *reporter, size_t i)
{
        kube_report_status_close(reporter->requests[i]);
        reporter->n--;
        memmove(&reporter->requests[i], &reporter->requests[i + 1],
                (reporter->n - i) * sizeof(struct kube_report_status *));
}

void kube_reporter_close(struct kube_reporter *reporter)
{
        if (reporter == NULL)
                return;
        kube_report_events_close(&reporter->events);
        kube_report_pod_close(&reporter->pod);
        while (reporter->n > 0)
                drop_request(reporter, reporter->n - 1);
        mem_free(reporter->namespace);
        mem_free(reporter->name);
        mem_free(reporter);
}

/* A key in a report is a mistake of ours; what is wrong about it is said without it. */
static bool is_fit(const char *what, const char *const *texts, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (!kube_report_text_is_secret(texts[i]))
                        continue;
                log_error("report_has_a_key", LOG_S("report", what));
                return false;
        }
        return true;
}

static bool is_named(const struct kube_request_ref *request)
{
        if (kube_names_is_kind(request->kind) && kube_names_is_subdomain(request->name))
                return true;
        log_warn("report_without_request", LOG_S("kind", request->kind), LOG_S("request", request->name));
        return false;
}

static bool is_placed(const struct kube_reporter *reporter)
{
        if (kube_names_is_label(reporter->namespace) && kube_names_is_subdomain(reporter->name))
                return true;
        log_warn("report_without_pod", LOG_S("namespace", reporter->namespace), LOG_S("pod", reporter->name));
        return false;
}

void kube_reporter_report(struct kube_reporter *reporter, const char *json)
{
        if (!is_placed(reporter) || !is_fit("annotation", &json, 1))
                return;
        if (strlen(json) > REPORT_MAX_BYTES) {
                log_error("report_too_long", LOG_I("bytes", (int64_t)strlen(json)));
                return;
        }
        kube_report_pod_tell(&reporter->pod, kube_report_text_clean(json, REPORT_MAX_BYTES));
}

void kube_reporter_nudge(struct kube_reporter *reporter)
{
        if (is_placed(reporter))
                kube_report_pod_nudge(&reporter->pod);
}

/* Those that have nothing left to say are forgotten where a new one comes. */
static struct kube_report_status *status_of(struct kube_reporter *reporter,
                                            const struct kube_request_ref *request)
{
        for (size_t i = reporter->n; i-- > 0;)
                if (kube_report_status_is_about(reporter->requests[i], request))
                        return reporter->requests[i];
        for (size_t i = reporter->n; i-- > 0;)
                if (kube_outbox_is_idle(kube_report_status_box(reporter->requests[i])))
                        drop_request(reporter, i);
        if (reporter->n == REQUESTS_MAX) {
                log_warn("report_dropped", LOG_I("requests", REQUESTS_MAX));
                drop_request(reporter, 0);
        }
        reporter->requests[reporter->n] =
                kube_report_status_open(reporter->client, reporter->namespace, request);
        return reporter->requests[reporter->n++];
}

static bool is_type(const char *type)
{
        const size_t len = strlen(type);

        for (const char *p = type; *p != '\0'; p++)
                if (!isgraph((unsigned char)*p))
                        return false;
        return len > 0 && len <= CONDITION_MAX;
}

void kube_reporter_condition(struct kube_reporter *reporter, const struct kube_request_ref *request,
                             const struct kube_condition *condition)
{
        const char *const texts[] = { condition->type, condition->reason, condition->message };
        AUTO(mem_free_p) char *reason = kube_report_text_clean(condition->reason, KUBE_EVENT_REASON_MAX);
        AUTO(mem_free_p) char *message = kube_report_text_clean(condition->message, MESSAGE_MAX);
        struct kube_condition clean = *condition;

        if (!is_placed(reporter) || !is_named(request) || !is_fit("condition", texts, ARRAY_LEN(texts)))
                return;
        if (!is_type(condition->type) || !kube_conditions_is_own(condition->type, reporter->name)) {
                AUTO(mem_free_p) char *type = kube_report_text_clean(condition->type, CONDITION_MAX);

                log_error("condition_not_ours", LOG_S("pod", reporter->name), LOG_S("type", type));
                return;
        }
        clean.reason = reason;
        clean.message = message;
        kube_report_status_tell(status_of(reporter, request), &clean);
}

void kube_reporter_event(struct kube_reporter *reporter, const struct kube_request_ref *request,
                         const struct kube_event *event)
{
        const char *const texts[] = { event->reason, event->action, event->note };
        AUTO(mem_free_p) char *reason = kube_report_text_clean(event->reason, KUBE_EVENT_REASON_MAX);
        AUTO(mem_free_p) char *action = kube_report_text_clean(event->action, ACTION_MAX);
        AUTO(mem_free_p) char *note = kube_report_text_clean(event->note, KUBE_EVENT_NOTE_MAX);
        const struct kube_event clean = {
                .type = event->type, .reason = reason, .action = action, .note = note, .at = event->at
        };

        if (!is_placed(reporter) || (request != NULL && !is_named(request)) ||
            !is_fit("event", texts, ARRAY_LEN(texts)))
                return;
        if (reason == NULL || *reason == '\0' || action == NULL || *action == '\0' || note == NULL) {
                log_error("event_incomplete", LOG_S("reason", reason), LOG_S("note", note));
                return;
        }
        kube_report_events_tell(&reporter->events, request, &clean);
}

bool kube_reporter_is_idle(const struct kube_reporter *reporter)
{
        for (size_t i = 0; i < reporter->n; i++)
                if (!kube_outbox_is_idle(kube_report_status_box(reporter->requests[i])))
                        return false;
        return kube_outbox_is_idle(&reporter->pod.box) && kube_outbox_is_idle(&reporter->events.box);
}

static const struct kube_outbox *older(const struct kube_outbox *a, const struct kube_outbox *b)
{
        return b->since.ms < a->since.ms ? b : a;
}

const struct err *kube_reporter_trouble(const struct kube_reporter *reporter)
{
        const struct kube_outbox *oldest = older(&reporter->pod.box, &reporter->events.box);

        for (size_t i = 0; i < reporter->n; i++)
                oldest = older(oldest, kube_report_status_box(reporter->requests[i]));
        return &oldest->err;
}
