// SPDX-License-Identifier: Apache-2.0
#include "control/controller_pages.h"

#include <stdio.h>
#include <string.h>

#include "serve/exposition.h"
#include "serve/reply.h"

#define TICK_LATE_MS INT64_C(60000)

static const char *const phases[] = {
        [REQUEST_PENDING] = "Pending", [REQUEST_PROGRESSING] = "Progressing",
        [REQUEST_WAITING] = "Waiting", [REQUEST_SUCCESSFUL] = "Successful",
        [REQUEST_FAILED] = "Failed",   [REQUEST_SKIPPED] = "Skipped",
};

static const char *const results[CONTROLLER_RESULTS] = {
        [CONTROLLER_IDLE] = "idle",           [CONTROLLER_DONE] = "done",
        [CONTROLLER_CHANGED] = "changed",     [CONTROLLER_REFUSED] = "refused",
        [CONTROLLER_FAILED] = "failed",       [CONTROLLER_HELD_BACK] = "held_back",
        [CONTROLLER_CANCELLED] = "cancelled",
};

const char *controller_pages_result_name(enum controller_result result)
{
        return results[result];
}

/* --- probes */

static void check_live(const struct controller_status *status, struct mono now, struct check_list *out)
{
        struct check *check = checks_add(out, "loop");

        if (now.ms - status->last_tick.ms <= TICK_LATE_MS)
                return;
        check->result = CHECK_FAIL;
        (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "the loop has not turned for %lld s",
                       (long long)((now.ms - status->last_tick.ms) / 1000));
}

static void check_world(const struct controller_status *status, struct check_list *out)
{
        struct check *check = checks_add(out, "world");

        if (status->is_whole && status->world_trouble[0] == '\0')
                return;
        check->result = CHECK_FAIL;
        if (status->world_trouble[0] != '\0')
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "%s", status->world_trouble);
        else
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "not everything was listed yet");
}

/* All replicas serve it. */
static void check_webhook(const struct controller_webhook_status *webhook, struct check_list *out)
{
        struct check *check;

        if (!webhook->is_on)
                return;
        check = checks_add(out, "webhook");
        if (webhook->cert.is_served)
                return;
        check->result = CHECK_FAIL;
        (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "the webhook serves no valid certificate: %.200s",
                       webhook->cert.trouble[0] != '\0' ? webhook->cert.trouble
                                                        : "nothing is known of it yet");
}

/* One that does not lead is ready as well: it could take over at once. */
static void check_ready(const struct controller_status *status, struct check_list *out)
{
        struct check *check;

        check_world(status, out);
        check = checks_add(out, "lease");
        if (status->lease_trouble[0] != '\0') {
                check->result = CHECK_FAIL;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "%s", status->lease_trouble);
        }
        check = checks_add(out, "ending");
        if (status->is_ending) {
                check->result = CHECK_FAIL;
                (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "it was told to end");
        }
        check_webhook(&status->webhook, out);
}

static void check_startup(const struct controller_status *status, struct check_list *out)
{
        struct check *check = checks_add(out, "first-list");

        if (status->has_started)
                return;
        check->result = CHECK_FAIL;
        (void)snprintf(check->message, CHECKS_MESSAGE_MAX, "%s",
                       status->world_trouble[0] == '\0' ? "not everything was listed yet"
                                                        : status->world_trouble);
}

void controller_pages_checks(const struct controller_status *status, enum health_probe probe, struct mono now,
                             struct check_list *out)
{
        out->n = 0;
        switch (probe) {
        case HEALTH_LIVE:
                check_live(status, now, out);
                return;
        case HEALTH_READY:
                check_ready(status, out);
                return;
        case HEALTH_STARTUP:
                check_startup(status, out);
                return;
        }
}

/* --- metrics */

static void add_labelled(struct buf *out, const char *name, const char *label, const char *value, uint64_t n)
{
        buf_printf(out, "certrotate_controller_%s{", name);
        exposition_label(out, label, value);
        buf_printf(out, "} %llu\n", (unsigned long long)n);
}

static void add_work(const struct controller_status *status, struct buf *out)
{
        exposition_value(out, "controller_queue_depth", "gauge",
                         "Databases that are due and wait to be looked at.", (int64_t)status->queued);
        exposition_value(out, "controller_working", "gauge", "Databases for which something is being done.",
                         (int64_t)status->working);
        exposition_head(out, "controller_reconciles_total", "counter", "Looks at a database, by result.");
        for (enum controller_result result = CONTROLLER_IDLE; result < CONTROLLER_RESULTS; result++)
                add_labelled(out, "reconciles_total", "result", results[result], status->results[result]);
        exposition_head(out, "controller_reconcile_seconds", "histogram",
                        "Time of the looks at which something was to be done, with the doing.");
        exposition_histogram(out, "controller_reconcile_seconds", NULL, NULL, &status->times);
}

