// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What is to be done next about the database's configuration files. Pure.
 *
 * A plan that names our Secret asks for one content: it is taken when it has arrived and we have the turn.
 * One that does not name it asks nothing. Without a plan what the source has is followed, in turn; but a
 * source that has become empty takes nothing away: only a plan does.
 *
 * Content that is there already is taken once more when a restart is asked for, or was left out before.
 *
 * The very first content waits for nobody: a database that is not there yet starts with it.
 */
#include "rotate/plan.h"

enum custom_choice {
        CUSTOM_REST,
        CUSTOM_AWAIT_CONTENT,
        CUSTOM_AWAIT_TURN,
        CUSTOM_UNDO,   /* go on with a rollback that an earlier process began */
        CUSTOM_PROVE,  /* what is published was not proven yet */
        CUSTOM_FIRST,  /* publish, if the database is not there */
        CUSTOM_CHANGE, /* publish, restart, prove */
};

struct custom_view {
        bool fresh;        /* nothing was ever proven, and no database seen without the files */
        bool unproven;     /* what is published, up to now */
        bool rolling_back; /* was, before a kill */
        bool degraded;     /* a rollback failed: the content of before, or another one, puts it right */
        struct fingerprint current;  /* published content */
        struct fingerprint settled;  /* proven content */
        struct fingerprint judged;   /* custom_choice_target of what failed */
        bool pending;                /* published without a restart, and not in force for lack of one */
        struct fingerprint answered; /* custom_choice_target of what succeeded last */
        enum plan_restart restart;
        const struct plan *plan;
        const struct fingerprint *wanted; /* that the plan asks for; NULL: it does not name our Secret */
        bool arrived;                     /* it is there */
        const struct fingerprint *newest; /* that the source has; NULL: none */
};

/* content: that FIRST and CHANGE are about, and AWAIT_TURN. */
enum custom_choice custom_choose(const struct custom_view *view, struct fingerprint *content);
/* Is all that the plan asks of the files done, as far as they are not under way? */
bool custom_choice_is_done(const struct custom_view *view);
/* Has it failed, and is not taken again? */
bool custom_choice_has_failed(const struct custom_view *view);
/* By what it is remembered that this content failed: with a plan once for each of its generations. */
void custom_choice_target(const struct custom_view *view, const struct fingerprint *content,
                          struct fingerprint *out);
/* The fingerprint of no files at all. */
void custom_choice_nothing(struct fingerprint *out);
