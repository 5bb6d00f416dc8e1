// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What reconcile() wants done, in this order; act.c does it. Each is harmless when it was done before: a
 * controller may die between any two. The first that fails ends the list: what was observed is old, or the
 * server is away.
 */
#include "control/observed.h"

#define ACTIONS_MAX 32

enum action_kind {
        ACTION_CONDITION, /* of `request`: type (and pod `name`), reason (NULL: none), text; `is_event`: and
                             an Event */
        ACTION_PHASE,     /* of `request`: phase, with a condition type, reason, text, and an Event. With
                             the conditions before and behind it of the same request it is one write */
        ACTION_PAUSE,  /* the database object gets the condition Paused, or where there is none the workloads
                          (StatefulSets  and PetSets labelled with the instance) the annotation
                          certrotate.io/paused: the request */
        ACTION_RESUME, /* and loses it, whoever of ours set it */
        ACTION_RECORD, /* writes `record` and the plan that follows from it, only over
                          observed->record_version */
        ACTION_SAVE, /* Certificates and their Secrets (and rendered files) into Secret <db>-certrotate-saved,
                        with the uid of the request; one of the same uid stays as it is */
        ACTION_CERTIFICATE, /* of `alias`: created, or brought to what the request says (certificate_build);
                               `text`: "Issuer/x" when neither says which */
        ACTION_ISSUE,  /* condition Issuing of the Certificate `name`, only while its revision is `number` and
                          it is not  issuing */
        ACTION_RENDER, /* files_render into Secret <db>-certrotate-files[-role]; the record's `files` is set
                        */
        ACTION_JUDGE,  /* compares saved and present: fills in stages and authorities of `record`, and writes
                          it; is_true: a switch of TLS goes by way of TLS_MIXED */
        ACTION_RESTORE,  /* Certificates and Secrets as saved (certificate_renewed); those that were not there
                            are left */
        ACTION_DISCARD,  /* deletes the Certificates of the database and their Secrets, of those that `record`
                            says were  not there before the request; `all`: all of them */
        ACTION_FORGET,   /* deletes the saved Secret */
        ACTION_DATABASE, /* spec.tls of the database object as the request says; `is_true` false: removed */
        ACTION_EVENT,    /* about the pod `name` of `uid`, or else `request`: reason, text; is_true: Normal */
        ACTION_TRUST,    /* writes `record` with what the published Secret has every pod trust, if its leaf is
                            the one of this fingerprint in hex, `text` */
        ACTION_CREATE,   /* an OpsRequest ReconfigureTLS of `kind`, `name`, `text` in annotation
                            certrotate.io/renewal */
        ACTION_MERGE, /* an OpsRequest Reconfigure of `kind`, `name`, `spec`, with those that it is made of in
                         `text`: annotation certrotate.io/merged-from */
        ACTION_DELETE, /* the OpsRequest `request` (history) */
        ACTION_EVICT, /* the pod `name` of that `uid`; ERR_NOT_READY while a PodDisruptionBudget forbids it */
};

struct action {
        enum action_kind kind;
        const struct request *request; /* borrowed of what was observed */
        const struct kind *database;   /* of CREATE, MERGE */
        const char *type, *reason;     /* static */
        char *text;                    /* own */
        cJSON *spec;                   /* own: of MERGE */
        char *name; /* own: of a Certificate, an alias, a request, a pod: that of a condition is appended to
                       its type */
        char *uid;  /* own: of that pod */
        int64_t number;
        enum request_phase phase;
        bool is_true;
        bool all;
        bool is_event;        /* of CONDITION */
        struct record record; /* of RECORD and JUDGE; own */
};

struct actions {
        struct action items[ACTIONS_MAX];
        size_t n;
        struct wall wake; /* look again then, though nothing was told; 0: no need */
};

void actions_init(struct actions *out);
void actions_done(struct actions *actions);
static inline UNUSED void actions_done_p(struct actions *actions)
{
        actions_done(actions);
}
/* For logs and golden tests: one line each, "record step=hold generation=4 turn=px-0". */
void actions_print(const struct actions *actions, struct buf *out);
