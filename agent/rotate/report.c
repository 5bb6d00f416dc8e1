// SPDX-License-Identifier: Apache-2.0
/*
 * Step `report`: the outcome, in state, status and log. The last step of both tables; it cannot fail the
 * rotation any more.
 */
#include "base/mem.h"
#include "rotate/agent.h"
#include "rotate/steps.h"
#include "rotate/tell.h"
#include "rotate/wish.h"

#include <stdio.h>

/* The bundle itself is at fault, not its way to the database. */
static bool is_refusal(enum err_kind kind)
{
        return kind == ERR_REFUSED || kind == ERR_PARSE || kind == ERR_MISSING || kind == ERR_LIMIT ||
               kind == ERR_CHANGED;
}

static enum status_result result_of(const struct rotation *rotation)
{
        if (rotation->failure.kind == ERR_NONE)
                return RESULT_SUCCESS;
        if (rotation->degraded)
                return RESULT_DEGRADED;
        if (rotation->undone)
                return RESULT_ROLLED_BACK;
        return is_refusal(rotation->failure.kind) ? RESULT_REFUSED : RESULT_FAILED;
}

static void settle(const struct agent *agent)
{
        AUTO(mem_free_p) char *generation = generation_path(agent->store, agent->state.good);
        const struct settings_wish was = { agent->good_mode, generation };

        settings_settle(agent->database, agent->config->settings_file, &was);
}

/* A resumed rotation may have no key: the one of the same leaf goes on serving. */
static void keep_candidate(struct agent *agent)
{
        if (agent->good != NULL && agent->good->key != NULL && agent->candidate->key == NULL &&
            hex_fingerprint_equal(&bundle_leaf(agent->good)->fp, &bundle_leaf(agent->candidate)->fp))
                agent->candidate->key = TAKE(agent->good->key);
        bundle_free(agent->good);
        agent->good = TAKE(agent->candidate);
        agent->database->published = agent->good;
        if (agent->mode != TLS_UNMANAGED)
                settle(agent);
        agent->good_mode = agent->mode;
}

/* Of a cluster's members it is the links among them that trust more and more. */
static bool trust_grows(const struct database *database)
{
        return (database->hook->caps & HOOK_TRUST_GROWS) != 0 &&
               ((database->hook->caps & HOOK_CLUSTERED) == 0 || database->facts.clustered);
}

/* Dropped, and yet trusted until the engine restarts. */
static void note_pruned(struct agent *agent)
{
        bool drops = false;

        if (agent->restarted || !trust_grows(agent->database)) {
                agent->state.pruned.s = 0;
                return;
        }
        for (size_t i = 0; agent->good != NULL && i < agent->good->authorities.n; i++)
                drops = drops ||
                        !chain_has(&agent->candidate->authorities, &agent->good->authorities.certs[i]->fp);
        if (drops)
                agent->state.pruned = clock_wall();
}

static void succeeded(struct agent *agent)
{
        int64_t before = agent->state.good;
        struct err err = ERR_INIT;

        agent->failures = 0;
        agent->state.settled = agent->candidate->content;
        agent->state.judged = (struct fingerprint){ { 0 } };
        agent->state.reason = ERR_NONE;
        agent->state.text[0] = '\0';
        agent->state.degraded = false;
        agent->status.degraded = false;
        agent->status.first_publish_done = true;
        agent->bundle_done = true;
        wish_note_done(agent);
        note_pruned(agent);
        agent_set_error(agent, NULL);
        if (!agent->unchanged) {
                agent->state.good = agent->state.generation;
                agent->state.last_success = clock_wall();
                agent->status.last_success = agent->state.last_success;
        }
        keep_candidate(agent);
        if (!agent->unchanged && generation_prune(agent->store, before, &err) != 0)
                log_warn("prune_failed", LOG_ERR(&err));
}

/* Content that was judged is not tried again until it changes, or until what failed may have passed. */
static void failed(struct agent *agent, enum status_result result)
{
        const struct err *why = &agent->rotation.failure;

        agent->failures++;
        agent->state.reason = why->kind;
        (void)snprintf(agent->state.text, sizeof(agent->state.text), "%s", why->text);
        agent->state.degraded = result == RESULT_DEGRADED;
        agent->status.degraded = agent->state.degraded;
        agent->state.judged = agent->state.trying;
        agent_set_error(agent, why);
}

static void log_outcome(const struct agent *agent, enum status_result result)
{
        const struct err *why = &agent->rotation.failure;
        int64_t ms = (clock_us() - agent->rotation_began_us) / 1000;
        const char *bundle = agent->config->alias;

        switch (result) {
        case RESULT_SUCCESS:
                log_info("rotation_succeeded", LOG_S("bundle", bundle),
                         LOG_I("generation", agent->state.good),
                         LOG_FP("fingerprint", &bundle_leaf(agent->good)->fp), LOG_I("ms", ms),
                         LOG_B("unchanged", agent->unchanged));
                break;
        case RESULT_REFUSED:
                log_warn("bundle_refused", LOG_S("bundle", bundle), LOG_ERR(why));
                break;
        case RESULT_FAILED:
                log_error("rotation_failed", LOG_S("bundle", bundle), LOG_I("ms", ms), LOG_ERR(why));
                break;
        case RESULT_ROLLED_BACK:
                log_error("rotation_rolled_back", LOG_S("bundle", bundle),
                          LOG_I("generation", agent->state.good), LOG_I("ms", ms), LOG_ERR(why));
                break;
        case RESULT_DEGRADED:
                log_error("rotation_degraded", LOG_S("bundle", bundle), LOG_I("ms", ms), LOG_ERR(why));
                break;
        case RESULTS:
                break;
        }
}

static int exit_code_of(const struct agent *agent, enum status_result result)
{
        static const int codes[] = {
                [RESULT_SUCCESS] = 3,     [RESULT_REFUSED] = 1,  [RESULT_FAILED] = 1,
                [RESULT_ROLLED_BACK] = 4, [RESULT_DEGRADED] = 5, [RESULTS] = 1,
        };

        /* With --once a resumed rotation is followed by a look at the source: what the first did still
         * counts. */
        if (agent->unchanged && result == RESULT_SUCCESS)
                return agent->exit_code;
        return codes[result];
}

enum step_result report_step(void *work, struct err *err UNUSED)
{
        struct agent *agent = work;
        enum status_result result = result_of(&agent->rotation);

        /* Half-written plain directory: not judged, looked at again soon. */
        if (agent->rotation.failure.kind == ERR_CHANGED && result == RESULT_REFUSED)
                return STEP_DONE;
        if (result == RESULT_SUCCESS)
                succeeded(agent);
        else
                failed(agent, result);
        if (!agent->unchanged || result != RESULT_SUCCESS) {
                agent->status.rotations[result]++;
                agent->status.last_result = result;
                agent->status.last_rotation = clock_wall();
        }
        agent->status.last_successful = result == RESULT_SUCCESS;
        agent->exit_code = exit_code_of(agent, result);
        log_outcome(agent, result);
        tell_outcome(agent, result);
        return STEP_DONE;
}
