// SPDX-License-Identifier: Apache-2.0
/*
 * Step `stage`: everything that can fail for lack of space or rights fails here, before anybody sees it.
 */
#include "base/mem.h"
#include "rotate/layout.h"
#include "rotate/steps.h"

enum step_result stage_step(void *work, struct err *err)
{
        struct agent *agent = work;
        AUTO(mem_free_p) char *generation = generation_path(agent->store, agent->state.generation);
        const struct settings_wish wish = { agent->mode, generation };

        if (agent->mode != TLS_UNMANAGED &&
            settings_stage(agent->database, agent->config->settings_file, &wish, err) != 0)
                return STEP_FAILED;
        if (layout_stage(agent, agent->state.generation, err) != 0)
                return STEP_FAILED;
        return STEP_DONE;
}

enum step_result stage_undo(void *work, struct err *err)
{
        struct agent *agent = work;

        if (agent->mode != TLS_UNMANAGED)
                settings_unstage(agent->config->settings_file);
        /* The first one stays where it is: there is none to go back to. */
        if (agent->state.generation == agent->state.good || agent->state.good == 0)
                return STEP_DONE;
        return generation_remove(agent->store, agent->state.generation, err) == 0 ? STEP_DONE : STEP_FAILED;
}
