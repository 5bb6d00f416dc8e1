// SPDX-License-Identifier: Apache-2.0
/*
 * Step `verify`: nothing counts but a fresh handshake with every listener that shows the published leaf,
 * trusted by a client that holds the published authorities; then the engine's own health.
 *
 * Going forward the expected leaf is the candidate's, in a rollback the last good one's. In mode off nothing
 * of it may be served: then the order is turned round.
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

static void passed(struct agent *agent)
{
        rotation_step_ended(&agent->rotation, STEP_DONE, NULL);
}

static bool serves_tls(const struct agent *agent)
{
        return (agent->rotation.rolling_back ? agent->good_mode : agent->mode) != TLS_OFF;
}

static void prove(struct agent *agent);

static void health_ended(enum op_state state, const struct err *err, void *arg)
{
        struct agent *agent = arg;

        agent->op = NULL;
        agent_note_facts(agent);
        if (state != OP_DONE)
                look_again(agent, err);
        else if (serves_tls(agent))
                passed(agent);
        else
                prove(agent);
}

static void ask_health(struct agent *agent)
{
        const struct hook *hook = agent->database->hook;

        if (hook->health == NULL) {
                passed(agent);
                return;
        }
        agent->op = loop_op_start(agent->loop, hook->health(agent->database, agent->config->verify_limit_ms),
                                  agent->config->verify_limit_ms, health_ended, agent);
}

static void proof_ended(struct agent *agent, const struct err *err)
{
        if (err != NULL)
                look_again(agent, err);
        else if (serves_tls(agent))
                ask_health(agent);
        else
                passed(agent);
}

/* What is to be served: the candidate going forward, in a rollback the last good one, if there is any. */
static void prove(struct agent *agent)
{
        const struct bundle *expected = agent->rotation.rolling_back ? agent->good : agent->candidate;

        if (expected == NULL)
                passed(agent);
        else if (!serves_tls(agent))
                (void)proof_start_absent(agent, bundle_leaf(expected), proof_ended);
        else
                (void)proof_start(agent, bundle_leaf(expected), &expected->authorities, proof_ended);
}

enum step_result verify_step(void *work, struct err *err UNUSED)
{
        struct agent *agent = work;
        int64_t limit = agent->restarted ? agent->config->restart_limit_ms : agent->config->verify_limit_ms;

        /* Entered anew by every look; the limit counts from the first. */
        if (agent->verify_until.ms == 0) {
                agent->verify_until = clock_after(clock_mono(), limit);
                agent->status.step_deadline = clock_after(agent->verify_until, 15000);
                agent->pause_ms = 0;
        }
        /* A listener that is not there serves no certificate either: first the database must be well. */
        if (serves_tls(agent) && (agent->good != NULL || !agent->rotation.rolling_back))
                prove(agent);
        else
                ask_health(agent);
        return STEP_WAIT;
}
