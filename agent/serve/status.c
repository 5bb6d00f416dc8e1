// SPDX-License-Identifier: Apache-2.0
/*
 * The status as JSON. Its form is a contract (README.md of this folder): members may be added, never changed.
 */
#include "serve/status.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "certs/describe.h"

void status_init(struct status *status)
{
        memset(status, 0, sizeof(*status));
        (void)snprintf(status->version, sizeof(status->version), "%s", CERTROTATE_VERSION);
        (void)snprintf(status->step, sizeof(status->step), "idle");
        status->last_successful = true;
        status->step_deadline = MONO_NEVER;
}

const char *status_result_name(enum status_result result)
{
        static const char *const names[RESULTS] = { "success", "refused", "failed", "rolled_back",
                                                    "degraded" };

        return names[result];
}

const char *status_stage_name(enum status_stage stage)
{
        static const char *const names[STAGES] = { "source", "published", "served" };

        return names[stage];
}

/* null when 0: never. */
static void add_time(cJSON *object, const char *key, struct wall at)
{
        char text[CLOCK_TEXT_MAX];

        json_add_str(object, key, at.s > 0 ? clock_format(at, text) : NULL);
}

static void add_seconds(cJSON *object, const char *key, int64_t ms)
{
        json_add(object, key, cJSON_CreateNumber((double)ms / 1000));
}

static void add_fingerprint(cJSON *object, const char *key, const struct fingerprint *fp)
{
        char text[FINGERPRINT_TEXT_MAX];

        json_add_str(object, key, hex_fingerprint_is_none(fp) ? NULL : hex_fingerprint(fp, text));
}

static cJSON *leaf_to_json(const struct status_leaf *leaf, struct wall now)
{
        const double whole = (double)leaf->not_after.s - (double)leaf->not_before.s;
        const double left = (double)leaf->not_after.s - (double)now.s;
        cJSON *tree;

        if (!leaf->known)
                return cJSON_CreateNull();
        tree = json_object();
        add_fingerprint(tree, "fingerprint", &leaf->fp);
        json_add_str(tree, "subject", leaf->subject);
        add_time(tree, "notBefore", leaf->not_before);
        add_time(tree, "notAfter", leaf->not_after);
        json_add_int(tree, "lifetimeLeftPercent", whole > 0 && left > 0 ? (int64_t)(100 * left / whole) : 0);
        return tree;
}

static cJSON *health_to_json_short(const struct status *status, struct wall now, struct mono mono)
{
        static const struct {
                const char *name;
                enum health_probe probe;
        } probes[] = { { "live", HEALTH_LIVE }, { "ready", HEALTH_READY }, { "startup", HEALTH_STARTUP } };
        cJSON *tree = json_object();

        for (size_t i = 0; i < ARRAY_LEN(probes); i++)
                json_add(tree, probes[i].name, health_to_json(status, probes[i].probe, now, mono));
        return tree;
}

static cJSON *histogram_to_json(const char *name, const struct histogram *histogram)
{
        cJSON *tree = json_object();

        if (name != NULL)
                json_add_str(tree, "name", name);
        json_add_int(tree, "count", (int64_t)histogram->n);
        add_seconds(tree, "seconds", histogram->sum_us / 1000);
        return tree;
}

static const char *or_null(const char *text)
{
        return text[0] != '\0' ? text : NULL;
}

static cJSON *rotation_to_json(const struct status *status)
{
        cJSON *tree = json_object();
        cJSON *steps = json_array();

        json_add_str(tree, "step", status->step);
        add_time(tree, "since", status->step_since);
        json_add_bool(tree, "rollingBack", status->rolling_back);
        json_add_bool(tree, "reloadPending", status->reload_pending);
        json_add_str(tree, "change", or_null(status->change));
        for (size_t i = 0; i < status->n_steps; i++)
                json_append(steps, histogram_to_json(status->step_names[i], &status->step_times[i]));
        json_add(tree, "steps", steps);
        return tree;
}

static cJSON *plan_to_json(const struct status_plan *plan)
{
        cJSON *tree;

        if (!plan->given && plan->text[0] == '\0')
                return cJSON_CreateNull();
        tree = json_object();
        json_add_str(tree, "request", or_null(plan->request));
        json_add_int(tree, "generation", plan->generation);
        json_add_str(tree, "phase", or_null(plan->phase));
        json_add_bool(tree, "turn", plan->turn);
        json_add_bool(tree, "held", plan->held);
        json_add_bool(tree, "done", plan->done);
        json_add_str(tree, "failed", or_null(plan->failed));
        json_add_str(tree, "message", or_null(plan->text));
        return tree;
}

