// SPDX-License-Identifier: Apache-2.0
/*
 * The life of the agent between rotations, and the edges of each.
 *
 * After a kill the published directory and the state file together tell where the rotation was. Every step
 * that was under way maps to the last stable one: before the rename nothing has happened; after it the
 * database is told (again) and the proof is made (again); a rollback starts over.
 */
#include "rotate/flow.h"

#include "base/mem.h"
#include "rotate/api.h"
#include "rotate/breakpoint.h"
#include "rotate/custom.h"
#include "rotate/layout.h"
#include "rotate/scan.h"
#include "rotate/tell.h"
#include "rotate/wish.h"

#include <stdio.h>
#include <string.h>

#define STEP_SLACK_MS  5000
#define BEGIN_LIMIT_MS 5000

static int index_of(const struct status *status, const char *name)
{
        for (size_t i = 0; i < status->n_steps; i++)
                if (strcmp(status->step_names[i], name) == 0)
                        return (int)i;
        return -1;
}

static void note_step_time(struct agent *agent)
{
        int64_t now = clock_us();

        if (agent->step_index >= 0)
                histogram_add(&agent->status.step_times[agent->step_index], now - agent->step_began_us);
        agent->step_began_us = now;
        agent->step_index = -1;
}

static void save(const struct agent *agent)
{
        struct err err = ERR_INIT;

        if (state_save(&agent->state, &err) != 0)
                log_error("state_not_saved", LOG_ERR(&err));
}

void flow_entered(void *arg, const struct step *step, bool rolling_back)
{
        struct agent *agent = arg;
        struct status *status = &agent->status;
        bool changes_nothing = strcmp(step->name, "load") == 0 || strcmp(step->name, "validate") == 0;

        note_step_time(agent);
        agent->step_index = index_of(status, step->name);
        (void)snprintf(status->step, sizeof(status->step), "%s", step->name);
        status->rolling_back = rolling_back;
        status->step_since = clock_wall();
        status->step_deadline = clock_after(clock_mono(), step->limit_ms + STEP_SLACK_MS);
        agent->verify_until.ms = 0;
        agent->pause_ms = 0;
        if (!changes_nothing) {
                (void)snprintf(agent->state.step, sizeof(agent->state.step), "%s", step->name);
                agent->state.rolling_back = rolling_back;
                agent->state.since = status->step_since;
                if (rolling_back) {
                        agent->state.reason = agent->rotation.failure.kind;
                        (void)snprintf(agent->state.text, sizeof(agent->state.text), "%s",
                                       agent->rotation.failure.text);
                }
                save(agent);
        }
        tell_entered(agent, step, rolling_back);
        breakpoint_reached(step->name, rolling_back);
}

/* From the swap to here, as far as the clock of the file system tells. */
static void note_detection(struct agent *agent)
{
        int64_t us = agent->snapshot->swapped_us == 0 ? -1 : clock_wall_us() - agent->snapshot->swapped_us;

        if (us >= 0 && us < INT64_C(86400) * 1000000)
                histogram_add(&agent->status.detection, us);
}

static void abandon(struct agent *agent)
{
        loop_op_cancel(agent->op);
        agent->op = NULL;
        proof_cancel(agent->proof);
        loop_timer_clear(agent->pause);
        rotation_abandon(&agent->rotation);
        agent->waiting = false;
        agent->was_down = false;
        agent->refusal_doubted = false;
        agent->status.reload_pending = false;
}

bool flow_yield(struct agent *agent)
{
        if (rotation_is_idle(&agent->rotation))
                return true;
        if (!agent->waiting || !agent->was_down || agent->rotation.rolling_back)
                return false;
        abandon(agent);
        agent->yielded = true;
        return true;
}

void flow_rotate(struct agent *agent, struct snapshot *snapshot, const struct fingerprint *target)
{
        abandon(agent);
        loop_timer_clear(agent->retry);
        agent->held_forced = false;
        agent->tried_again = false;
        snapshot_free(agent->snapshot);
        agent->snapshot = snapshot;
        agent_drop_upcoming(agent);
        agent->unchanged = false;
        agent->restarted = false;
        agent->settings_undone = false;
        agent->change = CHANGE_FIRST;
        agent->rotation_began_us = clock_us();
        agent->step_began_us = agent->rotation_began_us;
        agent->step_index = -1;
        agent->state.trying = *target;
        agent->state.generation = agent->store->last + 1;
        note_detection(agent);
        log_info("source_changed", LOG_S("bundle", agent->config->alias),
                 LOG_FP("content", &snapshot->content), LOG_B("atomic", snapshot->atomic));
        rotation_start(&agent->rotation);
}

