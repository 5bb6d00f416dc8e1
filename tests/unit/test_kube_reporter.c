// SPDX-License-Identifier: Apache-2.0
/*
 * Reports over a client that stands in: annotations and conditions. What is written, what is kept, and what
 * is never written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reporter_scene.h"

static void annotation(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call;

        enter(&scene);
        kube_reporter_report(scene.reporter, "{\"a\":\"\xff\"}");
        assert_int_equal(kube_fake_n(scene.on.client), 0); /* from the loop: the next may be newer */
        kube_reporter_report(scene.reporter, "{\"a\":1}");
        assert_false(kube_reporter_is_idle(scene.reporter));
        call = scene_call(&scene.on, 1, "PATCH", POD OWN);
        assert_string_equal(call->type, KUBE_MERGE_PATCH);
        assert_string_equal(call->body,
                            "{\"metadata\":{\"annotations\":{\"certrotate.io/report\":\"{\\\"a\\\":1}\"}}}");
        kube_reporter_report(scene.reporter, "{\"a\":2}"); /* while the first is in flight */
        kube_reporter_report(scene.reporter, "{\"a\":3}");
        answer_pod(call, "u1");
        scene_run(&scene.on, 2 * QUIET_MS);
        assert_int_equal(kube_fake_n(scene.on.client), 1); /* one a second */
        call = scene_call(&scene.on, 2, "PATCH", POD OWN);
        says(call, "\\\"a\\\":3");
        answer_pod(call, "u1");
        kube_reporter_report(scene.reporter, "{\"a\":3}"); /* it is there */
        is_over_after(&scene, 2);
        kube_reporter_report(scene.reporter, "{\"a\":4}");
        kube_reporter_report(scene.reporter, "{\"a\":3}"); /* and back before it was written */
        scene_run(&scene.on, 1200);
        is_over_after(&scene, 2);
        leave(&scene);
}

static void annotation_that_may_have_arrived(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call;

        enter(&scene);
        kube_reporter_report(scene.reporter, "{\"a\":1}");
        answer_pod(scene_call(&scene.on, 1, "PATCH", POD OWN), "u1");
        kube_reporter_report(scene.reporter, "{\"a\":2}");
        call = scene_call(&scene.on, 2, "PATCH", POD OWN);
        kube_reporter_report(scene.reporter, "{\"a\":1}"); /* what the server had before */
        kube_fake_break(call, ERR_TIMEOUT);
        waits_after(&scene, 2, ERR_TIMEOUT);
        call = scene_call(&scene.on, 3, "PATCH", POD OWN);
        says(call, "\\\"a\\\":1");
        answer_pod(call, "u1");
        is_over_after(&scene, 3);
        leave(&scene);
}

static void annotation_in_trouble(void **state UNUSED)
{
        static const struct {
                int status;
                enum err_kind kind; /* ERR_NONE: not kept */
        } cases[] = {
                { 400, ERR_NONE },    { 401, ERR_AUTH },      { 403, ERR_PRIVILEGE }, { 404, ERR_MISSING },
                { 409, ERR_CHANGED }, { 413, ERR_NONE },      { 422, ERR_NONE },      { 429, ERR_NOT_READY },
                { 500, ERR_NETWORK }, { 503, ERR_NOT_READY },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct reporter_scene scene;

                enter(&scene);
                kube_reporter_report(scene.reporter, "{\"a\":1}");
                kube_fake_answer(scene_call(&scene.on, 1, "PATCH", POD OWN), cases[i].status,
                                 "{\"message\":\"the server says so\"}");
                if (cases[i].kind == ERR_NONE) {
                        is_over_after(&scene, 1);
                        kube_reporter_report(scene.reporter, "{\"a\":1}"); /* refused is refused */
                        is_over_after(&scene, 1);
                        kube_reporter_report(scene.reporter, "{\"a\":2}");
                        answer_pod(scene_call(&scene.on, 2, "PATCH", POD OWN), "u1");
                        is_over_after(&scene, 2);
                } else {
                        waits_after(&scene, 1, cases[i].kind);
                        if (cases[i].kind == ERR_AUTH || cases[i].kind == ERR_PRIVILEGE) {
                                scene_run(&scene.on, 1000); /* slowly: nobody grants rights in a second */
                                assert_int_equal(kube_fake_n(scene.on.client), 1);
                        }
                        if (cases[i].kind != ERR_CHANGED)
                                assert_non_null(strstr(kube_reporter_trouble(scene.reporter)->text,
                                                       "the server says so"));
                }
                leave(&scene);
        }
}

