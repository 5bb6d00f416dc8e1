// SPDX-License-Identifier: Apache-2.0
/*
 * agent/serve: golden texts of metrics and status, the table of health, the pages. UPDATE_GOLDEN=1 writes
 * the golden files anew.
 */
#include "serve/status.h"

#include "base/fs.h"
#include "base/mem.h"
#include "loop/http_server.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "testgolden.h"

#define NOW  ((struct wall){ 1795341600 }) /* 2026-11-22T10:00:00Z */
#define MONO ((struct mono){ 500000 })
#define DAY  INT64_C(86400)

static struct status_leaf leaf(uint8_t id, int64_t from_days, int64_t to_days)
{
        struct status_leaf out = { .known = true,
                                   .not_before = { NOW.s + from_days * DAY },
                                   .not_after = { NOW.s + to_days * DAY },
                                   .subject = "CN=db.example" };

        memset(out.fp.sha256, id, sizeof(out.fp.sha256));
        return out;
}

static struct status_endpoint endpoints[] = {
        { .url = "mysql://127.0.0.1:3306", .ok = true, .tls_version = "TLSv1.3" },
        { .url = "tls://db\\one\n\"two\":1\xff", .ok = false, .text = "connection refused" },
};

static void make_status(struct status *status)
{
        status_init(status);
        (void)snprintf(status->version, sizeof(status->version), "9.9.9");
        (void)snprintf(status->instance, sizeof(status->instance), "db-0");
        (void)snprintf(status->database, sizeof(status->database), "mariadb");
        (void)snprintf(status->alias, sizeof(status->alias), "server");
        (void)snprintf(status->source_dir, sizeof(status->source_dir), "/source");
        (void)snprintf(status->publish_dir, sizeof(status->publish_dir), "/publish");
        status->started = (struct wall){ NOW.s - 400 };
        status->stages[STAGE_SOURCE] = leaf(0xab, -10, 80);
        status->stages[STAGE_PUBLISHED] = leaf(0xab, -10, 80);
        status->stages[STAGE_SERVED] = leaf(0xab, -10, 80);
        status->generation = 7;
        status->files = (struct status_files){ .used = true,
                                               .secret = "px-certrotate-files",
                                               .publish_dir = "/custom",
                                               .generation = 3,
                                               .reason = ERR_REFUSED,
                                               .text = "a.cnf: line 1: no section",
                                               .changes = { [RESULT_SUCCESS] = 2, [RESULT_REFUSED] = 1 } };
        memset(status->files.published.sha256, 0xcd, FINGERPRINT_BYTES);
        status->rotations[RESULT_SUCCESS] = 6;
        status->rotations[RESULT_REFUSED] = 2;
        status->rotations[RESULT_ROLLED_BACK] = 1;
        status->rollbacks = 1;
        status->scans = 42;
        status->last_success = (struct wall){ NOW.s - 60 };
        status->last_scan = (struct mono){ MONO.ms - 12000 };
        status->scan_bound_ms = 150000;
        status->first_publish_done = true;
        status->n_steps = 2;
        (void)snprintf(status->step_names[0], sizeof(status->step_names[0]), "load");
        (void)snprintf(status->step_names[1], sizeof(status->step_names[1]), "apply");
        histogram_add(&status->step_times[0], 999);
        histogram_add(&status->step_times[0], 1000);
        histogram_add(&status->step_times[0], 1001);
        histogram_add(&status->step_times[1], 31000000);
        histogram_add(&status->step_times[1], -5);
        histogram_add(&status->detection, 2500);
        status->endpoints = endpoints;
        status->n_endpoints = ARRAY_LEN(endpoints);
        endpoints[0].fp = status->stages[STAGE_SERVED].fp;
        (void)snprintf(status->engine_version, sizeof(status->engine_version), "10.11.6-MariaDB");
        (void)snprintf(status->engine_role, sizeof(status->engine_role), "standalone");
}

static void metrics_as_written(void **state UNUSED)
{
        struct status status;
        struct finding items[] = { { FINDING_CHAIN_ORDER, SEVERITY_WARN, (char[]){ "x" } },
                                   { FINDING_CHAIN_ORDER, SEVERITY_WARN, (char[]){ "y" } },
                                   { FINDING_EXPIRED, SEVERITY_REFUSE, (char[]){ "z" } } };
        AUTO(buf_done_p) struct buf out = BUF_INIT((size_t)1 << 20);

        make_status(&status);
        status.findings = (struct findings){ items, ARRAY_LEN(items) };
        metrics_render(&status, NOW, MONO, &out);
        testgolden_compare("metrics.txt", buf_str(&out));
}

