// SPDX-License-Identifier: Apache-2.0
/*
 * The record: what is written is read back as it was, whatever it was, and the plan that follows from it is
 * one that agents take.
 */
#include "control/record.h"

#include "base/mem.h"
#include "testca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static unsigned next_random(unsigned *seed)
{
        *seed = *seed * 1103515245U + 12345U;
        return *seed >> 16;
}

static bool one_in(unsigned *seed, unsigned n)
{
        return next_random(seed) % n == 0;
}

/* NULL at times. */
static char *random_text(unsigned *seed, const char *what)
{
        return one_in(seed, 4) ? NULL : mem_printf("%s %u\n\"\\\xc3\xa4\x01", what, next_random(seed));
}

static char *random_name(unsigned *seed, const char *what)
{
        return mem_printf("%s-%u.x", what, next_random(seed));
}

static void random_certificates(unsigned *seed, struct record_certificate *list, size_t *n)
{
        *n = next_random(seed) % (RECORD_CERTIFICATES_MAX + 1);
        for (size_t i = 0; i < *n; i++)
                list[i] = (struct record_certificate){
                        .name = random_name(seed, "cert"),
                        .uid = one_in(seed, 3) ? mem_strdup("") : random_name(seed, "uid"),
                        .revision = next_random(seed) % 5,
                        .asked = one_in(seed, 2),
                };
}

static void random_files(unsigned *seed, struct record *out)
{
        out->n_files = next_random(seed) % (RECORD_FILES_MAX + 1);
        for (size_t i = 0; i < out->n_files; i++)
                out->files[i] =
                        (struct record_files){ mem_printf("px-files-%zu", i), mem_strdup(HASH),
                                               i % 2 == 0 ? NULL : mem_strdup(""),
                                               (enum plan_restart)(next_random(seed) % PLAN_RESTARTS) };
}

static void random_request(unsigned *seed, struct record *out)
{
        out->request = random_name(seed, "request");
        out->kind = one_in(seed, 5) ? NULL : mem_strdup("PerconaXtraDBOpsRequest");
        out->uid = random_text(seed, "uid");
        out->step = (enum record_step)(next_random(seed) % RECORD_STEPS);
        out->since.s = one_in(seed, 4) ? 0 : (int64_t)next_random(seed) * 60000 + next_random(seed);
        out->failure = random_text(seed, "failure");
        out->reason = random_text(seed, "reason");
        out->is_tls = one_in(seed, 2);
        out->leaf = one_in(seed, 2) ? NULL : mem_strdup(HASH);
        out->leaf_before = one_in(seed, 2) ? NULL : mem_strdup(HASH);
        out->lost = random_text(seed, "px-1 ");
        out->paused = one_in(seed, 2);
        out->saved = one_in(seed, 2);
        out->issued = one_in(seed, 2);
        random_certificates(seed, out->certificates, &out->n_certificates);
        out->pods = next_random(seed) % 4;
        out->before = (enum tls_mode)(next_random(seed) % TLS_MODES);
        out->wanted = (enum tls_mode)(next_random(seed) % TLS_MODES);
        out->n_stages = next_random(seed) % (RECORD_STAGES_MAX + 1);
        for (size_t i = 0; i < out->n_stages; i++)
                out->stages[i] = (struct record_stage){ (enum plan_phase)(next_random(seed) % PLAN_PHASES),
                                                        (enum tls_mode)(next_random(seed) % TLS_MODES) };
        out->stage = next_random(seed) % (out->n_stages + 1);
        out->turn = one_in(seed, 2) ? NULL : random_name(seed, "px");
        out->turn_uid = random_text(seed, "uid");
        out->reload = one_in(seed, 2) ? NULL : random_name(seed, "px");
        out->authorities = random_text(seed, "authorities");
        out->trusts = random_text(seed, "trusts");
        random_files(seed, out);
        out->tries = (int)(next_random(seed) % 3);
}