static void add_world(const struct controller_status *status, struct buf *out)
{
        static const char *const days[] = { "1", "7", "30" };
        const struct world_counts *counts = &status->world;
        size_t sum = 0;

        exposition_head(out, "controller_requests", "gauge", "OpsRequests that are there, by phase.");
        for (size_t i = 0; i < ARRAY_LEN(phases); i++)
                add_labelled(out, "requests", "phase", phases[i], counts->requests[i]);
        exposition_value(out, "controller_databases", "gauge", "Databases known.",
                         (int64_t)counts->databases);
        exposition_head(out, "controller_databases_expiring", "gauge",
                        "Databases whose first certificate served ends within so many days.");
        for (size_t i = 0; i < ARRAY_LEN(days); i++) {
                sum += counts->expires_within_days[i];
                add_labelled(out, "databases_expiring", "days", days[i], sum);
        }
        exposition_value(out, "controller_pods", "gauge", "Pods of databases known.", (int64_t)counts->pods);
        exposition_value(
                out, "controller_pods_left", "gauge",
                "Pods that a failed request could not bring back, and that do not serve yet what the "
                "others do.",
                (int64_t)counts->left);
        exposition_value(out, "controller_certificates", "gauge", "Certificates of databases known.",
                         (int64_t)counts->certificates);
        exposition_value(out, "controller_watch_events_total", "counter",
                         "Changes that the API server told of.", (int64_t)counts->events);
}

static void add_webhook(const struct controller_status *status, struct buf *out)
{
        static const char *const verdicts[] = {
                [REVIEW_LEFT] = "left", [REVIEW_INJECTED] = "injected", [REVIEW_DENIED] = "denied"
        };
        const struct controller_webhook_status *webhook = &status->webhook;

        if (!webhook->is_on)
                return;
        exposition_head(out, "controller_webhook_reviews_total", "counter", "Pods reviewed, by verdict.");
        for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
                add_labelled(out, "webhook_reviews_total", "verdict", verdicts[i],
                             webhook->counts.reviews[i]);
        exposition_value(out, "controller_webhook_bad_requests_total", "counter",
                         "Requests to the webhook that were no review of a pod.",
                         (int64_t)webhook->counts.bad);
        exposition_value(out, "controller_webhook_certificate_expiry_timestamp_seconds", "gauge",
                         "When the certificate that the webhook serves ends; 0: it serves none.",
                         webhook->cert.until.s);
        exposition_value(out, "missed_injections", "gauge",
                         "Pods that ask for injection and were created without it.",
                         (int64_t)status->world.missed);
}

void controller_pages_metrics(const struct controller_status *status, struct buf *out)
{
        exposition_head(out, "controller_build_info", "gauge", "Version of the controller.");
        add_labelled(out, "build_info", "version", status->version, 1);
        exposition_value(out, "controller_leader", "gauge", "1 while this replica holds the Lease and acts.",
                         status->is_leader);
        exposition_value(out, "controller_leader_acquisitions_total", "counter",
                         "How often this replica got the Lease.", (int64_t)status->times_leader);
        exposition_value(out, "controller_ready", "gauge", "1 while all that is watched is known and heard.",
                         status->is_whole && status->world_trouble[0] == '\0');
        add_work(status, out);
        add_world(status, out);
        add_webhook(status, out);
        exposition_value(out, "controller_api_requests_total", "counter", "Requests made of the API server.",
                         (int64_t)status->api_requests);
}

/* --- status */

static cJSON *counts_of(const char *const *names, const uint64_t *counts, size_t n)
{
        cJSON *tree = json_object();

        for (size_t i = 0; i < n; i++)
                json_add_int(tree, names[i], (int64_t)counts[i]);
        return tree;
}

static cJSON *lease_of(const struct controller_status *status)
{
        cJSON *tree = json_object();

        json_add_str(tree, "name", status->lease);
        json_add_bool(tree, "held", status->is_leader);
        json_add_str(tree, "holder", status->is_leader ? status->identity : status->holder);
        json_add_str(tree, "trouble", status->lease_trouble);
        return tree;
}