/* Every sample belongs to the TYPE line before it, and every family comes once. */
static void metrics_keep_the_format(void **state UNUSED)
{
        struct status status;
        AUTO(buf_done_p) struct buf out = BUF_INIT((size_t)1 << 20);
        AUTO(buf_done_p) struct buf seen = BUF_INIT((size_t)1 << 16);
        AUTO(mem_free_p) char *text = NULL;
        char family[128] = "";
        char *rest = NULL;

        status_init(&status); /* nothing known: still whole */
        metrics_render(&status, NOW, MONO, &out);
        assert_null(strstr(buf_str(&out), "stage=\"served\"")); /* and no series for it */
        assert_null(strstr(buf_str(&out), "last_rotation_success_timestamp_seconds 0"));
        make_status(&status);
        metrics_render(&status, NOW, MONO, &out);
        text = buf_take(&out);
        *strrchr(text, '\n') = '\0';
        for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
                if (strncmp(line, "# HELP ", 7) == 0)
                        continue;
                if (strncmp(line, "# TYPE ", 7) == 0) {
                        char type[16];

                        assert_int_equal(sscanf(line, "# TYPE %127s %15s", family, type), 2);
                        assert_true(strcmp(type, "gauge") == 0 || strcmp(type, "counter") == 0 ||
                                    strcmp(type, "histogram") == 0);
                        buf_printf(&seen, "%s\n", family);
                        continue;
                }
                if (strncmp(line, family, strlen(family)) != 0)
                        fail_msg("'%s' stands under %s", line, family);
                assert_non_null(strrchr(line, ' '));
                assert_true(strspn(strrchr(line, ' ') + 1, "-0123456789.") == strlen(strrchr(line, ' ') + 1));
        }
        assert_false(seen.overflow);
}

static void status_as_written(void **state UNUSED)
{
        struct status status;
        AUTO(mem_free_p) char *text = NULL;
        AUTO(json_free_p) cJSON *tree = NULL;
        AUTO(json_free_p) cJSON *again = NULL;
        struct err err;

        make_status(&status);
        status.n_endpoints = 1;
        status.stages[STAGE_SOURCE].known = false;
        status.error_kind = ERR_REFUSED;
        status.error_at = NOW;
        (void)snprintf(status.error_text, sizeof(status.error_text), "key does not belong to the leaf");
        tree = status_to_json(&status, NOW, MONO);
        text = json_print(tree, true);
        testgolden_compare("status.json", text);
        status_init(&status); /* all unknown: still valid JSON */
        mem_free(TAKE(text));
        json_free(TAKE(tree));
        tree = status_to_json(&status, NOW, MONO);
        text = json_print(tree, false);
        assert_int_equal(json_parse(text, strlen(text), &again, &err), 0);
}

static void set_nothing(struct status *s UNUSED)
{
}
static void set_old_scan(struct status *s)
{
        s->last_scan.ms = MONO.ms - 150001;
}
static void set_scan_at_bound(struct status *s)
{
        s->last_scan.ms = MONO.ms - 150000;
}
static void set_never_scanned(struct status *s)
{
        s->last_scan.ms = 0;
        s->started.s = NOW.s - 100;
}
static void set_never_scanned_long(struct status *s)
{
        s->last_scan.ms = 0;
}
static void set_late_step(struct status *s)
{
        (void)snprintf(s->step, sizeof(s->step), "apply");
        s->step_deadline.ms = MONO.ms - 1;
}
static void set_unpublished(struct status *s)
{
        s->stages[STAGE_PUBLISHED].known = false;
        s->first_publish_done = false;
}
static void set_unserved(struct status *s)
{
        s->stages[STAGE_SERVED].known = false;
}
static void set_different(struct status *s)
{
        s->stages[STAGE_SERVED] = leaf(0xcd, -10, 80);
}
static void set_unserved_held(struct status *s)
{
        set_unserved(s);
        s->plan.held = true;
}
static void set_different_held(struct status *s)
{
        set_different(s);
        s->plan.held = true;
}
static void set_different_reloading(struct status *s)
{
        set_different(s);
        (void)snprintf(s->step, sizeof(s->step), "apply");
}
static void set_different_waiting(struct status *s)
{
        set_different(s);
        (void)snprintf(s->step, sizeof(s->step), "waiting");
}
static void set_unserved_reloading(struct status *s)
{
        set_unserved(s);
        (void)snprintf(s->step, sizeof(s->step), "verify");
}
static void set_expired_held(struct status *s)
{
        s->stages[STAGE_SERVED] = leaf(0xcd, -90, 0);
        s->plan.held = true;
}
static void set_still_served(struct status *s)
{
        (void)snprintf(s->tls, sizeof(s->tls), "off");
}
static void set_still_served_held(struct status *s)
{
        set_still_served(s);
        s->plan.held = true;
}
static void set_expired(struct status *s)
{
        s->stages[STAGE_SERVED] = leaf(0xab, -90, 0);
}
static void set_future(struct status *s)
{
        s->stages[STAGE_SERVED] = leaf(0xab, 1, 90);
}
static void set_ending(struct status *s)
{
        s->stages[STAGE_SERVED] = leaf(0xab, -76, 14);
}
static void set_not_ending(struct status *s)
{
        s->stages[STAGE_SERVED] = leaf(0xab, -75, 15); /* a sixth exactly */
}
static void set_degraded(struct status *s)
{
        s->degraded = true;
        (void)snprintf(s->error_text, sizeof(s->error_text), "reload refused");
}

