// SPDX-License-Identifier: Apache-2.0
/*
 * Step `publish`: the commit point. One rename; the generation before it stays.
 */
#include "rotate/agent.h"
#include "rotate/steps.h"

static enum step_result publish(struct agent *agent, int64_t generation, const struct bundle *bundle,
                                struct err *err)
{
        if (generation_publish(agent->store, generation, err) != 0)
                return STEP_FAILED;
        agent_set_published(agent, bundle, generation);
        return STEP_DONE;
}

enum step_result publish_step(void *work, struct err *err)
{
        struct agent *agent = work;
        enum step_result result = publish(agent, agent->state.generation, agent->candidate, err);

        if (result == STEP_DONE)
                log_info("generation_published", LOG_S("bundle", agent->config->alias),
                         LOG_I("generation", agent->state.generation),
                         LOG_FP("fingerprint", &bundle_leaf(agent->candidate)->fp),
                         LOG_S("change", change_name(agent->change)));
        return result;
}

enum step_result publish_undo(void *work, struct err *err)
{
        struct agent *agent = work;

        log_warn("rollback_started", LOG_S("bundle", agent->config->alias), LOG_I("to", agent->state.good),
                 LOG_I("from", agent->state.generation), LOG_ERR(&agent->rotation.failure));
        agent->status.rollbacks++;
        /* The very first bundle: there is nothing to go back to, and nothing that served better. */
        if (agent->state.good == 0 || agent->good == NULL) {
                agent->rotation.undone = false;
                return STEP_ENOUGH;
        }
        return publish(agent, agent->state.good, agent->good, err);
}
