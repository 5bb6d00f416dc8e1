// SPDX-License-Identifier: Apache-2.0
/*
 * agent/serve/pod_report: its golden text, its bound, what changes it and what does not, and how it is read.
 * UPDATE_GOLDEN=1 writes the golden file anew.
 */
#include "serve/pod_report.h"

#include "base/fs.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "testgolden.h"

#define NOW ((struct wall){ 1795341600 }) /* 2026-11-22T10:00:00Z */
#define DAY INT64_C(86400)

static void set(char *field, size_t size, const char *text)
{
        (void)snprintf(field, size, "%s", text);
}
#define SET(field, text) set((field), sizeof(field), (text))

static void make_status(struct status *status)
{
        status_init(status);
        SET(status->version, "9.9.9");
        SET(status->instance, "px-0");
        SET(status->database, "perconaxtradb");
        SET(status->alias, "server");
        SET(status->source_dir, "/source");
        SET(status->tls, "required");
        SET(status->step, "verify");
        SET(status->source_via, "api");
        status->source_lag = true;
        for (enum status_stage stage = STAGE_SOURCE; stage < STAGES; stage++) {
                status->stages[stage] = (struct status_leaf){ .known = stage != STAGE_SERVED,
                                                              .not_before = { NOW.s - 10 * DAY },
                                                              .not_after = { NOW.s + 80 * DAY },
                                                              .subject = "CN=secret.example" };
                memset(status->stages[stage].fp.sha256, 0xa0 + (int)stage, FINGERPRINT_BYTES);
        }
        status->plan = (struct status_plan){ .given = true, .generation = 3, .phase = "trust", .turn = true };
        SET(status->plan.request, "px-rotate");
        SET(status->plan.failed, "its settings are no option file");
        status->files.used = true;
        SET(status->files.secret, "px-certrotate-files");
        status->files.pending = true;
        memset(status->files.published.sha256, 0xcd, FINGERPRINT_BYTES);
        status->files.reason = ERR_NOT_READY;
        SET(status->files.text, "the configuration waits for this instance's turn");
        status->error_kind = ERR_MISMATCH;
        SET(status->error_text, "mysql://127.0.0.1: serves another\ncertificate");
        status->error_at = NOW;
        SET(status->engine_version, "8.0.36-28.1");
        SET(status->engine_role, "primary");
        status->engine_members = 3;
        status->last_result = RESULT_ROLLED_BACK;
        status->last_rotation = (struct wall){ NOW.s - 3600 };
}

static char *written(const struct status *status)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(POD_REPORT_MAX_BYTES);

        pod_report_write(status, &out);
        assert_false(out.overflow);
        return buf_take(&out);
}

static void as_written(void **state UNUSED)
{
        struct status status;
        AUTO(mem_free_p) char *text = NULL;
        AUTO(mem_free_p) char *pretty = NULL;
        AUTO(json_free_p) cJSON *tree = NULL;
        struct err err;

        make_status(&status);
        text = written(&status);
        assert_null(strchr(text, '\n'));
        assert_null(strstr(text, "secret.example"));
        assert_int_equal(json_parse(text, strlen(text), &tree, &err), 0);
        pretty = json_print(tree, true);
        testgolden_compare("pod-report.json", pretty);
}

static void more_scans(struct status *s)
{
        s->scans++;
        s->rotations[RESULT_SUCCESS]++;
        s->last_scan.ms += 1000;
        s->step_since.s++;
        s->error_at.s++;
        s->step_deadline.ms = 7;
        s->generation++;
}
static void set_load(struct status *s)
{
        SET(s->step, "load");
}
static void set_report(struct status *s)
{
        SET(s->step, "report");
}
static void set_apply(struct status *s)
{
        SET(s->step, "apply");
}
static void set_waiting(struct status *s)
{
        SET(s->step, "waiting");
}
static void set_served(struct status *s)
{
        s->stages[STAGE_SERVED].known = true;
}
static void set_held(struct status *s)
{
        s->plan.held = true;
}
static void set_other_error(struct status *s)
{
        s->error_text[0] = 'M';
}
static void set_far_text(struct status *s)
{
        memset(s->error_text, 'x', sizeof(s->error_text) - 1);
}
static void set_farther_text(struct status *s)
{
        set_far_text(s);
        s->error_text[300] = 'y';
}
static void set_role(struct status *s)
{
        SET(s->engine_role, "replica");
}
static void set_no_lag(struct status *s)
{
        s->source_lag = false;
}

