// SPDX-License-Identifier: Apache-2.0
/*
 * Prometheus text exposition 0.0.4. What is not known has no series: an old date that stays behind after a
 * change is worse than a gap (cert-manager #7249).
 */
#include "serve/exposition.h"

#include <string.h>

static void add_dates(const struct status *status, struct buf *out)
{
        static const char *const names[] = { "certificate_not_before_timestamp_seconds",
                                             "certificate_not_after_timestamp_seconds" };
        static const char *const helps[] = { "Start of the validity of the leaf of each stage.",
                                             "End of the validity of the leaf of each stage." };

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                exposition_head(out, names[i], "gauge", helps[i]);
                for (enum status_stage stage = STAGE_SOURCE; stage < STAGES; stage++) {
                        const struct status_leaf *leaf = &status->stages[stage];

                        if (!leaf->known)
                                continue;
                        buf_printf(out, "certrotate_%s{", names[i]);
                        exposition_label(out, "bundle", status->alias);
                        buf_printf(out, ",stage=\"%s\"} %lld\n", status_stage_name(stage),
                                   (long long)(i == 0 ? leaf->not_before.s : leaf->not_after.s));
                }
        }
}

static void add_rotations(const struct status *status, struct buf *out)
{
        exposition_head(out, "rotations_total", "counter", "Rotations ended, by result.");
        for (enum status_result result = RESULT_SUCCESS; result < RESULTS; result++)
                buf_printf(out, "certrotate_rotations_total{result=\"%s\"} %llu\n",
                           status_result_name(result), (unsigned long long)status->rotations[result]);
        exposition_value(out, "last_rotation_successful", "gauge",
                         "1 when the last rotation succeeded, or none was needed.", status->last_successful);
        exposition_head(out, "last_rotation_success_timestamp_seconds", "gauge",
                        "Time of the last successful rotation.");
        if (status->last_success.s > 0)
                buf_printf(out, "certrotate_last_rotation_success_timestamp_seconds %lld\n",
                           (long long)status->last_success.s);
        exposition_value(out, "rollbacks_total", "counter", "Rollbacks begun.", (int64_t)status->rollbacks);
        exposition_value(out, "degraded", "gauge", "1 when a rollback failed and a person has to look.",
                         status->degraded);
        exposition_value(out, "reload_pending", "gauge",
                         "1 while a reload was asked for and did not come back yet.", status->reload_pending);
        exposition_value(out, "generation", "gauge",
                         "Number of the published generation, 0 when there is none.", status->generation);
}

static void add_times(const struct status *status, struct buf *out)
{
        exposition_head(out, "rotation_step_seconds", "histogram", "Time each step of a rotation took.");
        for (size_t i = 0; i < status->n_steps; i++)
                exposition_histogram(out, "rotation_step_seconds", "step", status->step_names[i],
                                     &status->step_times[i]);
        exposition_head(out, "detection_seconds", "histogram",
                        "Time from the change of the source to the start of its rotation.");
        exposition_histogram(out, "detection_seconds", NULL, NULL, &status->detection);
}

static void add_plan(const struct status *status, struct buf *out)
{
        if (status->tls[0] != '\0')
                exposition_value(out, "tls_enabled", "gauge",
                                 "1 when the database is kept in a mode with TLS.",
                                 strcmp(status->tls, "off") != 0);
        if (!status->plan.given)
                return;
        exposition_value(out, "plan_turn", "gauge", "1 when the plan lets this instance act.",
                         status->plan.turn);
        exposition_value(out, "plan_done", "gauge", "1 when what the plan asks of this instance is proven.",
                         status->plan.done);
}

static void add_api(const struct status *status, struct buf *out)
{
        if (!status->api.used)
                return;
        exposition_value(out, "api_up", "gauge", "1 while the API server answers, or may be taken to.",
                         status->api.text[0] == '\0');
        exposition_value(out, "api_requests_total", "counter", "Requests made of the API server.",
                         (int64_t)status->api.requests);
        exposition_value(out, "source_lag", "gauge",
                         "1 while only one of volume and API has brought the Secret as it is now.",
                         status->source_lag);
}

static void add_files(const struct status_files *files, struct buf *out)
{
        if (!files->used)
                return;
        exposition_value(out, "configuration_generation", "gauge",
                         "Number of the published generation of the database's configuration files.",
                         files->generation);
        exposition_value(out, "configuration_pending", "gauge",
                         "1 while the published configuration is not proven to be in force.", files->pending);
        exposition_value(out, "configuration_error", "gauge",
                         "1 while the configuration waits for something, or the last one failed.",
                         files->reason != ERR_NONE);
        exposition_head(out, "configuration_changes_total", "counter",
                        "Changes of the configuration ended, by result.");
        for (enum status_result result = RESULT_SUCCESS; result < RESULTS; result++)
                buf_printf(out, "certrotate_configuration_changes_total{result=\"%s\"} %llu\n",
                           status_result_name(result), (unsigned long long)files->changes[result]);
}

static void add_endpoints(const struct status *status, struct buf *out)
{
        exposition_head(out, "endpoint_up", "gauge",
                        "1 when the endpoint serves the published leaf and is trusted.");
        for (size_t i = 0; i < status->n_endpoints; i++) {
                buf_add_str(out, "certrotate_endpoint_up{");
                exposition_label(out, "url", status->endpoints[i].url);
                buf_printf(out, "} %d\n", status->endpoints[i].ok);
        }
}

static void add_findings(const struct findings *findings, struct buf *out)
{
        exposition_head(out, "findings", "gauge", "Findings of the last bundle judged, by code.");
        for (enum finding_code code = FINDING_KEY_MISMATCH; code < FINDING_CODES; code++) {
                for (enum finding_severity severity = SEVERITY_WARN; severity <= SEVERITY_REFUSE;
                     severity++) {
                        size_t n = 0;

                        for (size_t i = 0; i < findings->n; i++)
                                n += findings->items[i].code == code &&
                                     findings->items[i].severity == severity;
                        if (n > 0)
                                buf_printf(out, "certrotate_findings{code=\"%s\",severity=\"%s\"} %zu\n",
                                           policy_code_name(code), policy_severity_name(severity), n);
                }
        }
}

void metrics_render(const struct status *status, struct wall now, struct mono mono, struct buf *out)
{
        exposition_head(out, "build_info", "gauge", "Version of the agent.");
        buf_add_str(out, "certrotate_build_info{");
        exposition_label(out, "version", status->version);
        buf_add_str(out, "} 1\n");
        add_dates(status, out);
        add_rotations(status, out);
        add_times(status, out);
        exposition_value(out, "scans_total", "counter", "Scans of the source completed.",
                         (int64_t)status->scans);
        exposition_head(out, "last_scan_timestamp_seconds", "gauge", "Time of the last completed scan.");
        if (status->last_scan.ms > 0)
                buf_printf(out, "certrotate_last_scan_timestamp_seconds %lld\n",
                           (long long)(now.s - (mono.ms - status->last_scan.ms) / 1000));
        add_plan(status, out);
        add_api(status, out);
        add_files(&status->files, out);
        exposition_value(out, "prune_pending", "gauge",
                         "1 while dropped authorities are trusted until the database restarts.",
                         status->prune_pending);
        add_endpoints(status, out);
        add_findings(&status->findings, out);
}