static void retry_after(void **state UNUSED)
{
        struct reporter_scene scene;

        enter(&scene);
        kube_reporter_report(scene.reporter, "{\"a\":1}");
        kube_fake_answer_later(scene_call(&scene.on, 1, "PATCH", POD OWN), 429, 1000);
        scene_run(&scene.on, 900);
        assert_int_equal(kube_fake_n(scene.on.client), 1);
        answer_pod(scene_call(&scene.on, 2, "PATCH", POD OWN), "u1");
        is_over_after(&scene, 2);
        leave(&scene);
}

static void nudges(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call;
        AUTO(mem_free_p) char *first = NULL;

        enter(&scene);
        kube_reporter_nudge(scene.reporter);
        kube_reporter_report(scene.reporter, "{\"a\":1}");
        kube_reporter_nudge(scene.reporter);
        call = scene_call(&scene.on, 1, "PATCH", POD OWN); /* all in one */
        says(call, "certrotate.io/report");
        says(call, "\"certrotate.io/nudge\":\"20");
        first = mem_strdup(call->body);
        kube_fake_answer(call, 409, NULL);
        call = scene_call(&scene.on, 2, "PATCH", POD OWN); /* not lost, and never the same text */
        says(call, "certrotate.io/nudge");
        assert_string_not_equal(call->body, first);
        answer_pod(call, "u1");
        is_over_after(&scene, 2);
        kube_reporter_nudge(scene.reporter);
        kube_reporter_report(scene.reporter, "{\"a\":2}");
        call = scene_call(&scene.on, 3, "PATCH", POD OWN); /* after a second, without a nudge */
        says_not(call, "certrotate.io/nudge");
        answer_pod(call, "u1");
        waits_after(&scene, 3, ERR_NONE); /* for ten seconds */
        leave(&scene);
}

static void conditions_go_in_one_write(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call;

        enter(&scene);
        tell_condition(&scene, "ReloadTLS--px-0", "old");
        tell_condition(&scene, "CheckServedCertificate--px-0", "served");
        tell_condition(&scene, "ReloadTLS--px-0", "reload tls; ConditionStatus:True; PodName:px-0");
        answer_request(scene_call(&scene.on, 1, "GET", REQUEST), "Progressing",
                       "[{\"type\":\"ReloadTLS--px-1\",\"status\":\"True\"}]");
        call = scene_call(&scene.on, 2, "PATCH", REQUEST "/status" OWN);
        assert_string_equal(call->type, KUBE_MERGE_PATCH);
        says(call,
             "{\"metadata\":{\"resourceVersion\":\"7\"},\"status\":{\"conditions\":[{\"type\":\"ReloadTLS--"
             "px-1\",\"status\":\"True\"},{\"type\":\"CheckServedCertificate--px-0\"");
        says(call, "{\"type\":\"ReloadTLS--px-0\",\"status\":\"True\",\"observedGeneration\":2,"
                   "\"lastTransitionTime\":\"2026-11-25T10:00:00Z\","
                   "\"message\":\"reload tls; ConditionStatus:True; PodName:px-0\"}");
        says_not(call, "\"reason\"");
        tell_condition(&scene, "ReloadTLS--px-0", "newer"); /* while that is in flight */
        kube_fake_answer(call, 200, "{}");
        answer_request(scene_call(&scene.on, 3, "GET", REQUEST), "Progressing", "[]");
        call = scene_call(&scene.on, 4, "PATCH", REQUEST "/status" OWN);
        says(call, "newer");
        says_not(call, "CheckServed");
        kube_fake_answer(call, 200, "{}");
        is_over_after(&scene, 4);
        leave(&scene);
}

