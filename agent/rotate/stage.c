// SPDX-License-Identifier: Apache-2.0
/*
 * Step `stage`: everything that can fail for lack of space or rights fails here, before anybody sees it.
 */
#include "rotate/layout.h"
#include "rotate/steps.h"

enum step_result stage_step(void *work, struct err *err)
{
        struct agent *agent = work;

        if (layout_stage(agent, agent->state.generation, err) != 0)
                return STEP_FAILED;
        return STEP_DONE;
}

enum step_result stage_undo(void *work, struct err *err)
{
        struct agent *agent = work;

        if (agent->state.generation == agent->state.good)
                return STEP_DONE;
        return generation_remove(agent->store, agent->state.generation, err) == 0 ? STEP_DONE : STEP_FAILED;
}
