// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A small cluster to play reconcile() against: a ConfigMap, two Certificates with a cert-manager, pods with
 * agents that read the plan late and take their time. What is done is noted, and broken rules end the test at
 * once.
 */
#include "control/reconcile.h"

#define SCENE_PODS 3

enum scene_trouble {
        SCENE_FINE,
        SCENE_REFUSES,      /* pod 1 refuses what is new */
        SCENE_WILL_REFUSE,  /* … and says so before its turn */
        SCENE_NEVER_BACK,   /* pod 1 never comes back from taking it; when it is its turn again, neither */
        SCENE_NO_AGENT,     /* pod 1 has none */
        SCENE_DENIED,       /* the client's Certificate is denied */
        SCENE_DENIED_READY, /* … and is ready all the same, with what it had */
        SCENE_NEVER_ISSUED, /* … is never ready */
        SCENE_NO_ISSUER,
        SCENE_WAS_DENIED,    /* the client's Certificate, when it was renewed the last time */
        SCENE_DELETED,       /* the request, while pod 1 is at it */
        SCENE_FAULT,         /* writing the Certificates is refused by the server */
        SCENE_FORBIDDEN,     /* nobody may write what is to be saved */
        SCENE_STUCK,         /* the agent of pod 1 cannot restart its database */
        SCENE_BUDGET,        /* … and pod 1 must not be evicted */
        SCENE_LOST,          /* … and once it is, nobody makes it anew */
        SCENE_REFUSES_ONCE,  /* pod 1 refuses what is new, the first time */
        SCENE_REFUSES_EVER,  /* … and says that it will never pass */
        SCENE_DELETED_LATER, /* the request, between two tries */
        SCENE_NEEDS_OTHERS,  /* pod 1 refuses what is new, and is back only when nobody holds it any more */
        SCENE_TROUBLES,
};

struct scene_pod {
        int adopted; /* the plan's generation; the rest of that plan: */
        struct record_stage stage;
        bool turn;
        bool request;
        int leaf; /* served; 0: plain */
        enum tls_mode mode;
        bool trusts_old, trusts_new;
        bool done, busy, failed, gone;
        int busy_left;
        bool stuck;   /* it cannot restart */
        int away;     /* evicted: turns until it is there again */
        int starting; /* … and until it is ready */
        int uid;
};

struct scene {
        unsigned seed;
        enum scene_trouble trouble;
        int64_t now;
        struct request request;
        bool request_gone;
        enum request_phase phase;
        char last_text[512];
        bool paused, saved;
        struct buf told; /* types of its conditions, a blank around each */
        struct record record;
        bool has_record;
        int version;
        /* one number stands for the content of the server's Secret; 0: none */
        int leaf, saved_leaf, newest;
        bool new_authority; /* what is issued from now on is of another authority */
        int certificates;   /* how many there are */
        int64_t uid[2], revision[2];
        bool issuing[2];
        bool written[2];
        int issue_left[2];
        int issues[2]; /* how often they were told to issue */
        bool denied[2];
        int evictions;
        struct scene_pod pods[SCENE_PODS];
        int refusals, tries;
        struct err fault;
        struct buf *log; /* of all lists of actions; NULL: none is kept */
};

void scene_open(struct scene *scene, unsigned seed, enum request_tls operation, enum scene_trouble trouble);
void scene_done(struct scene *scene);
/* One look of the controller, which may die between any two of its writes. */
void scene_reconcile(struct scene *scene, bool deadly);
/* Everybody else goes on for a second. */
void scene_turn(struct scene *scene);
/* Until the request has ended and the record is at rest; fails the test when that takes too long. */
void scene_play(struct scene *scene, bool deadly);

/* For control_scene_do.c: false, the server has refused it. */
bool scene_perform(struct scene *scene, const struct action *action);
unsigned scene_random(struct scene *scene, unsigned below);
const char *scene_name(int i); /* of a Certificate */
