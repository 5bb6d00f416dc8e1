// SPDX-License-Identifier: Apache-2.0
/*
 * Steps `files-restart` and `files-prove`. A database that is not there needs no restart: it takes the files
 * when it comes; whether it comes is for the proof to see.
 *
 * A database that cannot start with the files is started again and again by its supervisor, and comes once
 * the files of before are back.
 */
#include "base/mem.h"
#include "rotate/custom.h"
#include "rotate/custom_layout.h"
#include "rotate/custom_steps.h"

#include <stdio.h>

#define PAUSE_MIN_MS     20
#define PAUSE_MAX_MS     1000
#define RESTART_LEAST_MS INT64_C(60000)

static bool rolls_back(const struct custom *custom)
{
        return custom->rotation.rolling_back;
}

static void restart_ended(enum op_state state, const struct err *err, void *arg)
{
        struct custom *custom = arg;

        custom->op = NULL;
        if (state == OP_DONE) {
                custom->agent->status.plan.cannot_restart = false;
                log_info("database_restarted", LOG_S("database", custom->agent->config->instance));
                rotation_step_ended(&custom->rotation, STEP_DONE, NULL);
        } else if (err->kind == ERR_NOT_READY) {
                rotation_step_ended(&custom->rotation, STEP_DONE, NULL);
        } else {
                const bool cannot = err->kind == ERR_PRIVILEGE || err->kind == ERR_USAGE;

                /* Not allowed to, or no way to: then it goes on running as it did. */
                if (!rolls_back(custom) && (cannot || err->kind == ERR_AUTH))
                        custom->restarted = false;
                if (!rolls_back(custom) && cannot)
                        custom->agent->status.plan.cannot_restart = custom->agent->plan.given;
                rotation_step_ended(&custom->rotation, STEP_FAILED, err);
        }
}

enum step_result custom_restart_step(void *work, struct err *err)
{
        struct custom *custom = work;
        struct agent *agent = custom->agent;
        const struct hook *hook = agent->database->hook;
        int64_t limit = agent->config->restart_limit_ms;
        struct op *op;

        if (!rolls_back(custom) && custom->first)
                return STEP_ENOUGH;
        if (custom_spares(custom))
                custom->restarted = false;
        if ((rolls_back(custom) && !custom->restarted) || custom_spares(custom))
                return STEP_DONE;
        limit = limit < RESTART_LEAST_MS ? RESTART_LEAST_MS : limit;
        op = hook->restart == NULL ? NULL : hook->restart(agent->database, limit);
        if (op == NULL) {
                (void)err_set(err, ERR_USAGE, "driver %s cannot restart", hook->name);
                return STEP_FAILED;
        }
        custom->restarted = true;
        agent->status.step_deadline = clock_after(clock_mono(), limit + 5000);
        custom->op = loop_op_start(agent->loop, op, limit, restart_ended, custom);
        return STEP_WAIT;
}

/* What people are to read: not that a handshake failed, but that the database did not come. */
static void explain(const struct custom *custom, struct err *err)
{
        int64_t seconds = (clock_mono().ms - custom->began.ms + 500) / 1000;

        if (err->kind == ERR_NOT_READY || err->kind == ERR_NETWORK)
                err_wrap_(err, "the database did not come back within %lld s", (long long)seconds);
        else
                err_wrap_(err, "after the restart");
}

static void look_again(struct custom *custom, const struct err *err)
{
        bool down = err->kind == ERR_NOT_READY || err->kind == ERR_NETWORK;
        struct err why = *err;

        if (clock_mono().ms < custom->until.ms) {
                custom->pause_ms = agent_next_pause(custom->pause_ms, PAUSE_MIN_MS, PAUSE_MAX_MS);
                loop_timer_set(custom->pause, custom->pause_ms);
                return;
        }
        /* It takes the files of before when it comes: nothing worse is served. */
        if (rolls_back(custom) && down) {
                log_warn("database_still_down", LOG_S("database", custom->agent->config->instance),
                         LOG_ERR(err));
                rotation_step_ended(&custom->rotation, STEP_DONE, NULL);
                return;
        }
        explain(custom, &why);
        rotation_step_ended(&custom->rotation, STEP_FAILED, &why);
}

