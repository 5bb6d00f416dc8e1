// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A loop and a client that stands in, for tests of what talks to the API server. Include after cmocka.h.
 */
#include "kube_fake.h"

#include "base/mem.h"

#define SCENE_DEADLINE_MS INT64_C(20000)

struct fake_scene {
        struct loop *loop;
        struct kube_client *client;
        struct loop_timer *tick;
        struct mono until;
        size_t calls;
        bool (*seen)(void *arg);
        void *arg;
};

static void scene_tick(void *arg)
{
        struct fake_scene *scene = arg;

        if (kube_fake_n(scene->client) >= scene->calls || (scene->seen != NULL && scene->seen(scene->arg)) ||
            clock_mono().ms >= scene->until.ms)
                loop_stop(scene->loop);
        else
                loop_timer_set(scene->tick, 1);
}

static inline UNUSED void scene_open(struct fake_scene *scene)
{
        *scene = (struct fake_scene){ .loop = loop_new() };
        scene->client = kube_fake_new(scene->loop);
        scene->tick = loop_timer_new(scene->loop, scene_tick, scene);
}

static inline UNUSED void scene_close(struct fake_scene *scene)
{
        loop_timer_free(scene->tick);
        kube_fake_free(scene->client);
        loop_free(scene->loop);
}

static inline UNUSED void scene_run(struct fake_scene *scene, int64_t ms)
{
        scene->until = clock_after(clock_mono(), ms);
        scene->calls = SIZE_MAX;
        scene->seen = NULL;
        loop_timer_set(scene->tick, 0);
        loop_run(scene->loop);
}

/* Until that many calls were made in all; the last one. */
static inline UNUSED struct kube_call *scene_call(struct fake_scene *scene, size_t n, const char *method,
                                                  const char *path)
{
        struct kube_call *call;

        scene->until = clock_after(clock_mono(), SCENE_DEADLINE_MS);
        scene->calls = n;
        scene->seen = NULL;
        loop_timer_set(scene->tick, 0);
        loop_run(scene->loop);
        assert_int_equal(kube_fake_n(scene->client), n);
        call = kube_fake_at(scene->client, n - 1);
        assert_string_equal(call->method, method);
        assert_string_equal(call->path, path);
        return call;
}

static inline UNUSED void scene_until(struct fake_scene *scene, bool (*seen)(void *arg), void *arg)
{
        scene->until = clock_after(clock_mono(), SCENE_DEADLINE_MS);
        scene->calls = SIZE_MAX;
        scene->seen = seen;
        scene->arg = arg;
        loop_timer_set(scene->tick, 0);
        loop_run(scene->loop);
        assert_true(seen(arg));
}
