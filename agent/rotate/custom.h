// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The database's own configuration files: a transaction of their own beside the rotation of certificates, in
 * the same manner.
 *
 *   files-check -> files-publish -> files-restart -> files-prove -> files-report
 *                        |               |               |
 *                        +---------------+---------------+
 *                                        v
 *      files-unpublish -> files-restart -> files-prove -> files-report
 *
 * One thing at a time: neither begins while the other is under way, except that a rotation which waits for a
 * database that is down makes way: new files may be what brings it back. What changes meanwhile is looked at
 * afterwards.
 *
 * The directory begins with an empty generation, so that there always is one to go back to.
 */
#include "certs/generation.h"
#include "kube/watch.h"
#include "rotate/agent.h"
#include "rotate/custom_choice.h"
#include "rotate/custom_source.h"
#include "rotate/custom_state.h"

struct custom {
        struct agent *agent;
        struct store *store;
        struct custom_source source;
        struct custom_state state;
        struct rotation rotation;   /* the tables of custom_steps.c */
        int64_t current;            /* published generation */
        struct snapshot *files;     /* that the change is about */
        struct fingerprint content; /* of the last choice */
        struct fingerprint newest;  /* that the source has */
        struct fingerprint target;  /* by what its failure is remembered */
        enum custom_choice choice;  /* of the last look */
        struct err wait;            /* what is waited for; kind ERR_NONE: nothing */
        bool wants_turn;
        bool first;     /* the database is not there: it starts with what is published now */
        bool restarted; /* it was asked to end since the files were published, or that is not known */
        bool pending;   /* not restarted, as asked: what that leaves out is in pending_text */
        char pending_text[ERR_TEXT_MAX];
        struct loop_op *op;
        bool asking;  /* is the database there? */
        bool missed;  /* meanwhile something was told that nobody has looked at */
        bool proving; /* a handshake is under way */
        struct mono until;
        int64_t pause_ms;
        int64_t down_ms; /* last pause before looking for the database again */
        struct mono began;
        struct loop_timer *look;
        struct loop_timer *pause; /* inside a step */
        loop_fn *then;            /* after the first look */
};

/* Nothing to do without custom.publish. ERR_IO, ERR_USAGE. */
int custom_open(struct agent *agent, struct err *err) MUST_CHECK;
void custom_close(struct custom *custom);
AUTO_DEFINE(struct custom, custom_close)
/* The first files, if there are any and the database is not there; then `then`. */
void custom_begin(struct agent *agent, loop_fn *then);
/* What failed is tried once more at the next look. */
void custom_retry(struct agent *agent);
/* Timer. */
void custom_look(void *agent);
/* Something may have changed: looked at from the loop. */
void custom_look_soon(struct agent *agent);
/* Starts what is due, if anything is and can be; true: a change is under way now. */
bool custom_start(struct agent *agent);
/* A change is under way, or the database is asked. */
bool custom_is_busy(const struct agent *agent);
/* A scan was put off because of that: made up for when the answer begins no change (which ends in one). */
void custom_put_off(const struct agent *agent);
/* Is all done that the plan asks of the files? */
bool custom_is_done(const struct agent *agent);
/* Why that has failed, and is not tried again by itself; NULL: it has not. */
const char *custom_failure(const struct agent *agent);
/* From the watch of the Secret; a look follows. */
void custom_told(struct agent *agent, const struct kube_watch_event *event);

/* Asks whether the database is there, and does what the choice comes to then. */
void custom_ask(struct custom *custom);
/* The plan says that nobody is restarted for these files. */
bool custom_spares(const struct custom *custom);
/* Has the database started since the files were published? One that says so. */
bool custom_started_since(const struct custom *custom);
/* Takes the content of the choice; first: for a database that is not there. */
void custom_begin_change(struct custom *custom, bool first);
void custom_await_turn(struct custom *custom);

/* For the steps: */
extern const struct rotation_plan custom_plan;
void custom_entered(void *work, const struct step *step, bool rolling_back);
void custom_ended(void *work);
void custom_save(struct custom *custom);
/* State, status, log, Events. */
void custom_tell_step(struct custom *custom, const struct step *step, bool rolling_back);
void custom_tell_outcome(struct custom *custom, enum status_result result);
/* The status says how it is. */
void custom_note(struct custom *custom);
