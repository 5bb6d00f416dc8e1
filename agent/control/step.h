// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the parts of reconcile() share: one request, in one step, and what becomes of it.
 */
#include "control/reconcile.h"

struct step {
        const struct reconcile_settings *settings;
        const struct observed *seen;
        const struct request *request; /* NULL: it was deleted meanwhile */
        const struct kind *kind;
        struct record next; /* the record as it is to be; own */
        struct actions *out;
};

/* The action added last; never fails: the lists are short. */
struct action *step_add(struct step *step, enum action_kind kind);
/* Of the request, when there is one. The text is taken over. step_tell: also by an Event. */
void step_condition(struct step *step, const char *type, const char *reason, char *text);
void step_tell(struct step *step, const char *type, char *text);
/* Writes `next`: what comes after it in this list is done again by the step that was written. */
void step_commit(struct step *step);
/* … in its next step, with a new generation of the plan where that is to say something else. */
void step_go(struct step *step, enum record_step to);
void step_renew_plan(struct step *step);
/* The request fails: the way back begins. reason: one word. The text is taken over. */
void step_fail(struct step *step, const char *reason, char *text);
/* True: the step (in a walk: the turn) lasts too long. Otherwise it is looked at again when it does. */
bool step_is_late(struct step *step);
/* What the request is; false when it was deleted. */
bool step_is_change(const struct step *step);
bool step_is_removal(const struct step *step);
bool step_is_rotation(const struct step *step); /* that has to issue */
/* Is the Certificate of this alias written by a change? One that names neither issuer nor certificates writes
 * none. */
bool step_issues(const struct step *step, const char *alias);
bool step_names_certificates(const struct step *step);
/* ReconfigureTLS, Reconfigure */
const char *step_operation(const struct step *step);
const struct certificate *step_certificate(const struct step *step, const char *name);
/* What is issued now, as what every pod serves or is to serve. */
void step_note_served(struct step *step);
