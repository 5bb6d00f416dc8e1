// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A watch over a client that answers what the test says: shared by the tests of agent/kube/watch.c. Pauses
 * are real and short. That none is left out is seen by the request that is not there at once.
 */
#include "kube/watch_state.h"

#include "base/mem.h"
#include "kube_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PODS "/api/v1/namespaces/demo/pods"

/* Streams are steady from the beginning, or never. */
extern const struct kube_watch_limits scene_steady;
extern const struct kube_watch_limits scene_flimsy;

struct scene {
        struct loop *loop;
        struct kube_client *client;
        struct kube_watch *watch;
        struct loop_timer *timer;
        struct buf told; /* "O a 5; G a 6; L 7; X;" */
        struct err err;  /* of the last LOST */
        int turns;
        int close_at; /* the event at which the callback closes it, counted down; 0: never */
        bool wants_live;
};

struct scene *scene_begin(const char *name, const struct kube_watch_limits *limits);
void scene_finish(struct scene *scene);
/* Runs the loop until there is a request under way, or until the watch is live. */
void scene_spin(struct scene *scene, bool wants_live);
/* The request under way; waits until there is one. */
struct kube_call *scene_call(struct scene *scene);
/* The same, and it must be a watch from that version. */
struct kube_call *scene_watch(struct scene *scene, const char *version);
/* Answers the list under way, objects as "a=1,b=2" (names and versions); more may be NULL. */
void scene_list(struct scene *scene, const char *version, const char *objects, const char *more);
/* Type "ADDED", object "a=5". */
void scene_frame(struct kube_call *call, const char *type, const char *object);
void scene_status(struct kube_call *call, int code);
/* What was told since the last time: "O demo/a 5; G demo/a 6; L 7; X;", "?" where there was no object. */
void scene_expect(struct scene *scene, const char *told);
void scene_expect_no_call(struct scene *scene);
