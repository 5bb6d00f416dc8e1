// SPDX-License-Identifier: Apache-2.0
/*
 * The life between changes of the configuration files, and the edges of each.
 *
 * Published and not proven is also what a kill leaves: then it is proven, after a restart unless the database
 * is seen to have started since. A rollback that was begun is begun again.
 */
#include "rotate/custom.h"

#include "base/mem.h"
#include "rotate/api.h"
#include "rotate/breakpoint.h"
#include "rotate/flow.h"
#include "rotate/wish.h"

#include <stdio.h>
#include <string.h>

#define BUSY_PAUSE_MS 200
#define STEP_SLACK_MS 5000

void custom_save(struct custom *custom)
{
        struct err err = ERR_INIT;

        if (custom_state_save(&custom->state, &err) != 0)
                log_error("state_not_saved", LOG_ERR(&err));
}

void custom_entered(void *work, const struct step *step, bool rolling_back)
{
        struct custom *custom = work;
        struct status *status = &custom->agent->status;
        struct custom_state *state = &custom->state;

        custom->until.ms = 0;
        custom->pause_ms = 0;
        (void)snprintf(status->step, sizeof(status->step), "%s", step->name);
        status->rolling_back = rolling_back;
        status->step_since = clock_wall();
        status->step_deadline = clock_after(clock_mono(), step->limit_ms + STEP_SLACK_MS);
        (void)snprintf(state->step, sizeof(state->step), "%s", step->name);
        state->rolling_back = rolling_back;
        if (rolling_back) {
                state->reason = custom->rotation.failure.kind;
                (void)snprintf(state->text, sizeof(state->text), "%s", custom->rotation.failure.text);
        } else if (strcmp(step->name, "files-check") == 0) {
                /* Well before it: of a database that starts in between it is not known what it read. */
                state->published = clock_wall();
        }
        custom_save(custom);
        custom_tell_step(custom, step, rolling_back);
        breakpoint_reached(step->name, rolling_back);
}

void custom_ended(void *work)
{
        struct custom *custom = work;
        struct agent *agent = custom->agent;

        (void)snprintf(agent->status.step, sizeof(agent->status.step), "idle");
        agent->status.rolling_back = false;
        agent->status.step_since = clock_wall();
        agent->status.step_deadline = MONO_NEVER;
        custom->state.step[0] = '\0';
        custom->state.rolling_back = false;
        custom->wants_turn = false;
        custom_save(custom);
        custom_note(custom);
        flow_custom_over(agent);
}

bool custom_spares(const struct custom *custom)
{
        const struct agent *agent = custom->agent;

        return plan_find_restart(&agent->plan, agent->config->custom.secret) == PLAN_RESTART_NEVER;
}

static void take_view(struct custom *custom, struct custom_view *view)
{
        const struct agent *agent = custom->agent;
        const struct snapshot *newest = custom_source_newest(&custom->source);

        *view = (struct custom_view){
                .fresh = custom->state.fresh,
                .unproven = custom->current != custom->state.good,
                .rolling_back = custom->state.rolling_back,
                .degraded = custom->state.degraded,
                .settled = custom->state.settled,
                .judged = custom->state.judged,
                .pending = custom->state.pending && !custom_started_since(custom),
                .answered = custom->state.answered,
                .restart = plan_find_restart(&agent->plan, agent->config->custom.secret),
                .plan = &agent->plan,
                .wanted = plan_find_files(&agent->plan, agent->config->custom.secret),
        };
        view->current = view->unproven ? custom->state.trying : custom->state.settled;
        view->arrived = view->wanted != NULL && custom_source_find(&custom->source, view->wanted) != NULL;
        if (newest == NULL)
                return;
        custom_source_fingerprint(newest, &custom->newest);
        view->newest = &custom->newest;
}

/* The content of the source that the choice is about. */
static void take_files(struct custom *custom)
{
        const struct snapshot *files = custom_source_find(&custom->source, &custom->content);

        snapshot_free(custom->files);
        custom->files = snapshot_copy(files);
}

void custom_begin_change(struct custom *custom, bool first)
{
        custom->first = first;
        custom->restarted = false;
        take_files(custom);
        rotation_start(&custom->rotation);
}

void custom_await_turn(struct custom *custom)
{
        struct agent *agent = custom->agent;

        if (!custom->wants_turn)
                log_info("turn_waited_for", LOG_S("request", agent->plan.request),
                         LOG_S("secret", agent->config->custom.secret));
        custom->wants_turn = true;
        agent->status.plan.held = true;
        (void)err_set(&custom->wait, ERR_NOT_READY, "the configuration waits for this instance's turn");
        api_want_turn(agent, !agent->plan.given);
        custom_note(custom);
}