static void random_record(unsigned *seed, struct record *out)
{
        record_init(out);
        out->mode = (enum tls_mode)(next_random(seed) % TLS_MODES);
        out->generation = one_in(seed, 4) ? INT64_C(999999999999999) : next_random(seed);
        random_certificates(seed, out->served, &out->n_served);
        out->trusted = one_in(seed, 3) ? mem_strdup("") : random_text(seed, "trusted");
        out->left = random_text(seed, "px-2 ");
        if (!one_in(seed, 4)) {
                random_request(seed, out);
        } else if (out->left != NULL) {
                out->turn = random_name(seed, "px");
                out->turn_uid = random_text(seed, "uid");
                random_files(seed, out);
        }
}

static void assert_same_text(const char *a, const char *b)
{
        assert_true((a == NULL) == (b == NULL));
        if (a != NULL)
                assert_string_equal(a, b);
}

static void assert_same_certificates(const struct record_certificate *a, const struct record_certificate *b,
                                     size_t n)
{
        for (size_t i = 0; i < n; i++) {
                assert_string_equal(a[i].name, b[i].name);
                assert_string_equal(a[i].uid, b[i].uid);
                assert_int_equal(a[i].revision, b[i].revision);
                assert_int_equal(a[i].asked, b[i].asked);
        }
}

static void assert_same_lists(const struct record *a, const struct record *b)
{
        assert_int_equal(a->n_certificates, b->n_certificates);
        assert_same_certificates(a->certificates, b->certificates, a->n_certificates);
        assert_int_equal(a->n_served, b->n_served);
        assert_same_certificates(a->served, b->served, a->n_served);
        assert_int_equal(a->n_stages, b->n_stages);
        for (size_t i = 0; i < a->n_stages; i++) {
                assert_int_equal(a->stages[i].phase, b->stages[i].phase);
                assert_int_equal(a->stages[i].mode, b->stages[i].mode);
        }
        assert_int_equal(a->n_files, b->n_files);
        for (size_t i = 0; i < a->n_files; i++) {
                assert_string_equal(a->files[i].secret, b->files[i].secret);
                assert_string_equal(a->files[i].hash, b->files[i].hash);
                assert_same_text(a->files[i].before, b->files[i].before);
                assert_int_equal(a->files[i].restart, b->files[i].restart);
        }
}

static void assert_same(const struct record *a, const struct record *b)
{
        assert_int_equal(a->mode, b->mode);
        assert_same_text(a->request, b->request);
        assert_int_equal(a->is_tls, b->is_tls);
        assert_same_text(a->leaf, b->leaf);
        assert_same_text(a->leaf_before, b->leaf_before);
        assert_same_text(a->lost, b->lost);
        assert_same_text(a->kind, b->kind);
        assert_same_text(a->uid, b->uid);
        assert_int_equal(a->step, b->step);
        assert_int_equal(a->since.s, b->since.s);
        assert_same_text(a->failure, b->failure);
        assert_same_text(a->reason, b->reason);
        assert_int_equal(a->paused, b->paused);
        assert_int_equal(a->saved, b->saved);
        assert_int_equal(a->issued, b->issued);
        assert_int_equal(a->pods, b->pods);
        assert_int_equal(a->before, b->before);
        assert_int_equal(a->wanted, b->wanted);
        assert_int_equal(a->stage, b->stage);
        assert_int_equal(a->generation, b->generation);
        assert_same_text(a->turn, b->turn);
        assert_same_text(a->turn_uid, b->turn_uid);
        assert_same_text(a->reload, b->reload);
        assert_same_text(a->authorities, b->authorities);
        assert_same_text(a->trusts, b->trusts);
        assert_same_text(a->trusted, b->trusted);
        assert_same_text(a->left, b->left);
        assert_int_equal(a->tries, b->tries);
        assert_same_lists(a, b);
}

static int parse(const char *text, struct record *out, struct err *err)
{
        return record_parse(text, strlen(text), out, err);
}

static char *text_of(const struct record *record)
{
        AUTO(json_free_p) cJSON *tree = record_to_json(record);

        return json_print(tree, false);
}

