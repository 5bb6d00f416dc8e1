// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One contender over a client that stands in. Include after cmocka.h.
 */
#include "fake_scene.h"
#include "kube/lease.h"

#include <string.h>

#define LIST  "/apis/coordination.k8s.io/v1/namespaces/demo/leases"
#define ONE   LIST "/px-turn"
#define OWN   "?fieldManager=certrotate-agent"
#define QUIET 150 /* ms in which nothing may happen */
#define NEW_LEASE                                                                                            \
        "{\"metadata\":{\"resourceVersion\":\"7\",\"uid\":\"u7\"},\"spec\":{\"holderIdentity\":\"\","        \
        "\"leaseDurationSeconds\":1,\"leaseTransitions\":0}}"

struct lease_scene {
        struct fake_scene on;
        struct kube_lease *lease;
        char told[256];
        enum err_kind err;
        bool closes; /* in its next callback */
};

static UNUSED const struct kube_lease_spec spec = {
        .namespace = "demo", .name = "px-turn", .holder = "px-0", .duration_ms = 3000
};

/* Of those that hold it: a test that is stopped for a while by a busy machine shall not lose it. */
static UNUSED const struct kube_lease_spec holding = {
        .namespace = "demo", .name = "px-turn", .holder = "px-0", .duration_ms = 6000
};

static inline UNUSED void on_lease(const struct kube_lease_event *event, void *arg)
{
        static const char *const names[] = { "held", "lost", "waits" };
        struct lease_scene *scene = arg;
        const size_t len = strlen(scene->told);

        (void)snprintf(scene->told + len, sizeof(scene->told) - len, "%s%s%s%s%s ", names[event->kind],
                       event->holder == NULL ? "" : ":", event->holder == NULL ? "" : event->holder,
                       event->err == NULL ? "" : "!", event->err == NULL ? "" : err_reason(event->err->kind));
        scene->err = event->err == NULL ? ERR_NONE : event->err->kind;
        assert_true(event->kind != KUBE_LEASE_HELD || kube_lease_is_held(scene->lease));
        assert_true(event->kind == KUBE_LEASE_HELD || !kube_lease_is_held(scene->lease));
        if (scene->closes)
                kube_lease_close(TAKE(scene->lease));
}

static inline UNUSED void enter(struct lease_scene *scene, const struct kube_lease_spec *with)
{
        memset(scene, 0, sizeof(*scene));
        scene_open(&scene->on);
        scene->lease = kube_lease_open(scene->on.client, with, on_lease, scene);
}

static inline UNUSED void leave(struct lease_scene *scene)
{
        kube_lease_close(scene->lease);
        for (struct kube_call *call; (call = kube_fake_open(scene->on.client)) != NULL;)
                kube_fake_answer(call, 200, NULL);
        scene_close(&scene->on);
}

static inline UNUSED char *lease_of(const char *holder, int version)
{
        return mem_printf(
                "{\"metadata\":{\"name\":\"px-turn\",\"resourceVersion\":\"%d\",\"uid\":\"u1\"},"
                "\"spec\":{\"holderIdentity\":\"%s\",\"leaseDurationSeconds\":3,\"leaseTransitions\":1,"
                "\"renewTime\":\"%d\"}}",
                version, holder, version);
}

static inline UNUSED void answer(struct kube_call *call, const char *holder, int version)
{
        AUTO(mem_free_p) char *text = lease_of(holder, version);

        kube_fake_answer(call, 200, text);
}

/* The body of the call says so. */
static inline UNUSED void says(const struct kube_call *call, const char *text)
{
        if (call->body == NULL || strstr(call->body, text) == NULL)
                fail_msg("%s not in %s", text, call->body);
}

static inline UNUSED void hold(struct lease_scene *scene)
{
        enter(scene, &holding);
        kube_lease_want(scene->lease, true);
        answer(scene_call(&scene->on, 1, "GET", ONE), "", 0);
        answer(scene_call(&scene->on, 2, "PUT", ONE OWN), "px-0", 1);
        assert_string_equal(scene->told, "held ");
        assert_true(kube_lease_is_held(scene->lease));
}
