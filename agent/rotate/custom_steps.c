// SPDX-License-Identifier: Apache-2.0
/*
 * The tables of a change, and the steps that only touch files.
 */
#include "rotate/custom_steps.h"

#include "base/mem.h"
#include "rotate/custom.h"
#include "rotate/custom_layout.h"
#include "rotate/custom_place.h"

#include <stdio.h>

#define SECONDS INT64_C(1000)

static const struct step forward[] = {
        { "files-check", custom_check_step, 30 * SECONDS, "files-report", false },
        { "files-publish", custom_publish_step, 30 * SECONDS, "files-unpublish", false },
        { "files-restart", custom_restart_step, 0, "files-unpublish", false },
        { "files-prove", custom_prove_step, 0, "files-unpublish", false },
        { "files-report", custom_report_step, 30 * SECONDS, NULL, false },
        { NULL, NULL, 0, NULL, false },
};

/* Whether the database serves again is what counts, not whether it could be asked to end. */
static const struct step rollback[] = {
        { "files-unpublish", custom_publish_undo, 30 * SECONDS, "files-report", true },
        { "files-restart", custom_restart_step, 0, "files-prove", false },
        { "files-prove", custom_prove_step, 0, "files-report", true },
        { "files-report", custom_report_step, 30 * SECONDS, NULL, false },
        { NULL, NULL, 0, NULL, false },
};

const struct rotation_plan custom_plan = { forward, rollback };

enum step_result custom_check_step(void *work, struct err *err)
{
        struct custom *custom = work;

        if (custom_layout_check(custom, custom->files, err) != 0)
                return STEP_FAILED;
        custom->state.generation = custom->store->last + 1;
        custom->state.trying = custom->content;
        custom->state.down = custom->first;
        if (custom_layout_stage(custom, custom->state.generation, custom->files, err) != 0)
                return STEP_FAILED;
        return STEP_DONE;
}

/* Links to files that the generation has not are taken away at once: engines read every name they find. */
static int publish(struct custom *custom, int64_t generation, struct err *err)
{
        struct err ignored;

        if (generation_publish(custom->store, generation, err) != 0)
                return -1;
        custom->current = generation;
        if (generation_prune(custom->store, custom->state.good, &ignored) != 0)
                log_warn("prune_failed", LOG_ERR(&ignored));
        return custom_place_lay(custom, generation, err);
}

enum step_result custom_publish_step(void *work, struct err *err)
{
        struct custom *custom = work;

        if (publish(custom, custom->state.generation, err) != 0)
                return STEP_FAILED;
        custom->state.published = clock_wall();
        log_info("configuration_published", LOG_S("secret", custom->agent->config->custom.secret),
                 LOG_I("generation", custom->state.generation), LOG_FP("content", &custom->state.trying));
        return STEP_DONE;
}

enum step_result custom_publish_undo(void *work, struct err *err)
{
        struct custom *custom = work;

        log_warn("configuration_rollback_started", LOG_I("to", custom->state.good),
                 LOG_I("from", custom->state.generation), LOG_ERR(&custom->rotation.failure));
        return publish(custom, custom->state.good, err) == 0 ? STEP_DONE : STEP_FAILED;
}
