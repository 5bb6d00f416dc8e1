// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A reporter of the pod px-0 over a client that stands in. Include after cmocka.h.
 */
#include "fake_scene.h"
#include "kube/reporter.h"

#include <stdio.h>
#include <string.h>

#define POD      "/api/v1/namespaces/demo/pods/px-0"
#define EVENTS   "/apis/events.k8s.io/v1/namespaces/demo/events"
#define REQUEST  "/apis/ops.kubedb.com/v1alpha1/namespaces/demo/mariadbopsrequests/px-rotate"
#define OWN      "?fieldManager=certrotate-agent"
#define QUIET_MS 120 /* in which nothing may happen */

struct reporter_scene {
        struct fake_scene on;
        struct kube_reporter *reporter;
};

static UNUSED const struct kube_request_ref rotate = { "MariaDBOpsRequest", "px-rotate" };

/* uid: NULL for any pod of that name */
static inline UNUSED void enter_as(struct reporter_scene *scene, const char *uid)
{
        const struct kube_reporter_spec spec = { "demo", "px-0", uid };

        scene_open(&scene->on);
        scene->reporter = kube_reporter_open(scene->on.client, &spec);
        assert_true(kube_reporter_is_idle(scene->reporter));
        assert_int_equal(kube_reporter_trouble(scene->reporter)->kind, ERR_NONE);
}

static inline UNUSED void enter(struct reporter_scene *scene)
{
        enter_as(scene, NULL);
}

static inline UNUSED void leave(struct reporter_scene *scene)
{
        kube_reporter_close(scene->reporter);
        scene_close(&scene->on);
}

/* So many calls were made, all are answered, nothing waits and nothing more comes. */
static inline UNUSED void is_over_after(struct reporter_scene *scene, size_t n)
{
        scene_run(&scene->on, QUIET_MS);
        assert_int_equal(kube_fake_n(scene->on.client), n);
        assert_true(kube_reporter_is_idle(scene->reporter));
        assert_int_equal(kube_reporter_trouble(scene->reporter)->kind, ERR_NONE);
}

/* Nothing more comes for now, and why is known. */
static inline UNUSED void waits_after(struct reporter_scene *scene, size_t n, enum err_kind kind)
{
        scene_run(&scene->on, QUIET_MS / 2);
        assert_int_equal(kube_fake_n(scene->on.client), n);
        assert_false(kube_reporter_is_idle(scene->reporter));
        assert_int_equal(kube_reporter_trouble(scene->reporter)->kind, kind);
}

static inline UNUSED void says(const struct kube_call *call, const char *text)
{
        if (call->body == NULL || strstr(call->body, text) == NULL)
                fail_msg("%s not in %s", text, call->body);
}

static inline UNUSED void says_not(const struct kube_call *call, const char *text)
{
        if (call->body != NULL && strstr(call->body, text) != NULL)
                fail_msg("%s in %s", text, call->body);
}

static inline UNUSED void answer_pod(struct kube_call *call, const char *uid)
{
        AUTO(mem_free_p) char *body = mem_printf("{\"metadata\":{\"name\":\"px-0\",\"uid\":\"%s\"}}", uid);

        kube_fake_answer(call, 200, body);
}

static inline UNUSED void answer_request(struct kube_call *call, const char *phase, const char *conditions)
{
        AUTO(mem_free_p)
        char *body = mem_printf("{\"metadata\":{\"name\":\"px-rotate\",\"uid\":\"request-uid\","
                                "\"resourceVersion\":\"7\",\"generation\":2},"
                                "\"status\":{\"phase\":\"%s\",\"conditions\":%s}}",
                                phase, conditions);

        kube_fake_answer(call, 200, body);
}

static inline UNUSED void tell_condition(struct reporter_scene *scene, const char *type, const char *message)
{
        kube_reporter_condition(
                scene->reporter, &rotate,
                &(const struct kube_condition){
                        .type = type, .is_true = true, .message = message, .at = { 1795600800 } });
}

static inline UNUSED void tell_event(struct reporter_scene *scene, const struct kube_request_ref *request,
                                     const char *note)
{
        kube_reporter_event(scene->reporter, request,
                            &(const struct kube_event){ .type = KUBE_EVENT_NORMAL,
                                                        .reason = "RotationSucceeded",
                                                        .action = "Rotate",
                                                        .note = note,
                                                        .at = { 1795600800 } });
}