static void read_back_as_it_was(void **state UNUSED)
{
        unsigned seed = 7;

        for (int i = 0; i < 3000; i++) {
                AUTO(record_done_p) struct record given;
                AUTO(record_done_p) struct record back;
                AUTO(record_done_p) struct record copy;
                AUTO(mem_free_p) char *text = NULL;
                struct err err = ERR_INIT;

                record_init(&back);
                random_record(&seed, &given);
                record_copy(&copy, &given);
                text = text_of(&given);
                if (parse(text, &back, &err) != 0)
                        fail_msg("%s: %s", err.text, text);
                assert_same(&given, &back);
                assert_same(&given, &copy);
        }
}

static void what_stays_when_a_request_is_over(void **state UNUSED)
{
        unsigned seed = 11;

        for (int i = 0; i < 200; i++) {
                AUTO(record_done_p) struct record record;
                AUTO(record_done_p) struct record before;
                AUTO(record_done_p) struct record rest;

                random_record(&seed, &record);
                record_copy(&before, &record);
                record_init(&rest);
                record_clear(&record);
                rest.mode = before.mode;
                rest.generation = before.generation;
                rest.n_served = before.n_served;
                memcpy(rest.served, before.served, sizeof(rest.served));
                rest.trusted = before.trusted;
                rest.left = before.left;
                rest.n_files = before.left == NULL ? 0 : before.n_files;
                memcpy(rest.files, before.files, sizeof(rest.files));
                assert_same(&rest, &record);
                record_init(&rest); /* they are before's */
        }
}