/* What is written must be worth a write. */
static void changes_with_what_it_tells(void **state UNUSED)
{
        static const struct {
                const char *start; /* step */
                void (*before)(struct status *status);
                void (*after)(struct status *status);
                bool changes;
        } cases[] = {
                { "verify", NULL, more_scans, false },
                { "idle", NULL, set_load, false },
                { "idle", NULL, set_report, false },
                { "idle", NULL, set_apply, true },
                { "idle", NULL, set_waiting, true },
                { "verify", NULL, set_served, true },
                { "verify", NULL, set_held, true },
                { "verify", NULL, set_other_error, true },
                { "verify", set_far_text, set_farther_text, false }, /* behind the cut */
                { "verify", NULL, set_role, true },
                { "verify", NULL, set_no_lag, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct status status;
                AUTO(mem_free_p) char *before = NULL;
                AUTO(mem_free_p) char *after = NULL;

                make_status(&status);
                SET(status.step, cases[i].start);
                if (cases[i].before != NULL)
                        cases[i].before(&status);
                before = written(&status);
                cases[i].after(&status);
                after = written(&status);
                if ((strcmp(before, after) != 0) != cases[i].changes)
                        fail_msg("case %zu:\n%s\n%s", i, before, after);
        }
}

static void fill(char *field, size_t size, char c)
{
        memset(field, c, size - 1);
        field[size - 1] = '\0';
}
#define FILL(field, c) fill((field), sizeof(field), (c))

/* Texts that JSON makes longer, and such that are none. */
static void never_too_long(void **state UNUSED)
{
        static const char fillings[] = { '"', '\\', '\n', '\x01', '\x7f', '\xff', '\xc3' };

        for (size_t i = 0; i < ARRAY_LEN(fillings); i++) {
                struct status status;
                struct pod_report report;
                AUTO(mem_free_p) char *text = NULL;
                struct err err = ERR_INIT;

                make_status(&status);
                status.stages[STAGE_SERVED].known = true;
                FILL(status.version, fillings[i]);
                FILL(status.instance, fillings[i]);
                FILL(status.database, fillings[i]);
                FILL(status.alias, fillings[i]);
                FILL(status.tls, fillings[i]);
                FILL(status.plan.request, fillings[i]);
                FILL(status.plan.phase, fillings[i]);
                FILL(status.plan.text, fillings[i]);
                FILL(status.plan.failed, fillings[i]);
                FILL(status.step, fillings[i]);
                FILL(status.error_text, fillings[i]);
                FILL(status.files.secret, fillings[i]);
                FILL(status.files.text, fillings[i]);
                FILL(status.engine_version, fillings[i]);
                FILL(status.engine_role, fillings[i]);
                FILL(status.source_via, fillings[i]);
                text = written(&status);
                if (pod_report_parse(text, strlen(text), &report, &err))
                        fail_msg("%s: %s", err.text, text);
        }
}

static void cut_at_a_character(void **state UNUSED)
{
        struct status status;
        struct pod_report report;
        AUTO(mem_free_p) char *text = NULL;
        struct err err;

        make_status(&status);
        status.error_text[0] = '\0';
        for (size_t i = 0; i < 100; i++)
                memcpy(status.error_text + 3 * i, "\xe2\x82\xac", 4); /* a euro sign */
        text = written(&status);
        assert_int_equal(pod_report_parse(text, strlen(text), &report, &err), 0);
        assert_int_equal(strlen(report.message), 255);
        assert_string_equal(report.message + 252, "\xe2\x82\xac");
}

static void comes_back_as_it_was(void **state UNUSED)
{
        struct status status;
        struct pod_report report;
        AUTO(mem_free_p) char *text = NULL;
        struct err err;

        make_status(&status);
        text = written(&status);
        assert_int_equal(pod_report_parse(text, strlen(text), &report, &err), 0);
        assert_string_equal(report.agent, "9.9.9");
        assert_string_equal(report.instance, "px-0");
        assert_string_equal(report.database, "perconaxtradb");
        assert_string_equal(report.tls, "required");
        assert_int_equal(report.n_bundles, 1);
        assert_string_equal(report.bundles[0].alias, "server");
        assert_false(report.bundles[0].stages[STAGE_SERVED].known);
        assert_true(hex_fingerprint_equal(&report.bundles[0].stages[STAGE_PUBLISHED].fp,
                                          &status.stages[STAGE_PUBLISHED].fp));
        assert_int_equal(report.bundles[0].stages[STAGE_SOURCE].not_before.s, NOW.s - 10 * DAY);
        assert_int_equal(report.bundles[0].stages[STAGE_SOURCE].not_after.s, NOW.s + 80 * DAY);
        assert_true(report.plan.given && report.plan.turn && !report.plan.held && !report.plan.done);
        assert_string_equal(report.plan.request, "px-rotate");
        assert_string_equal(report.plan.phase, "trust");
        assert_int_equal(report.plan.generation, 3);
        assert_string_equal(report.plan.failed, "its settings are no option file");
        assert_true(report.files.given && report.files.pending);
        assert_string_equal(report.files.secret, "px-certrotate-files");
        assert_true(hex_fingerprint_equal(&report.files.published, &status.files.published));
        assert_string_equal(report.files.error, status.files.text);
        assert_string_equal(report.step, "verify");
        assert_string_equal(report.reason, err_reason(ERR_MISMATCH));
        assert_string_equal(report.message, "mysql://127.0.0.1: serves another certificate");
        assert_string_equal(report.engine.role, "primary");
        assert_int_equal(report.engine.members, 3);
        assert_string_equal(report.result, "rolledBack");
        assert_int_equal(report.at.s, NOW.s - 3600);
        assert_string_equal(report.via, "api");
        assert_true(report.lag);
}

/* Who looks at the report alone learns why the configuration is not taken; but first that of the certificate.
 */
static void one_error_of_two(void **state UNUSED)
{
        static const struct {
                enum err_kind certificate, files;
                const char *says;
        } cases[] = {
                { ERR_MISMATCH, ERR_NOT_READY, "of the certificate" },
                { ERR_NONE, ERR_NOT_READY, "of the files" },
                { ERR_MISSING, ERR_REFUSED, "of the files" },
                { ERR_MISSING, ERR_NONE, "of the certificate" },
                { ERR_NONE, ERR_NONE, "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct status status;
                struct pod_report report;
                AUTO(mem_free_p) char *text = NULL;
                struct err err;

                make_status(&status);
                status.error_kind = cases[i].certificate;
                status.files.reason = cases[i].files;
                SET(status.error_text, "of the certificate");
                SET(status.files.text, "of the files");
                text = written(&status);
                assert_int_equal(pod_report_parse(text, strlen(text), &report, &err), 0);
                assert_string_equal(report.message, cases[i].says);
        }
}

static void read_strictly(void **state UNUSED)
{
        static const struct {
                const char *text;
                const char *want; /* NULL: it is taken */
        } cases[] = {
                { "{}", NULL },
                { "{\"plan\":null,\"error\":null,\"bundles\":null,\"step\":null}", NULL },
                { "{\"later\":[{}],\"engine\":{\"more\":1}}", NULL },
                { "", "" },
                { "[]", "no JSON object" },
                { "{\"step\":\"idle\"", "" },
                { "{\"step\":\"idle\"} {}", "" },
                { "{\"step\":\"a\",\"step\":\"b\"}", "" },
                { "{\"step\":1}", "'step' is no text" },
                { "{\"degraded\":\"no\"}", "'degraded' is no true or false" },
                { "{\"bundles\":{}}", "'bundles' is no list" },
                { "{\"bundles\":[1]}", "'bundles' is no list of objects" },
                { "{\"bundles\":[{\"served\":{\"fingerprint\":\"ab\"}}]}", "'fingerprint' is no SHA-256" },
                { "{\"bundles\":[{\"served\":{}}]}", "'fingerprint' is no SHA-256" },
                { "{\"bundles\":[{\"served\":\"x\"}]}", "'served' is no object" },
                { "{\"plan\":[]}", "'plan' is no object" },
                { "{\"plan\":{\"generation\":-1}}", "'generation' is no number" },
                { "{\"plan\":{\"generation\":\"3\"}}", "'generation' is no number" },
                { "{\"files\":[]}", "'files' is no object" },
                { "{\"files\":{\"published\":\"ab\"}}", "'published' is no SHA-256" },
                { "{\"files\":{\"pending\":1}}", "'pending' is no true or false" },
                { "{\"error\":{\"message\":{}}}", "'message' is no text" },
                { "{\"lastRotation\":{\"at\":\"yesterday\"}}", "'at' is no time" },
                { "{\"lastRotation\":{\"at\":\"2026-11-22T10:00:00Z and then some more of it\"}}",
                  "'at' is no time" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct pod_report report = { .lag = true };
                struct err err = ERR_INIT;
                const int result = pod_report_parse(cases[i].text, strlen(cases[i].text), &report, &err);

                if ((result == 0) != (cases[i].want == NULL))
                        fail_msg("%s: %d %s", cases[i].text, result, err.text);
                if (result == 0)
                        continue;
                assert_true(report.lag); /* untouched */
                if (err.kind != ERR_PARSE || strstr(err.text, cases[i].want) == NULL)
                        fail_msg("%s: %s", cases[i].text, err.text);
        }
}

static void read_with_bounds(void **state UNUSED)
{
        AUTO(mem_free_p) char *large = mem_printf("{\"step\":\"%*s\"}", (int)POD_REPORT_READ_MAX, "x");
        AUTO(buf_done_p) struct buf many = BUF_INIT(POD_REPORT_READ_MAX);
        struct pod_report report;
        struct err err = ERR_INIT;

        assert_int_equal(pod_report_parse(large, strlen(large), &report, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        buf_add_str(&many, "{\"step\":\"");
        for (size_t i = 0; i < 50; i++)
                buf_add_str(&many, "s");
        buf_add_str(&many, "\",\"bundles\":[{}");
        for (size_t i = 0; i < 50; i++)
                buf_printf(&many, ",{\"alias\":\"%zu\"}", i);
        buf_add_str(&many, "]}");
        assert_int_equal(pod_report_parse(buf_str(&many), many.len, &report, &err), 0);
        assert_int_equal(report.n_bundles, POD_REPORT_BUNDLES_MAX);
        assert_string_equal(report.bundles[7].alias, "6");
        assert_int_equal(strlen(report.step), sizeof(report.step) - 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(as_written),           cmocka_unit_test(changes_with_what_it_tells),
                cmocka_unit_test(never_too_long),       cmocka_unit_test(cut_at_a_character),
                cmocka_unit_test(comes_back_as_it_was), cmocka_unit_test(one_error_of_two),
                cmocka_unit_test(read_strictly),        cmocka_unit_test(read_with_bounds),
        };

        return cmocka_run_group_tests_name("pod_report", tests, NULL, NULL);
}