/* Makes sure that nobody else talks to the database. */
static bool is_free(struct custom *custom)
{
        struct agent *agent = custom->agent;
        /* For a database that does not come there is no reason to disturb a rotation that waits for it, too.
         */
        bool waits = custom->choice == CUSTOM_PROVE && custom->state.down;

        if (agent->op != NULL && rotation_is_idle(&agent->rotation)) {
                loop_timer_set(custom->look, BUSY_PAUSE_MS);
                return false;
        }
        if (!rotation_is_idle(&agent->rotation))
                return !waits && flow_yield(agent);
        if (agent->proof != NULL) {
                loop_timer_set(custom->look, BUSY_PAUSE_MS);
                return false;
        }
        return true;
}

static void choose(struct custom *custom)
{
        struct custom_view view;

        custom_source_look(&custom->source);
        take_view(custom, &view);
        memset(&custom->content, 0, sizeof(custom->content));
        custom->choice = custom_choose(&view, &custom->content);
        if (custom->choice == CUSTOM_PROVE || custom->choice == CUSTOM_UNDO)
                custom->content = custom->state.trying;
        custom_choice_target(&view, &custom->content, &custom->target);
        custom->wait = (struct err)ERR_INIT;
}

/* Where the volume is all there is the kubelet may take its time. */
static void nudge(const struct custom *custom)
{
        const struct agent *agent = custom->agent;

        if (agent->config->kube.nudge && custom->source.directory != NULL &&
            custom->source.origin.api == NULL && api_reporter(agent) != NULL)
                kube_reporter_nudge(api_reporter(agent));
}

/* Says what the Secret has instead. */
static void await_content(struct custom *custom)
{
        const struct err *problem = custom_source_problem(&custom->source);
        const struct fingerprint *wanted =
                plan_find_files(&custom->agent->plan, custom->agent->config->custom.secret);
        char hex[FINGERPRINT_TEXT_MAX];
        char has[FINGERPRINT_TEXT_MAX];

        nudge(custom);
        if (problem->kind != ERR_NONE)
                custom->wait = *problem;
        else
                (void)err_set(&custom->wait, ERR_MISSING,
                              "Secret '%.120s' has configuration %.16s, %.16s is asked for and not here yet",
                              custom->agent->config->custom.secret, hex_fingerprint(&custom->newest, has),
                              hex_fingerprint(wanted, hex));
        custom_note(custom);
}

/* What is asked for is in force: why something else failed is of no interest any more. */
static void rest(struct custom *custom)
{
        struct custom_state *state = &custom->state;

        if (state->reason != ERR_NONE && !state->degraded && custom->current == state->good &&
            hex_fingerprint_equal(&custom->content, &state->settled)) {
                state->reason = ERR_NONE;
                state->text[0] = '\0';
                custom_save(custom);
        }
        custom_note(custom);
}

bool custom_start(struct agent *agent)
{
        struct custom *custom = agent->custom;

        if (custom_is_busy(agent))
                return true;
        if (custom == NULL || !agent->begun || agent->stopping)
                return false;
        choose(custom);
        if (custom->choice != CUSTOM_AWAIT_TURN)
                custom->wants_turn = false;
        switch (custom->choice) {
        case CUSTOM_REST:
                rest(custom);
                break;
        case CUSTOM_AWAIT_CONTENT:
                await_content(custom);
                break;
        case CUSTOM_AWAIT_TURN:
                custom_await_turn(custom);
                break;
        case CUSTOM_UNDO:
        case CUSTOM_PROVE:
        case CUSTOM_FIRST:
        case CUSTOM_CHANGE:
                if (!is_free(custom))
                        break;
                if (custom->choice == CUSTOM_CHANGE)
                        custom_begin_change(custom, false);
                else
                        custom_ask(custom);
                return true;
        }
        wish_note_done(agent);
        return false;
}

void custom_retry(struct agent *agent)
{
        if (agent->custom != NULL)
                memset(&agent->custom->state.judged, 0, sizeof(agent->custom->state.judged));
}

void custom_look(void *agent)
{
        (void)custom_start(agent);
}

void custom_look_soon(struct agent *agent)
{
        if (agent->custom != NULL)
                loop_timer_set(agent->custom->look, 0);
}

bool custom_is_busy(const struct agent *agent)
{
        const struct custom *custom = agent->custom;

        return custom != NULL && (custom->asking || !rotation_is_idle(&custom->rotation));
}

void custom_put_off(const struct agent *agent)
{
        agent->custom->missed = true;
}

bool custom_is_done(const struct agent *agent)
{
        struct custom_view view;

        if (agent->custom == NULL)
                return true;
        take_view(agent->custom, &view);
        return !custom_is_busy(agent) && custom_choice_is_done(&view);
}

const char *custom_failure(const struct agent *agent)
{
        struct custom_view view;

        if (agent->custom == NULL || custom_is_busy(agent))
                return NULL;
        take_view(agent->custom, &view);
        return custom_choice_has_failed(&view) ? agent->custom->state.text : NULL;
}

void custom_begin(struct agent *agent, loop_fn *then)
{
        struct custom *custom = agent->custom;

        if (custom == NULL) {
                then(agent);
                return;
        }
        choose(custom);
        if (custom->choice != CUSTOM_FIRST) {
                then(agent);
                return;
        }
        custom->then = then;
        custom_ask(custom);
}
