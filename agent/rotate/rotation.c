// SPDX-License-Identifier: Apache-2.0
/*
 * The data flow of the agent in two tables, and the interpreter that walks them. It knows nothing of
 * certificates: tests walk the same tables with steps that fail on command.
 */
#include "rotate/rotation.h"

#include "rotate/steps.h"

#include <string.h>

#define SECONDS INT64_C(1000)

/* Whatever can fail cheaply is done before `publish`, and `publish` is one rename. */
static const struct step forward[] = {
        { "load", load_step, 5 * SECONDS, "report", false },
        { "validate", validate_step, 5 * SECONDS, "report", false },
        { "stage", stage_step, 30 * SECONDS, "unstage", false },
        { "publish", publish_step, 30 * SECONDS, "unpublish", false },
        { "apply", apply_step, 0, "unpublish", false },
        { "verify", verify_step, 0, "unpublish", false },
        { "report", report_step, 30 * SECONDS, NULL, false },
        { NULL, NULL, 0, NULL, false },
};

/*
 * A failing `apply` goes on to `verify` all the same: whether the old certificate is served is what counts,
 * and it may never have gone. A failing `verify` leaves the generations where they are, for a person to look
 * at.
 */
static const struct step rollback[] = {
        { "unpublish", publish_undo, 30 * SECONDS, "report", true },
        { "apply", apply_step, 0, "verify", false },
        { "verify", verify_step, 0, "report", true },
        { "unstage", stage_undo, 30 * SECONDS, "report", false },
        { "report", report_step, 30 * SECONDS, NULL, false },
        { NULL, NULL, 0, NULL, false },
};

const struct rotation_plan rotation_plan = { forward, rollback };

void rotation_init(struct rotation *rotation, const struct rotation_plan *plan, void *work)
{
        *rotation = (struct rotation){ .plan = plan, .work = work };
}

static const struct step *find(const struct step *table, const char *name)
{
        for (; table->name != NULL; table++)
                if (strcmp(table->name, name) == 0)
                        return table;
        return NULL;
}

static void fail(struct rotation *rotation, const struct err *err)
{
        const struct step *failed = rotation->at;

        if (rotation->failure.kind == ERR_NONE) {
                rotation->failure = *err;
                rotation->failed_at = failed->name;
        }
        if (rotation->rolling_back && failed->fatal)
                rotation->degraded = true;
        rotation->rolling_back = true;
        rotation->at = failed->on_failure == NULL ? NULL : find(rotation->plan->rollback, failed->on_failure);
        if (rotation->at == rotation->plan->rollback)
                rotation->undone = true;
}

static void move(struct rotation *rotation, enum step_result result, const struct err *err)
{
        switch (result) {
        case STEP_WAIT:
                break;
        case STEP_DONE:
                rotation->at++;
                if (rotation->at->name == NULL)
                        rotation->at = NULL;
                break;
        case STEP_ENOUGH:
                rotation->at =
                        find(rotation->rolling_back ? rotation->plan->rollback : rotation->plan->forward,
                             "report");
                break;
        case STEP_FAILED:
                fail(rotation, err);
                break;
        }
}

static void walk(struct rotation *rotation)
{
        while (rotation->at != NULL) {
                struct err err = ERR_INIT;
                enum step_result result;

                rotation->entered(rotation->work, rotation->at, rotation->rolling_back);
                result = rotation->at->run(rotation->work, &err);
                if (result == STEP_WAIT)
                        return;
                move(rotation, result, &err);
        }
        rotation->ended(rotation->work);
}

static void clear(struct rotation *rotation)
{
        rotation->rolling_back = false;
        rotation->undone = false;
        rotation->degraded = false;
        rotation->failure = (struct err)ERR_INIT;
        rotation->failed_at = NULL;
}

void rotation_start(struct rotation *rotation)
{
        clear(rotation);
        rotation->at = rotation->plan->forward;
        walk(rotation);
}

bool rotation_resume(struct rotation *rotation, const struct err *failure, const char *step)
{
        bool back = failure != NULL;
        const struct step *at = find(back ? rotation->plan->rollback : rotation->plan->forward, step);

        if (at == NULL)
                return false;
        clear(rotation);
        if (back)
                rotation->failure = *failure;
        rotation->rolling_back = back;
        rotation->undone = back;
        rotation->at = at;
        walk(rotation);
        return true;
}

void rotation_step_ended(struct rotation *rotation, enum step_result result, const struct err *err)
{
        move(rotation, result, err);
        walk(rotation);
}

void rotation_abandon(struct rotation *rotation)
{
        rotation->at = NULL;
}