static cJSON *world_of(const struct controller_status *status)
{
        const struct world_counts *counts = &status->world;
        cJSON *tree = json_object();
        cJSON *requests = json_object();

        json_add_bool(tree, "whole", status->is_whole);
        json_add_str(tree, "trouble", status->world_trouble);
        json_add_int(tree, "databases", (int64_t)counts->databases);
        json_add_int(tree, "pods", (int64_t)counts->pods);
        json_add_int(tree, "certificates", (int64_t)counts->certificates);
        for (size_t i = 0; i < ARRAY_LEN(phases); i++)
                json_add_int(requests, phases[i], (int64_t)counts->requests[i]);
        json_add(tree, "requests", requests);
        return tree;
}

static cJSON *webhook_of(const struct controller_status *status)
{
        const struct controller_webhook_status *webhook = &status->webhook;
        cJSON *tree = json_object();
        char fp[FINGERPRINT_TEXT_MAX];
        char at[CLOCK_TEXT_MAX];

        json_add_bool(tree, "serves", webhook->cert.is_served);
        json_add_str(tree, "trouble", webhook->cert.trouble);
        if (webhook->cert.until.s != 0) {
                json_add_str(tree, "certificate", hex_fingerprint(&webhook->cert.fp, fp));
                json_add_str(tree, "notAfter", clock_format(webhook->cert.until, at));
        }
        json_add_int(tree, "injected", (int64_t)webhook->counts.reviews[REVIEW_INJECTED]);
        json_add_int(tree, "left", (int64_t)webhook->counts.reviews[REVIEW_LEFT]);
        json_add_int(tree, "denied", (int64_t)webhook->counts.reviews[REVIEW_DENIED]);
        json_add_int(tree, "bad", (int64_t)webhook->counts.bad);
        json_add_int(tree, "missed", (int64_t)status->world.missed);
        return tree;
}

cJSON *controller_pages_status(const struct controller_status *status)
{
        cJSON *tree = json_object();
        cJSON *queue = json_object();
        char at[CLOCK_TEXT_MAX];

        json_add_str(tree, "version", status->version);
        json_add_str(tree, "identity", status->identity);
        json_add_str(tree, "namespace", status->namespace);
        json_add_str(tree, "started", clock_format(status->started, at));
        json_add(tree, "lease", lease_of(status));
        json_add(tree, "world", world_of(status));
        json_add_int(queue, "waiting", (int64_t)status->queued);
        json_add_int(queue, "working", (int64_t)status->working);
        json_add_int(queue, "remembered", (int64_t)status->remembered);
        json_add(tree, "queue", queue);
        json_add(tree, "reconciles", counts_of(results, status->results, CONTROLLER_RESULTS));
        if (status->webhook.is_on)
                json_add(tree, "webhook", webhook_of(status));
        json_add_int(tree, "apiRequests", (int64_t)status->api_requests);
        return tree;
}

/* --- paths */

static const struct {
        const char *path;
        enum { PAGE_PROBE, PAGE_METRICS, PAGE_STATUS } kind;
        enum health_probe probe;
} pages[] = {
        { "/livez", PAGE_PROBE, HEALTH_LIVE },       { "/readyz", PAGE_PROBE, HEALTH_READY },
        { "/startupz", PAGE_PROBE, HEALTH_STARTUP }, { "/healthz", PAGE_PROBE, HEALTH_LIVE },
        { "/metrics", PAGE_METRICS, HEALTH_LIVE },   { "/status", PAGE_STATUS, HEALTH_LIVE },
};

static void answer(const struct controller_status *status, struct mono now, size_t i, const char *query,
                   struct http_reply *reply)
{
        struct check_list list;

        switch (pages[i].kind) {
        case PAGE_PROBE:
                controller_pages_checks(status, pages[i].probe, now, &list);
                reply_checks(&list, reply_is_verbose(query), reply);
                return;
        case PAGE_METRICS:
                reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
                controller_pages_metrics(status, &reply->body);
                return;
        case PAGE_STATUS:
                reply_json(controller_pages_status(status), reply);
                return;
        }
}

void controller_pages_answer(const struct controller_status *status, struct mono now, const char *path,
                             const char *query, struct http_reply *reply)
{
        for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
                if (strcmp(pages[i].path, path) == 0) {
                        answer(status, now, i, query, reply);
                        return;
                }
        }
        reply->status = 404;
        buf_add_str(&reply->body, "there are:");
        for (size_t i = 0; i < ARRAY_LEN(pages); i++)
                buf_printf(&reply->body, " %s", pages[i].path);
        buf_add_char(&reply->body, '\n');
}
