// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The transaction: two tables of steps and their interpreter.
 *
 *   load -> validate -> stage -> publish -> apply -> verify -> report
 *
 * A failing forward step names the row of the rollback table to enter at. Rollback is a table of its own and
 * not "undo in reverse order", because the database must be told only after the old files are back. Every
 * step may be repeated: a killed agent enters it again.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum step_result {
        STEP_DONE,
        STEP_WAIT,   /* under way; rotation_step_ended is called later */
        STEP_FAILED, /* err filled */
        STEP_ENOUGH, /* nothing left to do: straight to the report */
};

typedef enum step_result step_fn(void *work, struct err *err);

struct step {
        const char *name;
        step_fn *run;
        int64_t limit_ms;       /* 0: the step sets its own */
        const char *on_failure; /* row of the rollback table to go on at; NULL: the end */
        bool fatal;             /* rollback only: failing here means degraded */
};

struct rotation_plan {
        const struct step *forward; /* ended by a row without name */
        const struct step *rollback;
};

/* The real one. */
extern const struct rotation_plan rotation_plan;

struct rotation {
        const struct rotation_plan *plan;
        void *work;
        /* Called before a step runs: persists where we are. */
        void (*entered)(void *work, const struct step *step, bool rolling_back);
        /* Called once after the last step. */
        void (*ended)(void *work);
        const struct step *at; /* NULL: idle */
        bool rolling_back;     /* in the rollback table */
        bool undone;           /* entered rollback above its report: something was put back */
        bool degraded;         /* a fatal row of the rollback table failed */
        struct err failure;    /* first failure; kind ERR_NONE: none */
        const char *failed_at; /* the step it came from; NULL: none, or not known any more */
};

void rotation_init(struct rotation *rotation, const struct rotation_plan *plan, void *work);
void rotation_start(struct rotation *rotation);
/*
 * Enter at a named step, after a restart. failure: why it was rolling back, NULL when going forward. false
 * when there is no such step.
 */
bool rotation_resume(struct rotation *rotation, const struct err *failure, const char *step);
/* The step that answered STEP_WAIT has ended; err only with STEP_FAILED. */
void rotation_step_ended(struct rotation *rotation, enum step_result result, const struct err *err);
/* Forget the rotation under way without calling `ended`. */
void rotation_abandon(struct rotation *rotation);
static inline UNUSED bool rotation_is_idle(const struct rotation *rotation)
{
        return rotation->at == NULL;
}
