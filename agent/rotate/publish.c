// SPDX-License-Identifier: Apache-2.0
/*
 * Step `publish`: the commit point. One rename; the generation before it stays.
 */
#include "base/mem.h"
#include "rotate/agent.h"
#include "rotate/steps.h"
#include "rotate/wish.h"

static enum step_result publish(struct agent *agent, int64_t generation, const struct bundle *bundle,
                                struct err *err)
{
        if (generation_publish(agent->store, generation, err) != 0)
                return STEP_FAILED;
        agent_set_published(agent, bundle, generation);
        return STEP_DONE;
}

/* Behind the files: a database that starts in between finds the old settings, or both new. */
static enum step_result publish_settings(struct agent *agent, struct err *err)
{
        const char *file = agent->config->settings_file;

        if (agent->mode == TLS_UNMANAGED)
                return STEP_DONE;
        if (settings_publish(file, err) != 0)
                return STEP_FAILED;
        agent->database->mode = agent->mode;
        if (settings_is_pending(file))
                log_info("settings_written", LOG_S("file", file), LOG_S("tls", tls_mode_name(agent->mode)));
        return STEP_DONE;
}

static int undo_settings(struct agent *agent, struct err *err)
{
        AUTO(mem_free_p) char *generation = generation_path(agent->store, agent->state.generation);
        const struct settings_wish wish = { agent->mode, generation };
        const char *file = agent->config->settings_file;
        bool edited;

        if (agent->mode == TLS_UNMANAGED)
                return 0;
        agent->settings_undone = agent->settings_undone || settings_is_pending(file);
        if (settings_undo(agent->database, file, &wish, &edited, err) != 0)
                return -1;
        if (edited)
                log_warn("settings_edited_meanwhile", LOG_S("file", file),
                         LOG_S("kept", "beside it, as .….certrotate-rejected"));
        agent->database->mode = agent->good_mode;
        return 0;
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
        return result == STEP_DONE ? publish_settings(agent, err) : result;
}

enum step_result publish_undo(void *work, struct err *err)
{
        struct agent *agent = work;

        log_warn("rollback_started", LOG_S("bundle", agent->config->alias), LOG_I("to", agent->state.good),
                 LOG_I("from", agent->state.generation), LOG_ERR(&agent->rotation.failure));
        agent->status.rollbacks++;
        agent_drop_upcoming(agent);
        /* Others that hold the same may have to let go of it before the database can be here again. */
        if (agent->restarted)
                wish_note_failing(agent);
        if (undo_settings(agent, err) != 0)
                return STEP_FAILED;
        /*
         * The very first bundle: there is nothing to go back to, and nothing that served better; but for the
         * database's own settings, with which it comes back as it was.
         */
        if (agent->state.good == 0 || agent->good == NULL) {
                agent->rotation.undone = agent->settings_undone;
                return agent->rotation.undone ? STEP_DONE : STEP_ENOUGH;
        }
        return publish(agent, agent->state.good, agent->good, err);
}