static void wait_for_the_next(struct reporter_scene *scene, const char *type)
{
        kube_reporter_condition(scene->reporter, &rotate,
                                &(const struct kube_condition){ .type = type,
                                                                .is_true = true,
                                                                .message = "m",
                                                                .at = { 1795600800 },
                                                                .may_wait = true });
}

/* What may wait goes along with what may not, and by itself when nothing comes. */
static void some_conditions_wait(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call;

        enter(&scene);
        wait_for_the_next(&scene, "CheckCertificate--px-0");
        wait_for_the_next(&scene, "PublishCertificate--px-0");
        waits_after(&scene, 0, ERR_NONE);
        tell_condition(&scene, "CheckServedCertificate--px-0", "served");
        answer_request(scene_call(&scene.on, 1, "GET", REQUEST), "Progressing", "[]");
        call = scene_call(&scene.on, 2, "PATCH", REQUEST "/status" OWN);
        says(call, "CheckCertificate--px-0");
        says(call, "PublishCertificate--px-0");
        says(call, "CheckServedCertificate--px-0");
        kube_fake_answer(call, 200, "{}");
        is_over_after(&scene, 2);
        wait_for_the_next(&scene, "ReloadTLS--px-0");
        answer_request(scene_call(&scene.on, 3, "GET", REQUEST), "Progressing", "[]");
        call = scene_call(&scene.on, 4, "PATCH", REQUEST "/status" OWN);
        says(call, "ReloadTLS--px-0");
        kube_fake_answer(call, 200, "{}");
        is_over_after(&scene, 4);
        leave(&scene);
}

static void conflicts(void **state UNUSED)
{
        struct reporter_scene scene;

        enter(&scene);
        tell_condition(&scene, "ReloadTLS--px-0", "m");
        answer_request(scene_call(&scene.on, 1, "GET", REQUEST), "Progressing", "[]");
        kube_fake_answer(scene_call(&scene.on, 2, "PATCH", REQUEST "/status" OWN), 409, NULL);
        answer_request(scene_call(&scene.on, 3, "GET", REQUEST), "Progressing", "[]");
        kube_fake_answer(scene_call(&scene.on, 4, "PATCH", REQUEST "/status" OWN), 409, NULL);
        answer_request(scene_call(&scene.on, 5, "GET", REQUEST), "Progressing", "[]");
        kube_fake_answer(scene_call(&scene.on, 6, "PATCH", REQUEST "/status" OWN), 200, "{}");
        is_over_after(&scene, 6);
        leave(&scene);
}

