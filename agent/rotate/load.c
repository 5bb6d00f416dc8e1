// SPDX-License-Identifier: Apache-2.0
/*
 * Step `load`: the snapshot that was read becomes a bundle.
 */
#include "rotate/agent.h"
#include "rotate/steps.h"

enum step_result load_step(void *work, struct err *err)
{
        struct agent *agent = work;
        const struct config *config = agent->config;
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        AUTO(bundle_free_p) struct bundle *bundle = NULL;

        /* Read at each load and wiped after it: passwords rotate too. */
        if (config->key_password_file != NULL && secret_read(config->key_password_file, &password, err) != 0)
                return STEP_FAILED;
        if (bundle_load(agent->snapshot, &config->names, config->key_password_file == NULL ? NULL : &password,
                        agent->good, &bundle, err) != 0) {
                agent_set_stage(agent, STAGE_SOURCE, NULL);
                (void)err_wrap(err, "%s", agent_source(agent));
                return STEP_FAILED;
        }
        agent_drop_candidate(agent);
        agent->candidate = TAKE(bundle);
        agent->candidate->content = agent->state.trying;
        agent_set_stage(agent, STAGE_SOURCE, bundle_leaf(agent->candidate));
        return STEP_DONE;
}
