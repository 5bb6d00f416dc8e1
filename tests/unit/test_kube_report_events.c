// SPDX-License-Identifier: Apache-2.0
/*
 * Events over a client that stands in: whose uid is asked for, their order, series, and what becomes of them
 * when the server refuses or forgets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "reporter_scene.h"

/* Up to the first Event written. */
static struct kube_call *first_event(struct reporter_scene *scene)
{
        enter(scene);
        tell_event(scene, NULL, "a");
        answer_pod(scene_call(&scene->on, 1, "GET", POD), "u1");
        return scene_call(&scene->on, 2, "POST", EVENTS OWN);
}

static void in_their_order(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call = first_event(&scene);

        tell_event(&scene, NULL, "b");
        tell_event(&scene, NULL, "c");
        says(call, "\"note\":\"a\"");
        says(call,
             "\"regarding\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"namespace\":\"demo\",\"name\":\"px-0\","
             "\"uid\":\"u1\"}");
        kube_fake_answer(call, 503, NULL); /* nobody overtakes */
        call = scene_call(&scene.on, 3, "POST", EVENTS OWN);
        says(call, "\"note\":\"a\"");
        kube_fake_answer(call, 409, "{\"reason\":\"Conflict\"}"); /* of a quota */
        call = scene_call(&scene.on, 4, "POST", EVENTS OWN);
        says(call, "\"note\":\"a\"");
        kube_fake_answer(call, 409, "{\"reason\":\"AlreadyExists\"}"); /* the answer was lost */
        call = scene_call(&scene.on, 5, "POST", EVENTS OWN);
        says(call, "\"note\":\"b\"");
        kube_fake_answer(call, 422, "{\"message\":\"no\"}"); /* this one nobody will take */
        call = scene_call(&scene.on, 6, "POST", EVENTS OWN);
        says(call, "\"note\":\"c\"");
        kube_fake_answer(call, 201, "{}");
        is_over_after(&scene, 6);
        leave(&scene);
}

static void the_same_name_again(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call = first_event(&scene);
        AUTO(mem_free_p) char *body = mem_strdup(call->body);

        kube_fake_break(call, ERR_TIMEOUT);
        call = scene_call(&scene.on, 3, "POST", EVENTS OWN);
        assert_string_equal(call->body, body); /* or there might be two */
        kube_fake_answer(call, 201, "{}");
        is_over_after(&scene, 3);
        leave(&scene);
}

static void about_a_request(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call;

        enter(&scene);
        tell_event(&scene, &rotate, "a");
        answer_pod(scene_call(&scene.on, 1, "GET", POD), "u1");
        call = scene_call(&scene.on, 2, "POST", EVENTS OWN);
        says(call, "\"regarding\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\"");
        says(call, "\"related\":{\"apiVersion\":\"ops.kubedb.com/v1alpha1\",\"kind\":\"MariaDBOpsRequest\"");
        kube_fake_answer(call, 201, "{}");
        answer_request(scene_call(&scene.on, 3, "GET", REQUEST), "Progressing", "[]");
        call = scene_call(&scene.on, 4, "POST", EVENTS OWN);
        says(call,
             "\"related\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"namespace\":\"demo\",\"name\":\"px-0\","
             "\"uid\":\"u1\"}");
        says(call, "\"regarding\":{\"apiVersion\":\"ops.kubedb.com/v1alpha1\",\"kind\":\"MariaDBOpsRequest\","
                   "\"namespace\":\"demo\",\"name\":\"px-rotate\",\"uid\":\"request-uid\"}");
        kube_fake_answer(call, 201, "{}");
        is_over_after(&scene, 4);

        tell_event(&scene, &rotate, "b"); /* the request is gone by now */
        kube_fake_answer(scene_call(&scene.on, 5, "POST", EVENTS OWN), 201, "{}");
        kube_fake_answer(scene_call(&scene.on, 6, "GET", REQUEST), 404, NULL);
        is_over_after(&scene, 6);

        tell_event(&scene, &rotate, "c"); /* or may not be read: then without its uid */
        kube_fake_answer(scene_call(&scene.on, 7, "POST", EVENTS OWN), 201, "{}");
        kube_fake_answer(scene_call(&scene.on, 8, "GET", REQUEST), 403, NULL);
        call = scene_call(&scene.on, 9, "POST", EVENTS OWN);
        says(call, "\"name\":\"px-rotate\"}");
        kube_fake_answer(call, 201, "{}");
        is_over_after(&scene, 9);
        leave(&scene);
}

static void uid_from_the_annotation(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call;

        enter(&scene);
        kube_reporter_report(scene.reporter, "{}");
        answer_pod(scene_call(&scene.on, 1, "PATCH", POD OWN), "u7");
        tell_event(&scene, NULL, "a");
        call = scene_call(&scene.on, 2, "POST", EVENTS OWN); /* no need to ask */
        says(call, "\"uid\":\"u7\"");
        kube_fake_answer(call, 201, "{}");
        is_over_after(&scene, 2);
        leave(&scene);
}

