// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the files of act.c share: one call at a time, and for each kind of action a function that starts it. A
 * function that calls act_get, act_send, act_again, act_next or act_fail returns at once after it: the last
 * two may have freed everything.
 */
#include "base/json.h"
#include "certs/bundle.h"
#include "control/act.h"

#define ACT_MANAGER      "certrotate-controller"
#define ACT_INSTANCE     "app.kubernetes.io/instance"
#define ACT_SAVED_SUFFIX "-certrotate-saved"
#define ACT_FILES_SUFFIX "-certrotate-files"
#define ACT_SECRET_MAX   ((size_t)1 << 20) /* bytes of a Secret's values: the API's limit */

struct act_certificate { /* as observed */
        char *name, *alias, *secret;
};

typedef void act_fn(struct act *act);
/* object: NULL when the answer was an accepted refusal. Both are gone when it returns. */
typedef void act_answered_fn(struct act *act, int status, const cJSON *object);

struct act {
        struct kube_client *client;
        struct world *world;
        act_done_fn *done;
        void *arg;
        struct loop_timer *timer;
        struct kube_call *call;
        /* of what was observed, own */
        char *namespace, *database, *owner_uid;
        struct act_certificate certificates[RECORD_CERTIFICATES_MAX];
        size_t n_certificates;
        size_t n_pods;
        struct wall now;
        struct record record; /* as it is on the server */
        char *record_version; /* NULL: it is not there */
        struct actions actions;
        struct request *requests[ACTIONS_MAX]; /* own copies; NULL: as for an earlier action, or none */
        size_t at;                             /* the action under way */
        size_t told;     /* of the actions before this one the conditions stand in the request … */
        uint32_t events; /* … and of these, by number, the Events are still to come */
        /* of the call under way */
        act_answered_fn *answered;
        unsigned accepts;
        char what[320];
        /* of the action under way; all empty when it starts */
        size_t i;
        int tries, polls;
        bool changed;
        act_fn *later; /* of the timer */
        act_fn *then;
        cJSON *found; /* wiped at its end, as the next two */
        cJSON *made;
        cJSON *secret;
        char *uid;
        struct chain chain;
        struct record next;
};

/* Refusals that are told to the function that waits, instead of ending the list. */
#define ACT_MISSING  1U /* 404 */
#define ACT_CONFLICT 2U /* 409 */
#define ACT_WHATEVER 4U /* also no answer; logged */
#define ACT_BUSY     8U /* 429; object: what it says */

struct act_place {
        const char *group; /* "v1", "apps/v1" */
        const char *resource;
        const char *name;  /* NULL: the collection */
        const char *sub;   /* "/status"; NULL */
        const char *query; /* of a GET, escaped; NULL */
};

void act_get(struct act *act, const struct act_place *place, unsigned accepts, act_answered_fn *answered);
/* A PATCH is a merge patch. body NULL: none. */
void act_send(struct act *act, const char *method, const struct act_place *place, const cJSON *body,
              unsigned accepts, act_answered_fn *answered);
/* Only the object of this uid ("": of any). 404 and 409 (it is another by now) are told. */
void act_delete(struct act *act, const struct act_place *place, const char *uid, act_answered_fn *answered);
/* Calls fn from the loop, later. */
void act_wait(struct act *act, int64_t ms, act_fn *fn);

const struct action *act_action(const struct act *act);
/* The kind of database that the action is about; NULL: unknown. */
const struct kind *act_kind(const struct act *act);
/* Of the action's request, or else of the record's; "" unknown. */
const char *act_request_name(const struct act *act);
const char *act_request_uid(const struct act *act);

/* The action is done. */
void act_next(struct act *act);
void act_next_answered(struct act *act, int status, const cJSON *object); /* as the end of a call */
/* The list is over. */
void act_fail(struct act *act, const struct err *err);
/* Once more from its beginning, since what was read has changed; after some times the list is over. */
void act_again(struct act *act);

/* {"apiVersion", "kind", "metadata": {"name", "namespace", "labels" of ours}} */
cJSON *act_object(const struct act *act, const char *version, const char *kind, const char *name);
/* The database object becomes its owner, where there is one. */
void act_own(const struct act *act, cJSON *object);
cJSON *act_object_meta(const cJSON *object);
/* {"metadata": {"resourceVersion": that of `object`}} */
cJSON *act_patch_of(const cJSON *object);
const char *act_uid_of(const cJSON *object);

/* act_copy.c */
struct request *act_copy_request(const struct request *from);

/* act_request.c */
act_fn act_request_condition, act_request_phase, act_request_delete, act_request_create, act_request_merge;
/* act_event.c; the end of an action: an Event that is refused is logged, no more. */
void act_event_tell(struct act *act, bool is_normal, const char *reason, const char *note);
act_fn act_event_start;
/* act_pause.c, act_workloads.c */
act_fn act_pause_start, act_pause_resume, act_workloads_start;
/* act_record.c */
act_fn act_record_start;
/* Writes it with the plan that follows from it, and is the end of an action. */
void act_record_write(struct act *act, const struct record *record);
/* act_certificate.c */
act_fn act_certificate_start, act_certificate_issue;
/* act_gone.c: deletes the Certificate of that uid, and goes on when it is gone. */
void act_gone_start(struct act *act, const char *name, const char *uid, act_fn *then);
/* act_evict.c */
act_fn act_evict_start;
/* act_database.c */
act_fn act_database_start;
/* act_secret.c: a Secret is brought to what `want` says (metadata.name, labels, annotations, type, data or
 * stringData), whole; not written when it is that already. */
void act_secret_put(struct act *act, const cJSON *want, act_fn *then);
bool act_secret_is_same(const cJSON *have, const cJSON *want);
/* {"type", "labels", "annotations", "data"} to be saved, and the Secret made of it again. */
cJSON *act_secret_save(const cJSON *secret);
cJSON *act_secret_renew(const struct act *act, const char *name, const cJSON *saved);
/* One value as text, wiped by its owner; ERR_MISSING, ERR_PARSE (no base64, no text). */
int act_secret_text(const cJSON *secret, const char *key, struct secret *out, struct err *err) MUST_CHECK;
/* act_saved.c */
act_fn act_saved_start, act_saved_forget;
/* What was saved for this request into act->found; NULL: nothing. */
void act_saved_load(struct act *act, act_fn *then);
/* act_restore.c, act_discard.c, act_judge.c, act_trust.c, act_render.c */
act_fn act_restore_start, act_discard_start, act_judge_start, act_trust_start, act_render_start;
/* tls.crt and ca.crt of a Secret, or of what was saved of one; ERR_MISSING, ERR_PARSE. */
int act_trust_read(const cJSON *secret, struct bundle **out, struct err *err) MUST_CHECK;
/* Its authorities, as the record keeps them; "" none, or too many. mem_free. */
char *act_trust_of(const struct bundle *bundle);
/* Is it the Certificate that agents publish? */
bool act_trust_is_published(const struct act *act, size_t i);
/* Name of the Secret with the files of a part ("aggregator"; NULL: there are no parts). mem_free. */
char *act_render_secret(const struct act *act, const char *part);
/* Texts by name, of a Secret or of what was saved of one (both have `data`). */
int act_secret_texts(const cJSON *secret, cJSON **out, struct err *err) MUST_CHECK;
