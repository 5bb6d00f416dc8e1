// SPDX-License-Identifier: Apache-2.0
/*
 * By the driver's own health where it can be asked, which wants its cluster to be well too; else by whoever
 * listens: that no TLS is spoken was proven when it was switched off.
 */
#include "rotate/plain.h"

#include "rotate/custom.h"
#include "rotate/wish.h"

#define LOOK_LIMIT_MS 5000
#define BUSY_PAUSE_MS 200
#define PAUSE_MAX_MS  INT64_C(15000)

static bool is_of_interest(const struct agent *agent)
{
        return agent->mode == TLS_OFF && agent->plan.given && !agent->once;
}

/* Whoever asks meanwhile does not put it off. */
static void wait(struct agent *agent, int64_t ms)
{
        if (!agent->plain_waits)
                loop_timer_set(agent->plain, ms);
        agent->plain_waits = true;
}

bool plain_has_answered(struct agent *agent)
{
        if (!is_of_interest(agent) || agent->answers)
                return true;
        /* Not from here: the caller may be about to start a rotation. */
        wait(agent, agent->plain_pause_ms);
        return false;
}

static void answered(struct agent *agent)
{
        agent->answers = true;
        agent->plain_pause_ms = 0;
        if (agent->status.error_kind == ERR_NOT_READY)
                agent_set_error(agent, NULL);
        wish_note_done(agent);
}

static void look_again(struct agent *agent, const struct err *err)
{
        if (agent->status.error_kind == ERR_NONE) {
                log_warn("database_waited_for", LOG_S("database", agent->config->instance), LOG_ERR(err));
                agent_set_error(agent, err);
        }
        agent->plain_pause_ms =
                agent_next_pause(agent->plain_pause_ms, agent->config->retry_min_ms, PAUSE_MAX_MS);
        wish_note_done(agent);
}

/* Whoever has a word to say is there, whether we understand it or not. */
static void listened(struct agent *agent, const struct err *err)
{
        if (err != NULL && (err->kind == ERR_NOT_READY || err->kind == ERR_TIMEOUT))
                look_again(agent, err);
        else
                answered(agent);
}

static void asked(enum op_state state, const struct err *err, void *arg)
{
        struct agent *agent = arg;

        agent->op = NULL;
        agent_note_facts(agent);
        if (state == OP_DONE)
                answered(agent);
        else if (err->kind == ERR_AUTH || err->kind == ERR_PRIVILEGE || err->kind == ERR_USAGE)
                (void)proof_start(agent, NULL, NULL, listened);
        else
                look_again(agent, err);
}

void plain_look(void *arg)
{
        struct agent *agent = arg;
        const struct hook *hook = agent->database->hook;

        agent->plain_waits = false;
        /* What is under way is noted at its end, and comes here again. */
        if (!is_of_interest(agent) || agent->answers || !rotation_is_idle(&agent->rotation) ||
            custom_is_busy(agent))
                return;
        if (agent->op != NULL || agent->proof != NULL)
                wait(agent, BUSY_PAUSE_MS);
        else if (hook->health == NULL)
                (void)proof_start(agent, NULL, NULL, listened);
        else
                agent->op = loop_op_start(agent->loop, hook->health(agent->database, LOOK_LIMIT_MS),
                                          LOOK_LIMIT_MS, asked, agent);
}
