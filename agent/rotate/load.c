// SPDX-License-Identifier: Apache-2.0
/*
 * Step `load`: the snapshot that was read becomes a bundle.
 */
#include "rotate/agent.h"
#include "rotate/steps.h"

/* The password is read at each load and wiped after it: passwords rotate too. */
static int load(const struct agent *agent, const struct snapshot *snapshot, struct bundle **out,
                struct err *err)
{
        const struct config *config = agent->config;
        AUTO(secret_done_p) struct secret password = SECRET_INIT;

        if (config->key_password_file != NULL && secret_read(config->key_password_file, &password, err) != 0)
                return -1;
        if (bundle_load(snapshot, &config->names, config->key_password_file == NULL ? NULL : &password,
                        agent->good, out, err) == 0)
                return 0;
        return err_wrap(err, "%s", agent_source(agent));
}

void load_note_source(struct agent *agent, const struct snapshot *snapshot)
{
        AUTO(bundle_free_p) struct bundle *bundle = NULL;
        struct err err = ERR_INIT;

        if (load(agent, snapshot, &bundle, &err) == 0)
                agent_set_stage(agent, STAGE_SOURCE, bundle_leaf(bundle));
        else
                log_warn("source_unreadable", LOG_S("source", agent_source(agent)), LOG_ERR(&err));
}

enum step_result load_step(void *work, struct err *err)
{
        struct agent *agent = work;
        AUTO(bundle_free_p) struct bundle *bundle = NULL;

        if (load(agent, agent->snapshot, &bundle, err) != 0) {
                agent_set_stage(agent, STAGE_SOURCE, NULL);
                return STEP_FAILED;
        }
        agent_drop_candidate(agent);
        agent->candidate = TAKE(bundle);
        agent->candidate->content = agent->state.trying;
        agent_set_stage(agent, STAGE_SOURCE, bundle_leaf(agent->candidate));
        return STEP_DONE;
}
