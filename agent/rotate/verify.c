// SPDX-License-Identifier: Apache-2.0
/*
 * Step `verify`: nothing counts but a fresh handshake with every listener that shows the published leaf,
 * trusted by a client that holds the published authorities; then the engine's own health.
 *
 * Going forward the expected leaf is the candidate's, in a rollback the last good one's.
 */
#include "rotate/agent.h"
#include "rotate/steps.h"

#define PAUSE_MIN_MS 20
#define PAUSE_MAX_MS 1000

static void look_again(struct agent *agent, const struct err *err)
{
        struct mono now = clock_mono();
        bool down = err->kind == ERR_NOT_READY || err->kind == ERR_NETWORK;

        if (now.ms >= agent->verify_until.ms) {
                /* A database that is gone serves nothing worse: the old files are back, it takes them when it
                 * comes. */
                bool enough = agent->rotation.rolling_back && down;

                rotation_step_ended(&agent->rotation, enough ? STEP_DONE : STEP_FAILED, err);
                return;
        }
        agent->pause_ms = agent_next_pause(agent->pause_ms, PAUSE_MIN_MS, PAUSE_MAX_MS);
        loop_timer_set(agent->pause, agent->pause_ms);
}

static void health_ended(enum op_state state, const struct err *err, void *arg)
{
        struct agent *agent = arg;

        agent->op = NULL;
        agent_note_facts(agent);
        if (state == OP_DONE)
                rotation_step_ended(&agent->rotation, STEP_DONE, NULL);
        else
                look_again(agent, err);
}

static void proof_ended(struct agent *agent, const struct err *err)
{
        const struct hook *hook = agent->database->hook;

        if (err != NULL) {
                look_again(agent, err);
                return;
        }
        if (hook->health == NULL) {
                rotation_step_ended(&agent->rotation, STEP_DONE, NULL);
                return;
        }
        agent->op = loop_op_start(agent->loop, hook->health(agent->database, agent->config->verify_limit_ms),
                                  agent->config->verify_limit_ms, health_ended, agent);
}

enum step_result verify_step(void *work, struct err *err UNUSED)
{
        struct agent *agent = work;
        const struct bundle *expected = agent->rotation.rolling_back ? agent->good : agent->candidate;
        int64_t limit = agent->restarted ? agent->config->restart_limit_ms : agent->config->verify_limit_ms;

        /* Entered anew by every look; the limit counts from the first. */
        if (agent->verify_until.ms == 0) {
                agent->verify_until = clock_after(clock_mono(), limit);
                agent->status.step_deadline = clock_after(agent->verify_until, 15000);
                agent->pause_ms = 0;
        }
        (void)proof_start(agent, bundle_leaf(expected), &expected->authorities, proof_ended);
        return STEP_WAIT;
}