static void nothing_to_write(void **state UNUSED)
{
        static const struct {
                int status;
                const char *body;
        } cases[] = {
                { 404, "" },
                { 200, "{\"metadata\":{\"resourceVersion\":\"7\"},\"status\":{\"phase\":\"Successful\"}}" },
                { 200, "{\"metadata\":{\"resourceVersion\":\"7\"},\"status\":{\"phase\":\"Failed\"}}" },
                { 200, "{\"metadata\":{\"resourceVersion\":\"7\"},\"status\":{\"phase\":\"Skipped\"}}" },
                { 200,
                  "{\"metadata\":{\"resourceVersion\":\"7\",\"generation\":2},\"status\":{\"conditions\":["
                  "{\"type\":\"T--px-0\",\"status\":\"True\",\"message\":\"m\",\"observedGeneration\":2}]}"
                  "}" },
                { 400, "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct reporter_scene scene;

                enter(&scene);
                tell_condition(&scene, "T--px-0", "m");
                kube_fake_answer(scene_call(&scene.on, 1, "GET", REQUEST), cases[i].status, cases[i].body);
                is_over_after(&scene, 1);
                leave(&scene);
        }
}

static void conditions_in_trouble(void **state UNUSED)
{
        static const struct {
                int status;
                const char *body;
                enum err_kind kind;
        } cases[] = {
                { 403, "", ERR_PRIVILEGE },
                { 500, "", ERR_NETWORK },
                { 200, "{\"metadata\":{\"reso", ERR_PARSE },
                { 200, "", ERR_PARSE },
                { 200, "[]", ERR_PROTOCOL },
                { 200, "{\"metadata\":{\"resourceVersion\":\"7\"},\"status\":{\"conditions\":{}}}",
                  ERR_PROTOCOL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct reporter_scene scene;

                enter(&scene);
                tell_condition(&scene, "T--px-0", "m");
                kube_fake_answer(scene_call(&scene.on, 1, "GET", REQUEST), cases[i].status, cases[i].body);
                waits_after(&scene, 1, cases[i].kind);
                leave(&scene);

                enter(&scene); /* and of the write */
                tell_condition(&scene, "T--px-0", "m");
                answer_request(scene_call(&scene.on, 1, "GET", REQUEST), "Progressing", "[]");
                if (cases[i].status != 200) {
                        kube_fake_answer(scene_call(&scene.on, 2, "PATCH", REQUEST "/status" OWN),
                                         cases[i].status, NULL);
                        waits_after(&scene, 2, cases[i].kind);
                }
                leave(&scene);
        }
}

/* A mistake of the caller, and it would be the last one to hear of it from the server. */
static void never_written(void **state UNUSED)
{
        static const struct kube_request_ref nowhere[] = { { "a/b", "x" },
                                                           { "Kind", "../secrets/x" },
                                                           { "", "x" } };
        static char longest[40000];
        struct reporter_scene scene;

        enter(&scene);
        memset(longest, 'x', sizeof(longest) - 1);
        kube_reporter_report(scene.reporter, longest);
        kube_reporter_report(scene.reporter, "{\"key\":\"-----BEGIN PRIVATE KEY-----\"}");
        tell_condition(&scene, "ReloadTLS--px-1", "of another pod");
        tell_condition(&scene, "", "m");
        tell_condition(&scene, "Reload TLS", "m");
        tell_condition(&scene, longest, "m");
        tell_condition(&scene, "T--px-0", "-----BEGIN EC PRIVATE KEY-----");
        tell_event(&scene, NULL, "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg");
        tell_event(&scene, NULL, NULL);
        for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
                tell_event(&scene, &nowhere[i], "m");
                kube_reporter_condition(scene.reporter, &nowhere[i],
                                        &(const struct kube_condition){ .type = "T--px-0" });
        }
        is_over_after(&scene, 0);
        leave(&scene);
}

/* More requests than anybody has at a time: the oldest is given up; and an end in the middle of it all. */
static void bounded(void **state UNUSED)
{
        struct reporter_scene scene;

        enter(&scene);
        for (int i = 0; i < 40; i++) {
                AUTO(mem_free_p) char *name = mem_printf("r%d", i);
                const struct kube_request_ref request = { "MariaDBOpsRequest", name };

                for (int k = 0; k < 40; k++) {
                        AUTO(mem_free_p) char *type = mem_printf("T%d--px-0", k);

                        kube_reporter_condition(scene.reporter, &request,
                                                &(const struct kube_condition){ .type = type });
                }
        }
        scene_run(&scene.on, QUIET_MS);
        assert_int_equal(kube_fake_n(scene.on.client), 16);
        leave(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(annotation),
                cmocka_unit_test(annotation_that_may_have_arrived),
                cmocka_unit_test(annotation_in_trouble),
                cmocka_unit_test(retry_after),
                cmocka_unit_test(nudges),
                cmocka_unit_test(conditions_go_in_one_write),
                cmocka_unit_test(some_conditions_wait),
                cmocka_unit_test(conflicts),
                cmocka_unit_test(nothing_to_write),
                cmocka_unit_test(conditions_in_trouble),
                cmocka_unit_test(never_written),
                cmocka_unit_test(bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