static cJSON *api_to_json(const struct status *status)
{
        const struct status_api *api = &status->api;
        cJSON *tree;

        if (!api->used)
                return cJSON_CreateNull();
        tree = json_object();
        json_add_bool(tree, "live", api->live);
        json_add_str(tree, "message", or_null(api->text));
        json_add_int(tree, "requests", (int64_t)api->requests);
        json_add_str(tree, "via", or_null(status->source_via));
        json_add_bool(tree, "lag", status->source_lag);
        return tree;
}

static cJSON *files_to_json(const struct status_files *files)
{
        cJSON *tree;

        if (!files->used)
                return cJSON_CreateNull();
        tree = json_object();
        json_add_str(tree, "secret", or_null(files->secret));
        json_add_str(tree, "publish", files->publish_dir);
        json_add_int(tree, "generation", files->generation);
        add_fingerprint(tree, "published", &files->published);
        json_add_bool(tree, "pending", files->pending);
        json_add_bool(tree, "degraded", files->degraded);
        json_add_str(tree, "error", or_null(files->text));
        return tree;
}

static cJSON *history_to_json(const struct status *status, struct mono mono)
{
        cJSON *tree = json_object();
        cJSON *rotations = json_object();

        for (enum status_result result = RESULT_SUCCESS; result < RESULTS; result++)
                json_add_int(rotations,
                             result == RESULT_ROLLED_BACK ? "rolledBack" : status_result_name(result),
                             (int64_t)status->rotations[result]);
        json_add(tree, "rotations", rotations);
        json_add_int(tree, "rollbacks", (int64_t)status->rollbacks);
        json_add_bool(tree, "lastSuccessful", status->last_successful);
        add_time(tree, "lastSuccess", status->last_success);
        json_add_int(tree, "scans", (int64_t)status->scans);
        if (status->last_scan.ms > 0)
                add_seconds(tree, "lastScanAge", mono.ms - status->last_scan.ms);
        else
                json_add_str(tree, "lastScanAge", NULL);
        add_seconds(tree, "scanBound", status->scan_bound_ms);
        json_add(tree, "detection", histogram_to_json(NULL, &status->detection));
        return tree;
}

static cJSON *error_to_json(const struct status *status)
{
        cJSON *tree;

        if (status->error_kind == ERR_NONE)
                return cJSON_CreateNull();
        tree = json_object();
        json_add_str(tree, "reason", err_reason(status->error_kind));
        json_add_str(tree, "message", status->error_text);
        add_time(tree, "at", status->error_at);
        return tree;
}

static cJSON *engine_to_json(const struct status *status)
{
        cJSON *tree = json_object();
        cJSON *endpoints = json_array();

        json_add_str(tree, "version", or_null(status->engine_version));
        json_add_str(tree, "role", or_null(status->engine_role));
        json_add_int(tree, "members", status->engine_members);
        for (size_t i = 0; i < status->n_endpoints; i++) {
                const struct status_endpoint *endpoint = &status->endpoints[i];
                cJSON *one = json_object();

                json_add_str(one, "url", endpoint->url);
                json_add_bool(one, "ok", endpoint->ok);
                add_fingerprint(one, "fingerprint", &endpoint->fp);
                json_add_str(one, "tlsVersion", or_null(endpoint->tls_version));
                json_add_str(one, "message", endpoint->text);
                json_append(endpoints, one);
        }
        json_add(tree, "endpoints", endpoints);
        return tree;
}

cJSON *status_to_json(const struct status *status, struct wall now, struct mono mono)
{
        cJSON *tree = json_object();
        cJSON *stages = json_object();

        json_add_str(tree, "version", status->version);
        json_add_str(tree, "instance", status->instance);
        json_add_str(tree, "database", status->database);
        json_add_str(tree, "bundle", status->alias);
        json_add_str(tree, "source", status->source_dir);
        json_add_str(tree, "publish", status->publish_dir);
        add_time(tree, "started", status->started);
        json_add(tree, "health", health_to_json_short(status, now, mono));
        json_add_bool(tree, "degraded", status->degraded);
        json_add_int(tree, "generation", status->generation);
        for (enum status_stage stage = STAGE_SOURCE; stage < STAGES; stage++)
                json_add(stages, status_stage_name(stage), leaf_to_json(&status->stages[stage], now));
        json_add(tree, "stages", stages);
        json_add_str(tree, "tls", or_null(status->tls));
        json_add(tree, "plan", plan_to_json(&status->plan));
        json_add(tree, "files", files_to_json(&status->files));
        json_add(tree, "api", api_to_json(status));
        json_add_bool(tree, "prunePending", status->prune_pending);
        json_add(tree, "rotation", rotation_to_json(status));
        json_add(tree, "history", history_to_json(status, mono));
        json_add(tree, "error", error_to_json(status));
        json_add(tree, "findings", describe_findings(&status->findings));
        json_add(tree, "engine", engine_to_json(status));
        return tree;
}