static void probes_turn_red_for_their_reasons(void **state UNUSED)
{
        static const struct {
                void (*change)(struct status *status);
                const char *live;
                const char *ready; /* "" fine, "~": fine with a warning */
                const char *startup;
        } cases[] = {
                { set_nothing, "", "", "" },
                { set_scan_at_bound, "", "", "" },
                { set_old_scan, "no scan of the source was completed for 150 s", "", "" },
                { set_never_scanned, "", "", "" },
                { set_never_scanned_long, "no scan of the source was completed for 400 s", "", "" },
                { set_late_step, "step 'apply' should have ended", "", "" },
                { set_unpublished, "", "nothing is published yet", "the first bundle is not published yet" },
                { set_unserved, "", "the database was not seen serving", "" },
                { set_different, "", "the database serves cdcdcdcdcdcdcdcd, published is abababababababab",
                  "" },
                { set_unserved_held, "", "~", "" },
                { set_different_held, "", "~", "" },
                { set_different_reloading, "", "~", "" },
                { set_different_waiting, "", "the database serves cdcdcdcdcdcdcdcd", "" },
                { set_unserved_reloading, "", "the database was not seen serving", "" },
                { set_expired_held, "", "the served certificate expired", "" },
                { set_still_served, "", "the database still speaks TLS", "" },
                { set_still_served_held, "", "~", "" },
                { set_expired, "", "the served certificate expired at 2026-11-22T10:00:00Z", "" },
                { set_future, "", "the served certificate is not valid before 2026-11-23", "" },
                { set_ending, "", "~", "" },
                { set_not_ending, "", "", "" },
                { set_degraded, "", "degraded, a rollback failed: reload refused", "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const char *const want[] = { cases[i].live, cases[i].ready, cases[i].startup };
                struct status status;

                make_status(&status);
                cases[i].change(&status);
                for (enum health_probe probe = HEALTH_LIVE; probe <= HEALTH_STARTUP; probe++) {
                        const bool warns = strcmp(want[probe], "~") == 0;
                        const char *reason_want = warns ? "" : want[probe];
                        AUTO(json_free_p) cJSON *tree = health_to_json(&status, probe, NOW, MONO);
                        char reason[256];

                        assert_int_equal(health_check(&status, probe, NOW, MONO, reason),
                                         reason_want[0] == '\0');
                        if (strncmp(reason, reason_want, strlen(reason_want)) != 0)
                                fail_msg("case %zu: '%s', not '%s'", i, reason, reason_want);
                        assert_string_equal(json_get_str(tree, "status"), warns                    ? "warn"
                                                                          : reason_want[0] != '\0' ? "fail"
                                                                                                   : "ok");
                }
        }
}

static void pages_answer_by_path(void **state UNUSED)
{
        static const struct {
                const char *path;
                const char *query;
                int status;
                const char *start;
        } cases[] = {
                { "/livez", "", 200, "ok\n" },
                { "/healthz", "", 200, "ok\n" },
                { "/readyz", "", 503, "the served certificate expired" },
                { "/readyz", "verbose", 503, "{" },
                { "/readyz", "a=b&verbose=1", 503, "{" },
                { "/readyz", "&&", 503, "the" },
                { "/readyz", "verboses", 503, "the" },
                { "/startupz", "verbose", 200, "{" },
                { "/metrics", "", 200, "# HELP certrotate_build_info" },
                { "/status", "", 200, "{" },
                { "/", "", 404, "there are: /livez" },
                { "/livez/", "", 404, "there are" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct status status;
                struct http_reply reply = { 200, "text/plain", BUF_INIT((size_t)1 << 20) };

                make_status(&status);
                status.stages[STAGE_SERVED].not_after.s = 1000;
                status.last_scan = clock_mono();
                pages_answer(&status, cases[i].path, cases[i].query, &reply);
                if (reply.status != cases[i].status ||
                    strncmp(buf_str(&reply.body), cases[i].start, strlen(cases[i].start)) != 0)
                        fail_msg("%s?%s: %d %s", cases[i].path, cases[i].query, reply.status,
                                 buf_str(&reply.body));
                buf_done(&reply.body);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(metrics_as_written),   cmocka_unit_test(metrics_keep_the_format),
                cmocka_unit_test(status_as_written),    cmocka_unit_test(probes_turn_red_for_their_reasons),
                cmocka_unit_test(pages_answer_by_path),
        };

        return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