/* A first bundle that failed stays published; with settings of ours it is not tried again by itself. */
static bool was_given_up(const struct agent *agent)
{
        return agent->mode != TLS_UNMANAGED && agent->state.good == 0 &&
               !hex_fingerprint_is_none(&agent->state.judged) &&
               hex_fingerprint_equal(&agent->state.judged, &agent->candidate->content);
}

/*
 * Goes on with what is published: never proven (killed in between, or its successor was refused), or, with
 * `again`, proven once and no longer served.
 */
static bool resume(struct agent *agent, bool again)
{
        struct err failure = { agent->state.reason, 0, "" };
        struct err err = ERR_INIT;
        bool back = agent->state.rolling_back && agent->state.step[0] != '\0';
        int64_t current = 0;
        int64_t unproven;
        const char *step;

        if (generation_current(agent->store, &current, &err) != 0) {
                log_error("publish_unreadable", LOG_ERR(&err));
                return false;
        }
        unproven = back ? agent->state.generation : current;
        if (!back && (current == 0 || (current == agent->state.good && !again)))
                return false;
        agent->settings_undone = back;
        agent_drop_candidate(agent);
        if (layout_read(agent, unproven, &agent->candidate, &agent->mode, &err) != 0 && !back) {
                log_warn("resume_impossible", LOG_I("generation", unproven), LOG_ERR(&err));
                return false;
        }
        if (!back && was_given_up(agent)) {
                agent_drop_candidate(agent);
                return false;
        }
        /* Settings may still have to follow the files. */
        step = agent->mode != TLS_UNMANAGED ? "publish" : "apply";
        agent->state.generation = unproven;
        agent_note_resumed(agent);
        agent->rotation_began_us = clock_us();
        agent->unchanged = false;
        agent->rescan_wanted = true;
        log_info("rotation_resumed", LOG_S("bundle", agent->config->alias), LOG_I("generation", unproven),
                 LOG_S("step", back ? "unpublish" : step));
        (void)snprintf(failure.text, sizeof(failure.text), "%s", agent->state.text);
        if (back)
                return rotation_resume(&agent->rotation, &failure, "unpublish");
        agent_set_published(agent, agent->candidate, current);
        return rotation_resume(&agent->rotation, NULL, step);
}

static bool superseded_a_published_one(const struct agent *agent)
{
        return agent->rotation.failure.kind != ERR_NONE && !agent->rotation.undone &&
               agent->state.good != 0 && agent->status.generation != agent->state.good;
}

void flow_ended(void *arg)
{
        struct agent *agent = arg;

        note_step_time(agent);
        (void)snprintf(agent->status.step, sizeof(agent->status.step), "idle");
        agent->status.rolling_back = false;
        agent->status.step_since = clock_wall();
        agent->status.step_deadline = MONO_NEVER;
        agent->waiting = false;
        agent->state.step[0] = '\0';
        agent->state.rolling_back = false;
        save(agent);
        agent_drop_candidate(agent);
        agent_drop_upcoming(agent);
        if (agent->stopping) {
                agent_end(agent);
                return;
        }
        if (agent->once && !agent->rescan_wanted) {
                if (!custom_start(agent))
                        agent_end(agent);
                return;
        }
        if (superseded_a_published_one(agent) && resume(agent, false))
                return;
        api_want_turn(agent, agent->rescan_wanted);
        scan_later(agent);
        if (agent->config->reverify_ms > 0)
                loop_timer_set(agent->reverify, agent->config->reverify_ms);
        custom_look_soon(agent);
}

void flow_custom_over(struct agent *agent)
{
        bool yielded = agent->yielded;

        if (!agent->begun)
                return;
        agent->yielded = false;
        if (agent->stopping || agent->once) {
                agent_end(agent);
                return;
        }
        api_want_turn(agent, false);
        if (!yielded || !resume(agent, false))
                scan_now(agent, false);
}

/* Half a generation from before a kill; and which one is the last good one when no state tells. */
static void tidy(struct agent *agent)
{
        struct err err = ERR_INIT;

        if (agent->state.good != 0 &&
            layout_read(agent, agent->state.good, &agent->good, &agent->good_mode, &err) != 0) {
                log_warn("last_good_unreadable", LOG_I("generation", agent->state.good), LOG_ERR(&err));
                agent->state.good = 0;
        }
        if (generation_prune(agent->store, agent->state.good, &err) != 0)
                log_warn("prune_failed", LOG_ERR(&err));
        if (agent->good != NULL)
                agent_set_published(agent, agent->good, agent->state.good);
        agent->database->mode = agent->good_mode;
}

