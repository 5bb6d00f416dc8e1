// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A world over a client that answers what the test says. Which call is meant is told by the resource at the
 * end of its collection: "pods", "certificates".
 */
#include "control/world_state.h"

#include "base/mem.h"
#include "kube_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PX_REQUESTS "perconaxtradbopsrequests"
#define PX          "perconaxtradbs"

struct world_scene {
        struct loop *loop;
        struct kube_client *client;
        struct loop_timer *timer;
        struct world *world;
        struct buf changed;   /* "demo/px demo/py " */
        const char *resource; /* that is waited for */
        int turns;
};

/* namespace NULL: all. Nothing was answered. */
struct world_scene *world_scene_begin(const char *namespace);
void world_scene_finish(struct world_scene *scene);
/* The call under way for it, waited for. */
struct kube_call *world_scene_call(struct world_scene *scene, const char *resource);
/* Answers a list; items without brackets. */
void world_scene_list(struct world_scene *scene, const char *resource, const char *version,
                      const char *items);
/* All lists that are under way, empty, of version 1. */
void world_scene_list_rest(struct world_scene *scene);
void world_scene_status(struct world_scene *scene, const char *resource, int status);
/* A frame of the watch: type "ADDED". */
void world_scene_frame(struct world_scene *scene, const char *resource, const char *type, const char *object);
/* What was told since the last time. */
void world_scene_expect(struct world_scene *scene, const char *changed);
struct observed world_scene_observe(struct world_scene *scene, const char *key);
/* By mem_free: "demo" "px-0" "px" 5 …; more: members behind those, with a comma in front. */
char *world_scene_pod(const char *name, const char *database, int version, const char *report);
char *world_scene_request(const char *name, const char *database, int version, const char *phase);
char *world_scene_certificate(const char *name, const char *database, int version);
char *world_scene_database(const char *name, int version);
char *world_scene_record(const char *database, int version, const char *record);
char *world_scene_issuer(const char *namespace, const char *name, int version, const char *ready);
