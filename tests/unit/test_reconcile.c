// SPDX-License-Identifier: Apache-2.0
/*
 * Requests of every sort, with every sort of trouble, and a controller that dies between any two actions:
 * each ends, nothing stays paused, and a database whose request failed is as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control_scene.h"
#include "testgolden.h"

#include <stdio.h>
#include <string.h>

#define SEEDS 60

static const enum request_tls operations[] = { REQUEST_CHANGE, REQUEST_ROTATE, REQUEST_REMOVE };

/* All that KubeDB tells of a request that went well. */
static void check_told(const struct scene *scene)
{
        static const struct {
                const char *type;
                bool removes, rotates, changes;
        } types[] = {
                { "ReconfigureTLS", true, true, true },
                { "DatabasePauseSucceeded", true, true, true },
                { "IssueCertificatesSucceeded", false, true, false },
                { "GetCertificate", false, true, true },
                { "CheckReadyCondition", false, true, true },
                { "IssuingCondition", false, true, true },
                { "CertificateSynced", false, true, true },
                { "UpdatePetSets", true, true, true },
                { "RestartNodes", true, true, true },
                { "Successful", true, true, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(types); i++) {
                char word[64];
                enum request_tls tls = scene->request.tls;
                bool due = tls == REQUEST_REMOVE   ? types[i].removes
                           : tls == REQUEST_ROTATE ? types[i].rotates
                                                   : types[i].changes;

                (void)snprintf(word, sizeof(word), " %s ", types[i].type);
                assert_int_equal(strstr(buf_str(&scene->told), word) != NULL, due);
        }
}

static void check_end(const struct scene *scene, const struct scene *before)
{
        bool never_back = scene->trouble == SCENE_NEVER_BACK;
        bool is_switched = scene->pods[0].mode != before->pods[0].mode;
        bool went_well = scene->phase == REQUEST_SUCCESSFUL;

        assert_false(scene->paused);
        assert_false(scene->saved);
        if (went_well)
                check_told(scene);
        for (int i = 0; i < SCENE_PODS; i++) {
                const struct scene_pod *pod = &scene->pods[i];
                const struct scene_pod *was = &before->pods[i];

                if ((never_back && pod->gone) || pod->away > 0)
                        continue;
                assert_false(pod->busy);
                if (went_well) {
                        assert_int_equal(pod->leaf, scene->request.tls == REQUEST_REMOVE ? 0 : scene->leaf);
                } else {
                        assert_int_equal(pod->leaf, was->leaf);
                        assert_int_equal(pod->mode, was->mode);
                }
        }
        if (scene->trouble != SCENE_STUCK && scene->trouble != SCENE_LOST)
                assert_int_equal(scene->evictions, 0);
        else if (went_well) /* one for each switch of the mode, on the one pod that cannot */
                assert_true(is_switched ? scene->evictions == 2 : scene->evictions == 0);
        if (!went_well) {
                assert_int_equal(scene->leaf, before->leaf);
                assert_int_equal(scene->certificates, before->certificates);
        }
        for (int i = 0; i < 2; i++)
                assert_true(scene->issues[i] <= 1 + scene->tries);
        if (went_well && scene->request.tls == REQUEST_ROTATE && scene->tries == 0) {
                assert_int_equal(scene->revision[0], before->revision[0] + 1);
                assert_int_equal(scene->revision[1], before->revision[1] + 1);
        }
}

static void play_all(enum scene_trouble trouble, bool deadly, const char *says)
{
        for (unsigned seed = 1; seed <= SEEDS; seed++) {
                struct scene scene;
                struct scene before;
                char what[640];

                scene_open(&scene, seed, operations[seed % 3], trouble);
                before = scene;
                if (deadly)
                        scene.request.max_retries = (int)(seed % 3);
                scene_play(&scene, deadly);
                (void)snprintf(what, sizeof(what), "trouble %d, seed %u: %s", trouble, seed, scene.last_text);
                print_message("%s\n", what);
                check_end(&scene, &before);
                if (trouble == SCENE_FINE || trouble == SCENE_WAS_DENIED)
                        assert_int_equal(scene.phase, REQUEST_SUCCESSFUL);
                if (trouble == SCENE_DENIED || trouble == SCENE_DENIED_READY)
                        assert_int_equal(scene.phase, scene.request.tls == REQUEST_REMOVE ? REQUEST_SUCCESSFUL
                                                                                          : REQUEST_FAILED);
                if (scene.phase == REQUEST_FAILED && says != NULL)
                        assert_non_null(strstr(scene.last_text, says));
                scene_done(&scene);
        }
}

static void test_goes_well(void **state)
{
        (void)state;
        play_all(SCENE_FINE, false, "");
}

static void test_killed_anywhere(void **state)
{
        (void)state;
        for (int trouble = SCENE_FINE; trouble < SCENE_TROUBLES; trouble++)
                play_all((enum scene_trouble)trouble, true, NULL);
}

static void test_ends_with_its_cause(void **state)
{
        static const char *const says[SCENE_TROUBLES] = {
                [SCENE_REFUSES] = "pod px-1: it was refused",
                [SCENE_WILL_REFUSE] = "pod px-1: it was refused",
                [SCENE_NEVER_BACK] = "Timeout: pod px-1",
                [SCENE_NO_AGENT] = "Timeout: pod px-1 has no report of an agent",
                [SCENE_DENIED] = "Certificate px-client-cert was not issued: denied",
                [SCENE_DENIED_READY] = "Certificate px-client-cert was not issued: denied",
                [SCENE_NEVER_ISSUED] = "Timeout: Certificate px-client-cert was not issued",
                [SCENE_NO_ISSUER] = "Timeout: Issuer new does not exist in namespace demo",
                [SCENE_FAULT] = "the server says no",
                [SCENE_FORBIDDEN] = "Timeout: it is forbidden",
                [SCENE_REFUSES_EVER] = "pod px-1: it was refused",
                [SCENE_STUCK] = "never said",
                [SCENE_BUDGET] = "Timeout: PodDisruptionBudget does not allow it",
                [SCENE_LOST] = "Timeout: pod px-1 has gone in its turn",
                [SCENE_NEEDS_OTHERS] = "pod px-1: it was refused",
        };

        (void)state;
        for (int trouble = SCENE_REFUSES; trouble < SCENE_TROUBLES; trouble++)
                play_all((enum scene_trouble)trouble, false, says[trouble]);
}

/* How often each was tried, and that each try began where the one before had begun. */
static void test_tried_again(void **state)
{
        static const struct {
                enum scene_trouble trouble;
                int max_retries, tries;
                enum request_phase phase;
        } cases[] = {
                { SCENE_REFUSES_ONCE, 0, 0, REQUEST_FAILED },
                { SCENE_REFUSES_ONCE, 1, 1, REQUEST_SUCCESSFUL },
                { SCENE_REFUSES_ONCE, 9, 1, REQUEST_SUCCESSFUL },
                { SCENE_REFUSES, 3, 3, REQUEST_FAILED },
                { SCENE_NEVER_ISSUED, 2, 2, REQUEST_FAILED },
                { SCENE_NO_AGENT, 1, 1, REQUEST_FAILED },
                /* What will not pass, or could not be taken back. */
                { SCENE_REFUSES_EVER, 3, 0, REQUEST_FAILED },
                { SCENE_DENIED, 3, 0, REQUEST_FAILED },
                { SCENE_FAULT, 3, 0, REQUEST_FAILED },
                { SCENE_NEVER_BACK, 3, 0, REQUEST_FAILED },
                { SCENE_DELETED_LATER, 3, 1, REQUEST_PROGRESSING },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct scene scene, before;

                bool is_denied = cases[i].trouble == SCENE_DENIED; /* seed 1 of a rotation meets that */

                scene_open(&scene, is_denied ? 1 : 3, is_denied ? REQUEST_ROTATE : REQUEST_CHANGE,
                           cases[i].trouble);
                scene.request.max_retries = cases[i].max_retries;
                before = scene;
                scene_play(&scene, false);
                print_message("case %zu: %s\n", i, scene.last_text);
                assert_int_equal(scene.tries, cases[i].tries);
                assert_int_equal(scene.phase, cases[i].phase);
                check_end(&scene, &before);
                scene_done(&scene);
        }
}

/* A pod that did not come back comes at last, with what it took in its turn: it gets another, and nobody
 * else. */
static void play_left(unsigned seed, bool deadly)
{
        struct scene scene;
        struct scene_pod *pod = &scene.pods[1];

        scene_open(&scene, seed, operations[seed % 3], SCENE_NEVER_BACK);
        scene_play(&scene, deadly);
        if (scene.phase != REQUEST_FAILED || !pod->gone) {
                assert_null(scene.record.left);
                scene_done(&scene);
                return;
        }
        assert_string_equal(scene.record.left, "px-1 ");
        scene.trouble = SCENE_FINE;
        pod->gone = false;
        pod->leaf = 99;
        pod->mode = scene.record.mode == TLS_OFF ? TLS_ON : scene.record.mode;
        scene.new_authority = false; /* 99 is of none */
        for (int i = 0; i < 500 && scene.record.left != NULL; i++) {
                scene_reconcile(&scene, deadly);
                assert_true(scene.record.turn == NULL || strcmp(scene.record.turn, "px-1") == 0);
                assert_null(scene.record.request);
                scene_turn(&scene);
        }
        assert_null(scene.record.left);
        assert_null(scene.record.turn);
        assert_int_equal(pod->leaf, scene.record.mode == TLS_OFF ? 0 : scene.leaf);
        assert_int_equal(pod->mode, scene.record.mode);
        scene_done(&scene);
}

static void test_left_behind(void **state)
{
        (void)state;
        for (unsigned seed = 1; seed <= SEEDS; seed++) {
                play_left(seed, false);
                play_left(seed, true);
        }
}

/* The whole way of each, with two of the troubles: what is done in which order changes by intent only. */
static void test_golden(void **state)
{
        static const struct {
                const char *name;
                unsigned seed;
                enum request_tls operation;
                enum scene_trouble trouble;
        } cases[] = {
                { "reconcile_add.txt", 2, REQUEST_CHANGE, SCENE_FINE },
                { "reconcile_issuer.txt", 3, REQUEST_CHANGE, SCENE_FINE },
                { "reconcile_rotate.txt", 1, REQUEST_ROTATE, SCENE_FINE },
                { "reconcile_remove.txt", 1, REQUEST_REMOVE, SCENE_FINE },
                { "reconcile_issuer_refused.txt", 3, REQUEST_CHANGE, SCENE_REFUSES },
                { "reconcile_will_refuse.txt", 1, REQUEST_ROTATE, SCENE_WILL_REFUSE },
                { "reconcile_rotate_denied.txt", 1, REQUEST_ROTATE, SCENE_DENIED },
                { "reconcile_rotate_retried.txt", 1, REQUEST_ROTATE, SCENE_REFUSES_ONCE },
                { "reconcile_remove_evicted.txt", 1, REQUEST_REMOVE, SCENE_STUCK },
                { "reconcile_add_needs_others.txt", 6, REQUEST_CHANGE, SCENE_NEEDS_OTHERS },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf text = BUF_INIT(256 << 10);
                struct scene scene;

                scene_open(&scene, cases[i].seed, cases[i].operation, cases[i].trouble);
                scene.log = &text;
                scene_play(&scene, false);
                testgolden_compare(cases[i].name, buf_str(&text));
                scene_done(&scene);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_goes_well),       cmocka_unit_test(test_ends_with_its_cause),
                cmocka_unit_test(test_killed_anywhere), cmocka_unit_test(test_tried_again),
                cmocka_unit_test(test_left_behind),     cmocka_unit_test(test_golden),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