/* Nobody was restarted, as asked: what that leaves out is told, and is no failure. */
static void leave_pending(struct custom *custom, const char *what)
{
        custom->pending = true;
        (void)snprintf(custom->pending_text, sizeof(custom->pending_text), "%s", what);
        log_info("restart_pending", LOG_S("secret", custom->agent->config->custom.secret),
                 LOG_S("text", custom->pending_text));
        rotation_step_ended(&custom->rotation, STEP_DONE, NULL);
}

static void values_ended(enum op_state state, const struct err *err, void *arg)
{
        struct custom *custom = arg;

        custom->op = NULL;
        if (state == OP_DONE)
                rotation_step_ended(&custom->rotation, STEP_DONE, NULL);
        else if (err->kind == ERR_MISMATCH && custom_spares(custom))
                leave_pending(custom, err->text);
        else if (err->kind == ERR_MISMATCH)
                rotation_step_ended(&custom->rotation, STEP_FAILED, err);
        else
                look_again(custom, err);
}

static struct op *values_op(const struct custom *custom)
{
        const struct agent *agent = custom->agent;
        const struct hook *hook = agent->database->hook;
        size_t n = custom->files == NULL ? 0 : custom->files->n;
        AUTO(mem_free_p) struct custom_text *texts = custom_layout_texts(custom->files);

        if (hook->custom_prove == NULL || n == 0)
                return NULL;
        return hook->custom_prove(agent->database, texts, n, agent->config->verify_limit_ms);
}

/* In a rollback it is proof enough that it serves as before. */
static void ask_values(struct custom *custom)
{
        struct op *op = rolls_back(custom) ? NULL : values_op(custom);

        if (op == NULL && custom_spares(custom) && !rolls_back(custom))
                leave_pending(custom, "what needs a restart is not in force");
        else if (op == NULL)
                rotation_step_ended(&custom->rotation, STEP_DONE, NULL);
        else
                custom->op = loop_op_start(custom->agent->loop, op, custom->agent->config->verify_limit_ms,
                                           values_ended, custom);
}

static void served(struct agent *agent, const struct err *err)
{
        struct custom *custom = agent->custom;

        custom->proving = false;
        if (err != NULL)
                look_again(custom, err);
        else
                ask_values(custom);
}

/* Without health to ask, a listener that answers is what there is. */
static void look_at_listeners(struct custom *custom)
{
        struct agent *agent = custom->agent;
        bool serves = agent->good != NULL && agent->good_mode != TLS_OFF;

        if (!serves && agent->database->hook->health != NULL) {
                ask_values(custom);
                return;
        }
        custom->proving = true;
        (void)proof_start(agent, serves ? bundle_leaf(agent->good) : NULL,
                          serves ? &agent->good->authorities : NULL, served);
}

static void health_ended(enum op_state state, const struct err *err, void *arg)
{
        struct custom *custom = arg;

        custom->op = NULL;
        agent_note_facts(custom->agent);
        if (state != OP_DONE)
                look_again(custom, err);
        else
                look_at_listeners(custom);
}

enum step_result custom_prove_step(void *work, struct err *err UNUSED)
{
        struct custom *custom = work;
        struct agent *agent = custom->agent;
        const struct hook *hook = agent->database->hook;

        /* Entered anew by every look; the limit counts from the first. */
        if (custom->until.ms == 0) {
                custom->began = clock_mono();
                custom->until = clock_after(custom->began, agent->config->restart_limit_ms);
                agent->status.step_deadline = clock_after(custom->until, 15000);
                custom->pause_ms = 0;
                custom->pending = false;
        }
        if (hook->health == NULL)
                look_at_listeners(custom);
        else
                custom->op = loop_op_start(agent->loop,
                                           hook->health(agent->database, agent->config->verify_limit_ms),
                                           agent->config->verify_limit_ms, health_ended, custom);
        return STEP_WAIT;
}
