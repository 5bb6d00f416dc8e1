// SPDX-License-Identifier: Apache-2.0
/*
 * Step `apply`: make the database take what is published, by reload or by graceful restart.
 *
 * A database that is not there, or refuses our login, is a state and no reason to go back: the published
 * bundle was judged sound, and a database that starts now would take it. So the step waits and tries again.
 * A database that refuses the files is a failure.
 */
#include "rotate/agent.h"
#include "rotate/api.h"
#include "rotate/steps.h"

#define RELOAD_LIMIT_MIN_MS    INT64_C(60000)
#define RELOAD_LIMIT_MAX_MS    INT64_C(3600000)
#define NOT_READY_PAUSE_MAX_MS INT64_C(15000)

/*
 * A reload may have to wait for handshakes in progress (MariaDB's FLUSH SSL does, without end under a storm
 * of connections) and a second statement on top makes it worse: so the limit follows what is left of the
 * certificate that is served meanwhile.
 */
static int64_t reload_limit(const struct agent *agent)
{
        const struct status_leaf *served = &agent->status.stages[STAGE_SERVED];
        int64_t left_ms = served->known ? (served->not_after.s - clock_wall().s) * 1000 / 4 : 0;

        if (left_ms > RELOAD_LIMIT_MAX_MS)
                return RELOAD_LIMIT_MAX_MS;
        return left_ms < RELOAD_LIMIT_MIN_MS ? RELOAD_LIMIT_MIN_MS : left_ms;
}

static void pause_then_retry(struct agent *agent, const struct err *err)
{
        int64_t max = err->kind == ERR_NOT_READY ? NOT_READY_PAUSE_MAX_MS : agent->config->retry_max_ms;

        if (!agent->waiting || err->kind != agent->status.error_kind)
                log_warn("database_waited_for", LOG_S("database", agent->config->instance), LOG_ERR(err));
        agent->waiting = true;
        agent->was_down = agent->was_down || err->kind == ERR_NOT_READY;
        /*
         * A database that is down may be so for long: others that only reload must not wait for it until
         * theirs expire. Those that restart must, or two would be down at once.
         */
        if (api_turn_is_leased(agent) && err->kind == ERR_NOT_READY && !agent->restarted) {
                api_want_turn(agent, false);
                agent->plan.turn = false;
        }
        agent->status.step_deadline = MONO_NEVER;
        agent_set_error(agent, err);
        agent->pause_ms = agent_next_pause(agent->pause_ms, agent->config->retry_min_ms, max);
        loop_timer_set(agent->pause, agent->pause_ms);
        /* What came before it was plain that it waits may be what is wanted now. */
        if (agent->rescan_wanted)
                loop_timer_set(agent->soon, 0);
}

/* A single run does not wait: what is published stays, and the next run goes on from here. */
static void leave(struct agent *agent, const struct err *err)
{
        log_warn("database_waited_for", LOG_S("database", agent->config->instance), LOG_ERR(err));
        agent_set_error(agent, err);
        agent->exit_code = 1;
        agent_end(agent);
}

/* Who gives the turns may restart the pod: with a controller that is waited for. */
static bool is_for_others(const struct agent *agent)
{
        return agent->status.plan.cannot_restart && !agent->once;
}

static void failed(struct agent *agent, const struct err *err)
{
        const bool waits = err_retry(err->kind) == RETRY_BACKOFF || is_for_others(agent);

        if (agent->rotation.rolling_back || !waits)
                rotation_step_ended(&agent->rotation, STEP_FAILED, err);
        else if (agent->once)
                leave(agent, err);
        else
                pause_then_retry(agent, err);
}

/*
 * Nobody listens: then it was not the database that refused. One that was not known to be there may have come
 * since: what it says itself is heard by trying once more.
 */
static void looked(struct agent *agent, const struct err *err)
{
        bool doubted = agent->refusal_doubted;

        agent->refusal_doubted = false;
        if (err != NULL && err->kind == ERR_NOT_READY) {
                failed(agent, err);
        } else if (!doubted && (agent->good == NULL || agent->was_down)) {
                agent->refusal_doubted = true;
                pause_then_retry(agent, &agent->refusal);
        } else {
                failed(agent, &agent->refusal);
        }
}

