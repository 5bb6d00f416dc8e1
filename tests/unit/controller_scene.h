// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A controller over stand-ins (tests/lib/control_fake.h) that is told that it holds the Lease, and what there
 * is.
 */
#include "control/controller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "control_fake.h"
#include "kube_fake.h"

#define PATIENCE_MS INT64_C(30000)

struct scene {
        struct loop *loop;
        struct kube_client *client;
        struct control_fake *fake;
        struct controller *controller;
        struct loop_timer *stop;
};

static UNUSED void on_stop(void *arg)
{
        loop_stop(arg);
}

/* The loop turns for a moment. */
static UNUSED void turn(struct scene *scene, int64_t ms)
{
        loop_timer_set(scene->stop, ms);
        loop_run(scene->loop);
}

#define UNTIL(scene, what)                                                                                   \
        do {                                                                                                 \
                const struct mono until_ = clock_after(clock_mono(), PATIENCE_MS);                           \
                while (!(what)) {                                                                            \
                        if (clock_mono().ms > until_.ms)                                                     \
                                fail_msg("never: %s", #what);                                                \
                        turn((scene), 2);                                                                    \
                }                                                                                            \
        } while (0)

static UNUSED int setup(void **state)
{
        struct scene *scene = MEM_NEW(struct scene);
        const struct controller_settings settings = {
                .lease = { .namespace = "demo", .name = "lease", .holder = "one", .duration_ms = 15000 },
                .workers = 2,
        };
        struct err err = ERR_INIT;

        scene->loop = loop_new();
        scene->client = kube_fake_new(scene->loop);
        scene->stop = loop_timer_new(scene->loop, on_stop, scene->loop);
        scene->fake = control_fake_new();
        if (controller_open(scene->client, &settings, &scene->controller, &err) != 0)
                fail_msg("%s", err.text);
        *state = scene;
        return 0;
}

static UNUSED int teardown(void **state)
{
        struct scene *scene = *state;

        controller_close(scene->controller);
        assert_false(scene->fake->is_open);
        assert_int_equal(control_fake_running(scene->fake), 0);
        loop_timer_free(scene->stop);
        kube_fake_free(scene->client);
        loop_free(scene->loop);
        mem_free(scene);
        return 0;
}

static UNUSED struct control_fake_database *lead(struct scene *scene, const char *list)
{
        struct control_fake_database *database = control_fake_add(scene->fake, "demo/px");

        database->list = list;
        scene->fake->is_whole = true;
        control_fake_lease(scene->fake, KUBE_LEASE_HELD, NULL, NULL);
        return database;
}

static UNUSED struct act *begun(struct scene *scene)
{
        UNTIL(scene, control_fake_act(scene->fake, "demo/px") != NULL);
        return control_fake_act(scene->fake, "demo/px");
}
