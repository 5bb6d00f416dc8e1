// SPDX-License-Identifier: Apache-2.0
/*
 * Prometheus text exposition 0.0.4. What is not known has no series: an old date that stays behind after a
 * change is worse than a gap (cert-manager #7249).
 */
#include "serve/status.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <string.h>

/* Upper bounds of histogram.c in seconds. */
static const char *const bounds[STATUS_BUCKETS] = { "0.001", "0.002", "0.005", "0.01", "0.025", "0.05",
                                                    "0.1",   "0.25",  "1",     "5",    "30",    "+Inf" };

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
        buf_printf(out, "# HELP certrotate_%s %s\n# TYPE certrotate_%s %s\n", name, help, name, type);
}

/* name="value" with the three escapes of the format; broken UTF-8 would void the whole page. */
static void label(struct buf *out, const char *name, const char *value)
{
        const uint8_t *p = (const uint8_t *)value;

        buf_printf(out, "%s=\"", name);
        while (*p != '\0') {
                const size_t len = utf8_len(p);

                if (*p == '\\' || *p == '"')
                        buf_printf(out, "\\%c", *p);
                else if (*p == '\n')
                        buf_add_str(out, "\\n");
                else if (len == 0)
                        buf_add_str(out, "\xef\xbf\xbd");
                else
                        buf_add(out, p, len);
                p += len == 0 ? 1 : len;
        }
        buf_add_char(out, '"');
}

static void add_plain(struct buf *out, const char *name, const char *type, const char *help, int64_t value)
{
        head(out, name, type, help);
        buf_printf(out, "certrotate_%s %lld\n", name, (long long)value);
}

static void add_dates(const struct status *status, struct buf *out)
{
        static const char *const names[] = { "certificate_not_before_timestamp_seconds",
                                             "certificate_not_after_timestamp_seconds" };
        static const char *const helps[] = { "Start of the validity of the leaf of each stage.",
                                             "End of the validity of the leaf of each stage." };

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                head(out, names[i], "gauge", helps[i]);
                for (enum status_stage stage = STAGE_SOURCE; stage < STAGES; stage++) {
                        const struct status_leaf *leaf = &status->stages[stage];

                        if (!leaf->known)
                                continue;
                        buf_printf(out, "certrotate_%s{", names[i]);
                        label(out, "bundle", status->alias);
                        buf_printf(out, ",stage=\"%s\"} %lld\n", status_stage_name(stage),
                                   (long long)(i == 0 ? leaf->not_before.s : leaf->not_after.s));
                }
        }
}

static void add_rotations(const struct status *status, struct buf *out)
{
        head(out, "rotations_total", "counter", "Rotations ended, by result.");
        for (enum status_result result = RESULT_SUCCESS; result < RESULTS; result++)
                buf_printf(out, "certrotate_rotations_total{result=\"%s\"} %llu\n",
                           status_result_name(result), (unsigned long long)status->rotations[result]);
        add_plain(out, "last_rotation_successful", "gauge",
                  "1 when the last rotation succeeded, or none was needed.", status->last_successful);
        head(out, "last_rotation_success_timestamp_seconds", "gauge",
             "Time of the last successful rotation.");
        if (status->last_success.s > 0)
                buf_printf(out, "certrotate_last_rotation_success_timestamp_seconds %lld\n",
                           (long long)status->last_success.s);
        add_plain(out, "rollbacks_total", "counter", "Rollbacks begun.", (int64_t)status->rollbacks);
        add_plain(out, "degraded", "gauge", "1 when a rollback failed and a person has to look.",
                  status->degraded);
        add_plain(out, "reload_pending", "gauge", "1 while a reload was asked for and did not come back yet.",
                  status->reload_pending);
        add_plain(out, "generation", "gauge", "Number of the published generation, 0 when there is none.",
                  status->generation);
}