/*
 * TLS on or off is not for a reload. What mode the database is in under settings of somebody else nobody
 * knows: then it counts whether they change.
 */
static bool switches_mode(const struct agent *agent)
{
        if (agent->mode == TLS_UNMANAGED || agent->mode == agent->good_mode)
                return false;
        if (agent->good_mode != TLS_UNMANAGED)
                return true;
        return agent->rotation.rolling_back ? agent->settings_undone
                                            : settings_is_pending(agent->config->settings_file);
}

static bool by_restart(const struct agent *agent)
{
        const struct hook *hook = agent->database->hook;

        if (switches_mode(agent))
                return true;
        switch (agent->config->apply) {
        case CONFIG_APPLY_RELOAD:
                return false;
        case CONFIG_APPLY_RESTART:
                return true;
        case CONFIG_APPLY_AUTO:
                return hook->reload == NULL || !(hook->caps & HOOK_RELOADS) ||
                       (hook->needs_restart != NULL && hook->needs_restart(agent->database, agent->change));
        }
        return false;
}

static void apply_ended(enum op_state state, const struct err *err, void *arg)
{
        struct agent *agent = arg;

        agent->op = NULL;
        agent->status.plan.cannot_restart = state == OP_FAILED && agent->plan.given && agent->restarted &&
                                            (err->kind == ERR_PRIVILEGE || err->kind == ERR_USAGE);
        agent->status.reload_pending = false;
        if (state == OP_DONE) {
                agent->waiting = false;
                log_info(agent->restarted ? "database_restarted" : "database_reloaded",
                         LOG_S("database", agent->config->instance));
                rotation_step_ended(&agent->rotation, STEP_DONE, NULL);
        } else if (err->kind == ERR_ENGINE && !agent->restarted && by_restart(agent)) {
                /* The driver has learned meanwhile that this server cannot reload. */
                struct err why = ERR_INIT;

                if (apply_step(agent, &why) == STEP_FAILED)
                        rotation_step_ended(&agent->rotation, STEP_FAILED, &why);
        } else if (err->kind == ERR_ENGINE && !agent->rotation.rolling_back) {
                /* A command cannot tell a server that is not there from one that refuses. */
                agent->refusal = *err;
                (void)proof_start(agent, NULL, NULL, looked);
        } else {
                failed(agent, err);
        }
}

static bool start(struct agent *agent, struct err *err)
{
        const struct hook *hook = agent->database->hook;
        int64_t limit = reload_limit(agent);
        struct op *op = NULL;

        if (agent->restarted && hook->restart != NULL)
                op = hook->restart(agent->database, limit);
        else if (!agent->restarted && hook->reload != NULL)
                op = hook->reload(agent->database, limit);
        if (op == NULL) {
                (void)err_set(err, ERR_USAGE, "driver %s cannot %s: set another 'apply'", hook->name,
                              agent->restarted ? "restart" : "reload");
                return false;
        }
        agent->status.reload_pending = true;
        agent->status.step_deadline = clock_after(clock_mono(), limit + 5000);
        agent->op = loop_op_start(agent->loop, op, limit, apply_ended, agent);
        return true;
}

/* Settings were written for a turn that never came: as a rule what runs has started with those of before. */
static bool is_put_back(const struct agent *agent)
{
        return !agent->plan.turn && !agent->rotation.rolling_back && agent->good != NULL &&
               agent->change == CHANGE_NONE && !switches_mode(agent) && by_restart(agent);
}

/*
 * It may have been let act as far as a reload goes while another is out, also before this process. A turn by
 * a Lease may have been given back meanwhile.
 */
static bool restarts_in_turn_only(const struct agent *agent)
{
        return agent->plan.reload || agent->plan.phase != PLAN_NO_PHASE || api_turn_is_leased(agent);
}

/*
 * A switch of the mode is published out of turn and only the restart waits for it: parts of the settings are
 * read by a running server too (how Galera's state transfers are made), and must say the same on every member
 * before the first one joins again.
 */
