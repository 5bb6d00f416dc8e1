// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * All that the controller remembers of one database, and what it asks of the agents: one ConfigMap
 * `<db>-certrotate`, record.json beside plan.json, written together under one resourceVersion. A controller
 * that is killed leaves both, and the next one goes on from there. The plan follows from the record.
 */
#include "base/clock.h"
#include "base/json.h"
#include "hooks/tls_mode.h"
#include "rotate/plan.h"

#define RECORD_SUFFIX           "-certrotate"
#define RECORD_KEY              "record.json"
#define RECORD_PLAN_KEY         "plan.json"
#define RECORD_CERTIFICATES_MAX 16
#define RECORD_STAGES_MAX       4
#define RECORD_FILES_MAX        4
#define RECORD_MAX_BYTES        ((size_t)768 << 10)
#define RECORD_AUTHORITIES_MAX  ((size_t)384 << 10) /* they stand in the plan as well: 1 MiB for both */
#define RECORD_TRUSTED_MAX      ((size_t)32 << 10)  /* in memory for each database */

/* In the order in which a request passes them; one that fails goes over to RECORD_RESTORE or later ones. Each
 * is left by one write; the list of actions that ends the request belongs to the last step. */
enum record_step {
        RECORD_IDLE,
        RECORD_WAIT,    /* a try was taken back, and the next one is to come */
        RECORD_HOLD,    /* the database object is marked, so that its operator keeps off; the plan says that
                           nobody acts, and every agent has read it; what is about to change is saved */
        RECORD_ISSUE,   /* Certificates are written, files are rendered */
        RECORD_READY,   /* cert-manager is told to issue where it has to be, and waited for */
        RECORD_WALK,    /* pods, one at a time, stage by stage */
        RECORD_CLEAN,   /* after a change or removal: what is not needed any more is deleted */
        RECORD_RESTORE, /* after a failure: what was saved is put back */
        RECORD_RETURN,  /* pods, one at a time, back */
        RECORD_DISCARD, /* what the request has made is deleted */
        RECORD_RESUME,  /* there is nothing to put back: resumed, and told */
        RECORD_STEPS,
};

struct record_stage {
        enum plan_phase phase;
        enum tls_mode mode;
};

/* As it was when the request began. */
struct record_certificate {
        char *name;
        char *uid; /* "": there was none */
        int64_t revision;
        bool asked; /* it was told to issue, or written */
};

/* Configuration files in a Secret of ours, and the fingerprint of their content (files_fingerprint), in hex.
 */
struct record_files {
        char *secret;
        char *hash;
        char *before; /* that of the content before the request; "": there was none */
        enum plan_restart restart;
};

struct record {
        enum tls_mode mode; /* at rest: what all pods are in */
        /* of the request under way; request NULL: none, and the rest is empty */
        char *request, *kind, *uid;
        bool is_tls; /* ReconfigureTLS, otherwise Reconfigure */
        enum record_step step;
        struct wall since; /* of the step, in a walk of the pod's turn */
        char *failure;     /* why it fails: it is on its way back; NULL: it is not */
        char *reason;      /* one word for it */
        bool paused;       /* by us */
        bool saved;
        bool issued; /* from here on there is something to put back */
        struct record_certificate certificates[RECORD_CERTIFICATES_MAX];
        size_t n_certificates;
        int64_t pods;                 /* how many there were when it began; 0: unknown */
        enum tls_mode before, wanted; /* modes */
        struct record_stage stages[RECORD_STAGES_MAX];
        size_t n_stages, stage; /* the walk's, and where it is */
        int64_t generation;     /* of the plan: one more with each change but of the turn; never goes down */
        char *turn;             /* pod; NULL: nobody's. At rest: one of `left` that may catch up */
        char *turn_uid;
        char *reload; /* pod that may act beside it as far as a reload goes; NULL: none */
        char *leaf;   /* fingerprint in hex of the leaf to be served in the end; NULL: it is not looked at */
        char *leaf_before; /* … before the request; NULL: none */
        char *lost; /* pods that could not be brought back, by name, with a space behind each; NULL: none */
        char *authorities; /* PEM, trusted until phase prune; NULL: none */
        char *trusts;      /* PEM, `trusted` when the request has ended well; NULL: as before */
        /* to be taken; of other Secrets nothing is asked. At rest for those in `left` */
        struct record_files files[RECORD_FILES_MAX];
        size_t n_files;
        int tries; /* of the request, so far */
        /* what cert-manager has issued that every pod serves: to find renewals */
        struct record_certificate served[RECORD_CERTIFICATES_MAX];
        size_t n_served;
        /* PEM of the authorities that every pod trusts at rest: to find that a renewal is of another one.
         * NULL: unknown; "": none, or too many to be kept */
        char *trusted;
        char *left; /* as `lost`, of requests that are over: they are given a turn at rest; NULL: none */
};

void record_init(struct record *out);
void record_done(struct record *record);
static inline UNUSED void record_done_p(struct record *record)
{
        record_done(record);
}
/* NULL: the request began without one of that name. */
struct record_certificate *record_certificate(struct record *record, const char *name);
/* Nobody's turn, and nobody beside it. */
void record_drop_turn(struct record *record);
/* What was asked of the files before the request is asked for again; nobody is restarted for nothing. */
void record_restore_files(struct record *record);
struct certificate;
/* `served` anew: all these with a revision. */
void record_set_served(struct record *record, struct certificate *const *certificates, size_t n);
/* Is the pod one of a list as `lost` and `left` are? */
bool record_lists(const char *list, const char *pod);
/* One more of them, or one less; the list may be NULL before and after. */
void record_list_add(char **list, const char *pod);
void record_list_drop(char **list, const char *pod);
/* Every pod has what was asked for: what it trusts from now on. */
void record_set_trusted(struct record *record);
/* The request has ended: who was left behind by it, or still is. */
void record_settle(struct record *record);
/* Deep. */
void record_copy(struct record *out, const struct record *from);
/* What belongs to the request goes; mode, generation, what is served and trusted, and who was left behind
 * with the files that are asked of him, stay. */
void record_clear(struct record *record);
/*
 * {"mode", "generation", "served": [{"name", "uid", "revision", "asked"}], "trusted", "left", "turn" and
 * "files" (at rest), "request": {"name", "kind", "uid",
 * "step", "since", "failure", "reason", "paused", "saved", "issued", "pods", "before", "wanted",
 * "certificates", "stages": [{"phase", "mode"}], "stage", "turn", "turnUid", "reload", "authorities",
 * "trusts", "files":
 * {"<Secret>":
 * "<hash>"}, "tries"}}: what is empty is left out, unknown members are ignored, an unknown step is not.
 *
 * ERR_PARSE naming the member; ERR_LIMIT. Pure; fuzzed by tests/fuzz/fuzz_record.c.
 */
int record_parse(const char *text, size_t len, struct record *out, struct err *err) MUST_CHECK;
/* Without a request nothing of one is written. As text at most RECORD_MAX_BYTES are read back. */
cJSON *record_to_json(const struct record *record);
/*
 * The plan that agents are to follow. At rest nobody's turn, since renewals become requests, but for one that
 * was left behind. {"request", "kind",
 * "generation", "phase", "tls", "turn": [pod], "reload": [pod], "authorities", "files": {"<Secret>":
 * "<hash>"}}; tls and files only where they are known, reload where there is one. Phase and tls are those of
 * the stage the walk is at; before it (no stages) and after its last (stage == n_stages) there is no phase,
 * and tls is `mode`.
 */
cJSON *record_plan(const struct record *record);
const char *record_step_name(enum record_step step);
