// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A list of actions for the database px in the namespace demo over a client that stands in, and the calls
 * that it is to make with what they are answered. Include after cmocka.h.
 */
#include "fake_scene.h"

#include "control/act.h"

#include <stdio.h>
#include <string.h>

#define CORE     "/api/v1/namespaces/demo/"
#define OPS      "/apis/ops.kubedb.com/v1alpha1/namespaces/demo/perconaxtradbopsrequests"
#define DATABASE "/apis/kubedb.com/v1/namespaces/demo/perconaxtradbs/px"
#define CM       "/apis/cert-manager.io/v1/namespaces/demo/certificates"
#define EVENTS   "/apis/events.k8s.io/v1/namespaces/demo/events"
#define BY       "?fieldManager=certrotate-controller"
#define LABELED  "?labelSelector=app.kubernetes.io%2Finstance%3Dpx&limit="
#define OUR_LABELS                                                                                           \
        "\"labels\":{\"app.kubernetes.io/managed-by\":\"certrotate\",\"app.kubernetes.io/instance\":\"px\"," \
        "\"app.kubernetes.io/component\":\"database\"}"
#define OUR_OWNER                                                                                            \
        "\"ownerReferences\":[{\"apiVersion\":\"kubedb.com/v1\",\"kind\":\"PerconaXtraDB\",\"name\":\"px\"," \
        "\"uid\":\"database-uid\"}]"
#define NOW_TEXT       "2026-11-25T10:00:00Z"
#define EXCHANGES      24
#define CUT            0 /* no answer */
#define DELETE_ALL     "{\"propagationPolicy\":\"Background\"}"
#define DELETE_OF(uid) "{\"propagationPolicy\":\"Background\",\"preconditions\":{\"uid\":\"" uid "\"}}"

/* What the world is told of: the real one is left out, as it is not linked in when this is there. */
struct world {
        int records, certificates, requests;
};

struct exchange {
        const char *call;   /* "GET /api/v1/…" */
        const char *body;   /* JSON, whatever the order of members; NULL: not looked at; "": none */
        int status;         /* of the answer; CUT */
        const char *answer; /* NULL: "" */
};

struct act_scene {
        struct fake_scene on;
        struct world world;
        struct observed seen;
        struct observed_database database;
        struct certificate certificates[4];
        struct certificate *list[4];
        struct record record;
        struct request request;
        struct actions actions;
        struct act *act;
        bool is_over;
        struct err err;
};

void act_scene_open(struct act_scene *scene);
/* The section of the request. */
void act_scene_spec(struct act_scene *scene, const char *text);
/* One that was observed. */
void act_scene_certificate(struct act_scene *scene, const char *name, const char *alias, const char *secret);
/* One of the record; uid "": there was none before the request. */
void act_scene_remember(struct act_scene *scene, const char *name, const char *uid, int64_t revision,
                        bool asked);
struct action *act_scene_add(struct act_scene *scene, enum action_kind kind);
/* What was observed is gone as soon as the list has begun. */
void act_scene_start(struct act_scene *scene);
void act_scene_body(const char *what, const struct kube_call *call, const char *want);
/* It asks something, or is over. */
bool act_scene_moves(void *scene);
/* All of these calls, in this order, and nothing else. */
void act_scene_play(struct act_scene *scene, const char *what, const struct exchange *exchanges);
/* It is over, in this way; closes the scene. text: a part of what is said, NULL: whatever. */
void act_scene_ends(struct act_scene *scene, const char *what, enum err_kind kind, const char *text);
/* Base64, of the tests' own. mem_free. */
char *act_scene_encode(const char *text) MUST_CHECK;
/* The saved Secret of the request of that uid, as the server gives it back. mem_free. */
char *act_scene_saved(const char *uid, const char *json) MUST_CHECK;