/* One histogram; step NULL: without that label. */
static void add_histogram(struct buf *out, const char *name, const char *step,
                          const struct histogram *histogram)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < STATUS_BUCKETS; i++) {
                sum += histogram->counts[i];
                buf_printf(out, "certrotate_%s_bucket{", name);
                if (step != NULL) {
                        label(out, "step", step);
                        buf_add_char(out, ',');
                }
                buf_printf(out, "le=\"%s\"} %llu\n", bounds[i], (unsigned long long)sum);
        }
        for (int i = 0; i < 2; i++) {
                buf_printf(out, "certrotate_%s_%s", name, i == 0 ? "sum" : "count");
                if (step != NULL) {
                        buf_add_char(out, '{');
                        label(out, "step", step);
                        buf_add_char(out, '}');
                }
                if (i == 0)
                        buf_printf(out, " %lld.%06lld\n", (long long)(histogram->sum_us / 1000000),
                                   (long long)(histogram->sum_us % 1000000));
                else
                        buf_printf(out, " %llu\n", (unsigned long long)histogram->n);
        }
}

static void add_times(const struct status *status, struct buf *out)
{
        head(out, "rotation_step_seconds", "histogram", "Time each step of a rotation took.");
        for (size_t i = 0; i < status->n_steps; i++)
                add_histogram(out, "rotation_step_seconds", status->step_names[i], &status->step_times[i]);
        head(out, "detection_seconds", "histogram",
             "Time from the change of the source to the start of its rotation.");
        add_histogram(out, "detection_seconds", NULL, &status->detection);
}

static void add_plan(const struct status *status, struct buf *out)
{
        if (status->tls[0] != '\0')
                add_plain(out, "tls_enabled", "gauge", "1 when the database is kept in a mode with TLS.",
                          strcmp(status->tls, "off") != 0);
        if (!status->plan.given)
                return;
        add_plain(out, "plan_turn", "gauge", "1 when the plan lets this instance act.", status->plan.turn);
        add_plain(out, "plan_done", "gauge", "1 when what the plan asks of this instance is proven.",
                  status->plan.done);
}

static void add_api(const struct status *status, struct buf *out)
{
        if (!status->api.used)
                return;
        add_plain(out, "api_up", "gauge", "1 while the API server answers, or may be taken to.",
                  status->api.text[0] == '\0');
        add_plain(out, "api_requests_total", "counter", "Requests made of the API server.",
                  (int64_t)status->api.requests);
        add_plain(out, "source_lag", "gauge",
                  "1 while only one of volume and API has brought the Secret as it is now.",
                  status->source_lag);
}

static void add_endpoints(const struct status *status, struct buf *out)
{
        head(out, "endpoint_up", "gauge", "1 when the endpoint serves the published leaf and is trusted.");
        for (size_t i = 0; i < status->n_endpoints; i++) {
                buf_add_str(out, "certrotate_endpoint_up{");
                label(out, "url", status->endpoints[i].url);
                buf_printf(out, "} %d\n", status->endpoints[i].ok);
        }
}

static void add_findings(const struct findings *findings, struct buf *out)
{
        head(out, "findings", "gauge", "Findings of the last bundle judged, by code.");
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
        head(out, "build_info", "gauge", "Version of the agent.");
        buf_add_str(out, "certrotate_build_info{");
        label(out, "version", status->version);
        buf_add_str(out, "} 1\n");
        add_dates(status, out);
        add_rotations(status, out);
        add_times(status, out);
        add_plain(out, "scans_total", "counter", "Scans of the source completed.", (int64_t)status->scans);
        head(out, "last_scan_timestamp_seconds", "gauge", "Time of the last completed scan.");
        if (status->last_scan.ms > 0)
                buf_printf(out, "certrotate_last_scan_timestamp_seconds %lld\n",
                           (long long)(now.s - (mono.ms - status->last_scan.ms) / 1000));
        add_plan(status, out);
        add_api(status, out);
        add_plain(out, "prune_pending", "gauge",
                  "1 while dropped authorities are trusted until the database restarts.",
                  status->prune_pending);
        add_endpoints(status, out);
        add_findings(&status->findings, out);
}