/* px-0 is deleted, and made anew: what the old one was told has to be told again. */
static void another_pod_of_that_name(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call = first_event(&scene);

        kube_fake_answer(call, 201, "{}");
        kube_reporter_report(scene.reporter, "{\"a\":1}");
        answer_pod(scene_call(&scene.on, 3, "PATCH", POD OWN), "u1");
        is_over_after(&scene, 3);
        kube_reporter_nudge(scene.reporter);
        scene_run(&scene.on, QUIET_MS);
        call = scene_call(&scene.on, 4, "PATCH", POD OWN);
        answer_pod(call, "u2"); /* only the nudge was written: the new one has no report */
        call = scene_call(&scene.on, 5, "PATCH", POD OWN);
        says(call, "certrotate.io/report");
        tell_event(&scene, NULL, "a"); /* equal, but about another pod: no series */
        answer_pod(call, "u2");
        call = scene_call(&scene.on, 6, "POST", EVENTS OWN);
        says(call, "\"uid\":\"u2\"");
        kube_fake_answer(call, 201, "{}");
        is_over_after(&scene, 6);
        leave(&scene);
}

/* It was told who it is: its Events are its own, and a pod that took its name gets no report. */
static void one_pod_only(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call;

        enter_as(&scene, "u1");
        tell_event(&scene, NULL, "a");
        call = scene_call(&scene.on, 1, "POST", EVENTS OWN);
        says(call, "\"uid\":\"u1\"");
        kube_fake_answer(call, 201, "{}");
        kube_reporter_report(scene.reporter, "{}");
        call = scene_call(&scene.on, 2, "PATCH", POD OWN);
        says(call, "\"uid\":\"u1\"");
        kube_fake_answer(call, 422, "{}");
        is_over_after(&scene, 2);
        leave(&scene);
}

static void no_pod(void **state UNUSED)
{
        struct reporter_scene scene;

        enter(&scene);
        tell_event(&scene, NULL, "a");
        kube_fake_answer(scene_call(&scene.on, 1, "GET", POD), 404, NULL);
        waits_after(&scene, 1, ERR_MISSING);
        leave(&scene);

        enter(&scene);
        tell_event(&scene, NULL, "a");
        kube_fake_answer(scene_call(&scene.on, 1, "GET", POD), 403, NULL);
        waits_after(&scene, 1, ERR_PRIVILEGE);
        leave(&scene);

        enter(&scene);
        tell_event(&scene, NULL, "a");
        kube_fake_answer(scene_call(&scene.on, 1, "GET", POD), 200, "{\"metadata\":{}}");
        waits_after(&scene, 1, ERR_PROTOCOL);
        answer_pod(scene_call(&scene.on, 2, "GET", POD), "u1");
        kube_fake_answer(scene_call(&scene.on, 3, "POST", EVENTS OWN), 201, "{}");
        is_over_after(&scene, 3);
        leave(&scene);
}

static void series(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call = first_event(&scene);
        char path[KUBE_PATH_MAX];
        AUTO(json_free_p) cJSON *tree = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(json_parse(call->body, strlen(call->body), &tree, &err), 0);
        (void)snprintf(path, sizeof(path), EVENTS "/%s" OWN,
                       json_get_str(json_get(tree, "metadata"), "name"));
        kube_fake_answer(call, 201, "{}");
        tell_event(&scene, NULL, "a");
        tell_event(&scene, NULL, "a");
        call = scene_call(&scene.on, 3, "PATCH", path);
        assert_string_equal(call->type, KUBE_MERGE_PATCH);
        says(call, "{\"series\":{\"count\":3,");
        kube_fake_answer(call, 404, NULL); /* it is older than an hour */
        call = scene_call(&scene.on, 4, "POST", EVENTS OWN);
        says(call, "\"series\":{\"count\":3,");
        says_not(call, json_get_str(json_get(tree, "metadata"), "name"));
        kube_fake_answer(call, 201, "{}");
        is_over_after(&scene, 4);
        leave(&scene);
}

static void dropped_are_counted(void **state UNUSED)
{
        struct reporter_scene scene;
        struct kube_call *call;

        enter(&scene);
        for (int i = 0; i < 70; i++) {
                AUTO(mem_free_p) char *note = mem_printf("number %d", i);

                tell_event(&scene, NULL, note);
        }
        answer_pod(scene_call(&scene.on, 1, "GET", POD), "u1");
        call = scene_call(&scene.on, 2, "POST", EVENTS OWN);
        says(call, "number 6 (6 earlier events were dropped)");
        kube_fake_answer(call, 500, NULL);
        call = scene_call(&scene.on, 3, "POST", EVENTS OWN); /* still nobody knows */
        says(call, "number 6 (6 earlier events were dropped)");
        kube_fake_answer(call, 201, "{}");
        call = scene_call(&scene.on, 4, "POST", EVENTS OWN);
        says(call, "\"note\":\"number 7\"");
        leave(&scene);
}

/* What has waited longest is what is told of. */
static void oldest_trouble(void **state UNUSED)
{
        struct reporter_scene scene;

        enter(&scene);
        tell_event(&scene, NULL, "a");
        kube_fake_answer(scene_call(&scene.on, 1, "GET", POD), 403, NULL);
        scene_run(&scene.on, 20);
        kube_reporter_report(scene.reporter, "{}");
        kube_fake_answer(scene_call(&scene.on, 2, "PATCH", POD OWN), 401, NULL);
        waits_after(&scene, 2, ERR_PRIVILEGE);
        leave(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(in_their_order),
                cmocka_unit_test(the_same_name_again),
                cmocka_unit_test(about_a_request),
                cmocka_unit_test(uid_from_the_annotation),
                cmocka_unit_test(another_pod_of_that_name),
                cmocka_unit_test(one_pod_only),
                cmocka_unit_test(no_pod),
                cmocka_unit_test(series),
                cmocka_unit_test(dropped_are_counted),
                cmocka_unit_test(oldest_trouble),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