static bool something_else_is_served(const struct agent *agent)
{
        const struct status_leaf *served = &agent->status.stages[STAGE_SERVED];

        bool same = agent->good != NULL && served->known &&
                    hex_fingerprint_equal(&served->fp, &bundle_leaf(agent->good)->fp);

        if (agent->good == NULL || !served->known || agent->state.degraded)
                return false;
        return agent->good_mode == TLS_OFF ? same : !same;
}

static void look_at_source(struct agent *agent)
{
        (void)snprintf(agent->status.step, sizeof(agent->status.step), "idle");
        scan_now(agent, false);
        if (rotation_is_idle(&agent->rotation) && something_else_is_served(agent))
                (void)resume(agent, true);
        if (agent->once && rotation_is_idle(&agent->rotation) && !custom_start(agent)) {
                if (agent->status.error_kind != ERR_NONE && agent->exit_code == 0)
                        agent->exit_code = 1;
                agent_end(agent);
        }
}

static void facts_known(enum op_state state UNUSED, const struct err *err UNUSED, void *arg)
{
        struct agent *agent = arg;

        agent->op = NULL;
        agent_note_facts(agent);
        if (!resume(agent, false))
                look_at_source(agent);
}

static void served_known(struct agent *agent, const struct err *err)
{
        const struct hook *hook = agent->database->hook;

        /* One that answers without TLS is asked, too: the order of turns goes by its role. */
        if ((err != NULL && err->kind != ERR_PROTOCOL) || hook->health == NULL)
                facts_known(OP_DONE, NULL, agent);
        else
                agent->op = loop_op_start(agent->loop, hook->health(agent->database, BEGIN_LIMIT_MS),
                                          BEGIN_LIMIT_MS, facts_known, agent);
}

static void files_begun(void *arg)
{
        struct agent *agent = arg;

        agent->begun = true;
        (void)proof_start(agent, NULL, NULL, served_known);
}

void flow_begin(void *arg)
{
        struct agent *agent = arg;
        struct plan plan;

        tidy(agent);
        wish_read(agent, &plan);
        wish_adopt(agent, &plan);
        custom_begin(agent, files_begun);
}

void flow_pause_over(void *arg)
{
        struct agent *agent = arg;
        struct err err = ERR_INIT;
        enum step_result result;

        if (rotation_is_idle(&agent->rotation))
                return;
        result = agent->rotation.at->run(agent, &err);
        if (result != STEP_WAIT)
                rotation_step_ended(&agent->rotation, result, &err);
}

static void facts_asked(enum op_state state UNUSED, const struct err *err UNUSED, void *arg)
{
        struct agent *agent = arg;

        agent->op = NULL;
        agent_note_facts(agent);
        save(agent);
}

/* Has the engine been restarted, by whomever, since authorities were dropped? */
static void ask_facts(struct agent *agent)
{
        const struct hook *hook = agent->database->hook;

        if (agent->op == NULL && hook->health != NULL)
                agent->op = loop_op_start(agent->loop, hook->health(agent->database, BEGIN_LIMIT_MS),
                                          BEGIN_LIMIT_MS, facts_asked, agent);
}

static void reverified(struct agent *agent, const struct err *err)
{
        if (err == NULL) {
                if (agent->status.error_kind != ERR_MISSING)
                        agent_set_error(agent, NULL);
                if (agent->state.pruned.s != 0)
                        ask_facts(agent);
                return;
        }
        log_warn("served_differs", LOG_S("bundle", agent->config->alias), LOG_ERR(err));
        agent_set_error(agent, err);
        if (err->kind == ERR_MISMATCH || err->kind == ERR_UNTRUSTED)
                (void)resume(agent, true);
}

void flow_reverify(void *arg)
{
        struct agent *agent = arg;

        loop_timer_set(agent->reverify, agent->config->reverify_ms);
        if (!rotation_is_idle(&agent->rotation) || custom_is_busy(agent) || agent->op != NULL ||
            agent->proof != NULL || agent->good == NULL || agent->status.degraded)
                return;
        if (agent->good_mode == TLS_OFF)
                (void)proof_start_absent(agent, bundle_leaf(agent->good), reverified);
        else
                (void)proof_start(agent, bundle_leaf(agent->good), &agent->good->authorities, reverified);
}