static void refused(void **state UNUSED)
{
        static const struct {
                const char *text, *names;
        } cases[] = {
                { "", "not JSON" },
                { "[]", "object" },
                { "{\"mode\":\"onn\"}", "mode" },
                { "{\"mode\":1}", "mode" },
                { "{\"generation\":\"3\"}", "generation" },
                { "{\"generation\":1.5}", "generation" },
                { "{\"generation\":-1}", "generation" },
                { "{\"generation\":1000000000000000}", "generation" },
                { "{\"served\":{}}", "served" },
                { "{\"served\":[3]}", "served" },
                { "{\"served\":[{}]}", "served: 'name' is missing" },
                { "{\"served\":[{\"name\":\"../secrets\"}]}", "served: 'name'" },
                { "{\"served\":[{\"name\":\"a\",\"asked\":1}]}", "served: 'asked'" },
                { "{\"trusted\":1}", "trusted" },
                { "{\"left\":[]}", "left" },
                { "{\"left\":\"a \",\"turn\":\"A\"}", "turn" },
                { "{\"left\":\"a \",\"files\":[{}]}", "files: 'secret' is missing" },
                { "{\"request\":[]}", "request" },
                { "{\"request\":{\"step\":\"walk\"}}", "request: 'name' is missing" },
                { "{\"request\":{\"name\":\"a/b\",\"step\":\"walk\"}}", "request: 'name'" },
                { "{\"request\":{\"name\":\"a\"}}", "request: 'step'" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"fly\"}}", "request: 'step'" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"walk\",\"kind\":\"a b\"}}", "request: 'kind'" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"walk\",\"since\":\"now\"}}", "request: 'since'" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"walk\",\"paused\":\"yes\"}}",
                  "request: 'paused'" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"walk\",\"turn\":\"A\"}}", "request: 'turn'" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"walk\",\"stage\":1}}", "request: 'stage'" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"walk\",\"stages\":[{\"phase\":\"x\"}]}}",
                  "request: stages: 'phase'" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"walk\",\"stages\":[{},{},{},{},{}]}}",
                  "request: 'stages'" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"walk\",\"files\":[{\"secret\":\"a\",\"hash\":"
                  "\"b\"}]}}",
                  "request: files: '" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"walk\",\"files\":[{\"secret\":\"a\",\"restart\":"
                  "\"no\"}]}}",
                  "request: files: 'restart'" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"walk\",\"files\":[{\"secret\":\"a/"
                  "b\",\"hash\":\"" HASH "\"}]}}",
                  "request: files: '" },
                { "{\"request\":{\"name\":\"a\",\"step\":\"walk\",\"tries\":3000000000}}",
                  "request: 'tries'" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(record_done_p) struct record record;
                struct err err = ERR_INIT;

                record_init(&record);
                record.generation = 99;
                if (parse(cases[i].text, &record, &err) == 0 || strstr(err.text, cases[i].names) == NULL)
                        fail_msg("%s: '%s'", cases[i].text, err.text);
                assert_int_equal(record.generation, 99);
        }
}

static void bounded(void **state UNUSED)
{
        AUTO(mem_free_p) char *text = mem_new(RECORD_MAX_BYTES + 2);
        AUTO(record_done_p) struct record record;
        struct err err = ERR_INIT;

        record_init(&record);
        memset(text, ' ', RECORD_MAX_BYTES + 1);
        memcpy(text, "{}", 2);
        assert_int_equal(record_parse(text, RECORD_MAX_BYTES, &record, &err), 0);
        assert_int_equal(record_parse(text, RECORD_MAX_BYTES + 1, &record, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        (void)snprintf(text, RECORD_MAX_BYTES, "{\"trusted\":\"%*s\"}", (int)RECORD_TRUSTED_MAX, "");
        assert_int_equal(parse(text, &record, &err), 0);
        (void)snprintf(text, RECORD_MAX_BYTES, "{\"trusted\":\"%*s\"}", (int)RECORD_TRUSTED_MAX + 1, "");
        assert_int_equal(parse(text, &record, &err), -1);
        assert_non_null(strstr(err.text, "trusted"));
}

static void of_a_newer_controller(void **state UNUSED)
{
        AUTO(record_done_p) struct record record;
        struct err err = ERR_INIT;

        record_init(&record);
        assert_int_equal(parse("{\"mode\":null,\"more\":[1],\"request\":{\"name\":\"a\",\"step\":\"hold\","
                               "\"turn\":null,\"more\":{}}}",
                               &record, &err),
                         0);
        assert_int_equal(record.step, RECORD_HOLD);
}

static char *plan_text(const struct record *record)
{
        AUTO(json_free_p) cJSON *tree = record_plan(record);

        return json_print(tree, false);
}

/* Agents take it, whatever the record: all but the authorities, which are random here. */
static void agents_take_the_plan(void **state UNUSED)
{
        AUTO(testca_free_p) struct testca *root = testca_root("old");
        unsigned seed = 3;

        for (int i = 0; i < 300; i++) {
                AUTO(record_done_p) struct record record;
                AUTO(plan_done_p) struct plan plan;
                AUTO(mem_free_p) char *text = NULL;
                struct err err = ERR_INIT;

                plan_init(&plan);
                random_record(&seed, &record);
                mem_free(record.authorities);
                record.authorities =
                        record.request != NULL && one_in(&seed, 2) ? testca_cert_pem(root) : NULL;
                text = plan_text(&record);
                if (plan_parse(text, strlen(text), record.turn == NULL ? "px-0" : record.turn, &plan, &err) !=
                    0)
                        fail_msg("%s: %s", err.text, text);
                assert_int_equal(plan.generation, record.generation);
                assert_int_equal(plan.turn, record.turn != NULL);
                assert_int_equal(plan.authorities.n, record.authorities != NULL ? 1 : 0);
                assert_string_equal(plan.request, record.request == NULL ? "" : record.request);
                assert_true((strstr(text, HASH) != NULL) == (record.n_files > 0));
                for (size_t k = 0; k < record.n_files; k++)
                        assert_int_equal(plan_find_restart(&plan, record.files[k].secret),
                                         record.files[k].restart);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(read_back_as_it_was),
                cmocka_unit_test(what_stays_when_a_request_is_over),
                cmocka_unit_test(refused),
                cmocka_unit_test(bounded),
                cmocka_unit_test(of_a_newer_controller),
                cmocka_unit_test(agents_take_the_plan),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