static bool is_held(const struct agent *agent)
{
        if (agent->plan.turn || agent->rotation.rolling_back)
                return false;
        return switches_mode(agent) || is_put_back(agent) ||
               (restarts_in_turn_only(agent) && agent->good != NULL && by_restart(agent));
}

static void hold(struct agent *agent)
{
        struct err err;

        if (agent->once) {
                (void)err_set(&err, ERR_NOT_READY, "the restart waits for this instance's turn");
                leave(agent, &err);
                return;
        }
        if (!agent->status.plan.held)
                log_info("turn_waited_for", LOG_S("request", agent->plan.request),
                         LOG_S("tls", tls_mode_name(agent->mode)));
        agent->status.plan.held = true;
        agent->waiting = true;
        agent->status.step_deadline = MONO_NEVER;
        api_want_turn(agent, !agent->plan.given);
        api_report(agent);
}

/* Is the database that was waited for one that has started with the new files? */
static void looked_before_restart(struct agent *agent, const struct err *why)
{
        struct err err = ERR_INIT;

        if (why == NULL) {
                agent->waiting = false;
                log_info("database_started_with_it", LOG_S("database", agent->config->instance));
                rotation_step_ended(&agent->rotation, STEP_DONE, NULL);
        } else if (why->kind == ERR_NOT_READY) {
                failed(agent, why);
        } else if (is_held(agent)) {
                hold(agent);
        } else if (!start(agent, &err)) {
                rotation_step_ended(&agent->rotation, STEP_FAILED, &err);
        }
}

/* The leaf tells nothing when only authorities changed, and little of settings that were switched. */
static bool leaf_tells_of_a_start(const struct agent *agent)
{
        if (switches_mode(agent))
                return agent->was_down;
        return agent->change != CHANGE_AUTHORITIES;
}

static void asked_before_restart(enum op_state state, const struct err *err, void *arg)
{
        struct agent *agent = arg;

        agent->op = NULL;
        if (state == OP_FAILED && err->kind == ERR_NOT_READY)
                failed(agent, err);
        else
                (void)proof_start_absent(agent, bundle_leaf(agent->candidate), looked_before_restart);
}

/* With TLS off there is no leaf to see: it counts that it is there, and serves none. */
static void look_before_restart(struct agent *agent, const struct bundle *bundle)
{
        const struct hook *hook = agent->database->hook;

        if (agent->mode != TLS_OFF || agent->rotation.rolling_back)
                (void)proof_start(agent, bundle_leaf(bundle), &bundle->authorities, looked_before_restart);
        else
                agent->op = loop_op_start(agent->loop,
                                          hook->health(agent->database, agent->config->verify_limit_ms),
                                          agent->config->verify_limit_ms, asked_before_restart, agent);
}

/* Only authorities have changed, and it reads none. */
static bool is_nothing_to_it(const struct agent *agent)
{
        return (agent->database->hook->caps & HOOK_READS_NO_CA) && agent->change == CHANGE_AUTHORITIES &&
               agent->good != NULL && !switches_mode(agent) && agent->config->apply != CONFIG_APPLY_RESTART;
}

enum step_result apply_step(void *work, struct err *err)
{
        struct agent *agent = work;
        const struct bundle *bundle = agent->rotation.rolling_back ? agent->good : agent->candidate;
        bool held = is_held(agent);

        /* Servers refuse to read files that they do not use; they are there for the day that TLS is on. */
        if (agent->mode == TLS_OFF && !switches_mode(agent))
                return STEP_DONE;
        if (is_nothing_to_it(agent))
                return STEP_DONE;
        if (held && agent->good != NULL && !is_put_back(agent)) {
                hold(agent);
                return STEP_WAIT;
        }
        agent->restarted = by_restart(agent);
        /* A database that waited for its first bundle needs no turn to start. */
        if (agent->restarted && bundle != NULL &&
            (held || (agent->waiting && leaf_tells_of_a_start(agent)))) {
                look_before_restart(agent, bundle);
                return STEP_WAIT;
        }
        return start(agent, err) ? STEP_WAIT : STEP_FAILED;
}
