// SPDX-License-Identifier: Apache-2.0
/*
 * From "something happened" to "a rotation starts".
 *
 * An atomic volume is read at once. A plain directory (certbot, step, by hand) is left to settle first: its
 * files arrive one by one.
 */
#include "rotate/scan.h"

#include "rotate/api.h"
#include "rotate/custom.h"
#include "rotate/flow.h"
#include "rotate/role.h"
#include "rotate/steps.h"
#include "rotate/wish.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define REREAD_MS          50
#define REAPPEAR_MS        1000
#define JUDGED_AGAIN_MAX_S 3600

/* The plan's directory; where it cannot be watched the rescan finds a new plan. */
static void watch_plan(struct agent *agent)
{
        AUTO(mem_free_p) char *dir = NULL;
        struct err err;

        if (agent->config->plan == NULL)
                return;
        dir = mem_strdup(agent->config->plan);
        dir[strrchr(dir, '/') == dir ? 1 : strrchr(dir, '/') - dir] = '\0';
        if (watch_dir_also(agent->watch, dir, &err) != 0 && err.kind != ERR_MISSING)
                log_warn("watch_failed", LOG_S("plan", agent->config->plan), LOG_ERR(&err));
}

/* Likewise the volume of the configuration files. */
static void watch_files(struct agent *agent)
{
        const char *source = agent->config->custom.source;
        struct err err;

        if (source != NULL && watch_dir_also(agent->watch, source, &err) != 0 && err.kind != ERR_MISSING)
                log_warn("watch_failed", LOG_S("source", source), LOG_ERR(&err));
}

void scan_watch(struct agent *agent)
{
        struct err err;

        if (agent->watch == NULL)
                return;
        if (agent->config->source == NULL) {
                watch_plan(agent);
                watch_files(agent);
                return;
        }
        agent->watching = watch_dir_set(agent->watch, agent->config->source, &err) == 0;
        if (!agent->watching && err.kind != ERR_MISSING)
                log_warn("watch_failed", LOG_S("source", agent->config->source), LOG_ERR(&err));
        watch_plan(agent);
        watch_files(agent);
}

void scan_hinted(enum watch_hint hint, void *arg)
{
        struct agent *agent = arg;

        switch (hint) {
        case WATCH_SWAPPED:
                scan_now(agent, false);
                break;
        case WATCH_TOUCHED:
                loop_timer_set(agent->soon, agent->config->settle_ms);
                break;
        case WATCH_LOST:
                scan_watch(agent);
                loop_timer_set(agent->soon, agent->config->settle_ms);
                break;
        }
}

/*
 * The directory may have been removed, or made anew since it was read: nothing tells of a directory that is
 * not there, so it is looked for, and looked at once more when it has come.
 */
static void watch_again(struct agent *agent)
{
        bool was_watching = agent->watching;

        if (agent->config->source == NULL)
                return;
        scan_watch(agent);
        if (!agent->watching || !was_watching)
                loop_timer_set(agent->soon, REAPPEAR_MS);
}

/* A source that is empty or not there is a state, not an event: said once, not at every scan. */
static void source_unreadable(struct agent *agent, const struct err *err)
{
        if (err->kind == ERR_CHANGED) {
                loop_timer_set(agent->soon, REREAD_MS);
                return;
        }
        agent->status.last_scan = clock_mono();
        if (agent->status.error_kind != err->kind || strcmp(agent->status.error_text, err->text) != 0)
                log_warn("source_unreadable", LOG_S("source", agent_source(agent)), LOG_ERR(err));
        agent_set_error(agent, err);
        agent_set_stage(agent, STAGE_SOURCE, NULL);
        watch_again(agent);
}

static int choose(struct agent *agent, struct snapshot *volume, struct snapshot **out)
{
        enum origin_way way = origin_choose(&agent->origin, volume == NULL ? NULL : &volume->content);
        struct status *status = &agent->status;

        status->source_lag = origin_lags(&agent->origin);
        if (way == ORIGIN_VOLUME && volume == NULL)
                return -1;
        (void)snprintf(status->source_via, sizeof(status->source_via), "%s",
                       way == ORIGIN_API ? "api" : "volume");
        *out = way == ORIGIN_API ? snapshot_copy(agent->origin.api) : volume;
        return 0;
}

/* The volume, or the Secret as the API has it: whichever brought something new last. */
static int read_source(struct agent *agent, struct snapshot **out, struct err *err)
{
        const struct config *config = agent->config;
        AUTO(snapshot_free_p) struct snapshot *volume = NULL;

        if (config->source != NULL && snapshot_read(config->source, &volume, err) != 0 &&
            config->kube.secret == NULL)
                return -1;
        if (config->kube.secret == NULL) {
                *out = TAKE(volume);
                return 0;
        }
        if (choose(agent, volume, out) != 0)
                return config->source != NULL ? -1 : api_secret_problem(agent, err);
        if (*out == volume)
                volume = NULL;
        return 0;
}

/* Was this dealt with already? */
static bool is_settled(const struct agent *agent, const struct fingerprint *target)
{
        /* After a restart it is judged once more, unless a plan says whose turn that is. */
        if (hex_fingerprint_equal(target, &agent->state.settled))
                return agent->good != NULL && (agent->snapshot != NULL || agent->plan.given);
        return hex_fingerprint_equal(target, &agent->state.judged) &&
               (agent->state.judged_until.s == 0 || clock_wall().s < agent->state.judged_until.s);
}

/* A plan without a request asks for nothing but what there is: nobody's turn is waited for. */
static void settle_at_rest(struct agent *agent, const struct snapshot *now, const struct fingerprint *target)
{
        const struct plan *plan = &agent->plan;
        bool asks = !plan->given || *plan->request != '\0' || plan->phase != PLAN_NO_PHASE;
        bool is_so = agent->good != NULL && agent->snapshot != NULL && agent->state.reason == ERR_NONE &&
                     hex_fingerprint_equal(&agent->snapshot->content, &now->content) &&
                     (agent->mode == TLS_UNMANAGED || agent->mode == agent->good_mode);
        struct err err = ERR_INIT;

        if (asks || !is_so || hex_fingerprint_equal(target, &agent->state.settled))
                return;
        agent->state.settled = *target;
        if (state_save(&agent->state, &err) != 0)
                log_error("state_not_saved", LOG_ERR(&err));
}

/* Another instance's turn: said once, and looked at again when the plan changes. */
static void hold(struct agent *agent, const struct fingerprint *target, bool force)
{
        if (!hex_fingerprint_equal(target, &agent->held))
                log_info("turn_waited_for", LOG_S("request", agent->plan.request),
                         LOG_S("phase", plan_phase_name(agent->plan.phase)));
        agent->held = *target;
        agent->held_forced = force;
        agent->status.plan.held = true;
        api_want_turn(agent, !agent->plan.given);
        api_report(agent);
}

/*
 * Without a certificate TLS off is what there is: nothing is missing, and what a plan asks for is so. Not
 * while anything else is proven, served or in doubt.
 */
static bool is_plain(const struct agent *agent, const struct err *err)
{
        bool was_proven = agent->good != NULL && agent->good_mode == TLS_OFF;
        bool never_was = agent->status.generation == 0 && !agent->status.stages[STAGE_SERVED].known;

        return agent->mode == TLS_OFF && err->kind == ERR_MISSING && rotation_is_idle(&agent->rotation) &&
               !agent->status.degraded && (was_proven || never_was) &&
               !settings_is_pending(agent->config->settings_file);
}

static void note_plain(struct agent *agent)
{
        struct status *status = &agent->status;

        if (!status->first_publish_done || status->stages[STAGE_SOURCE].known)
                log_info("source_not_needed", LOG_S("source", agent_source(agent)),
                         LOG_S("tls", status->tls));
        status->first_publish_done = true;
        status->last_scan = clock_mono();
        (void)snprintf(status->step, sizeof(status->step), "idle");
        if (status->error_kind == ERR_MISSING)
                agent_set_error(agent, NULL);
        agent_set_stage(agent, STAGE_SOURCE, NULL);
        watch_again(agent);
        agent->bundle_done = true;
        wish_note_done(agent);
}

/* One thing at a time; the files are looked at once more when they are done. */
static bool is_idle(const struct agent *agent)
{
        return rotation_is_idle(&agent->rotation) && !custom_is_busy(agent);
}

static void look_without_source(struct agent *agent, struct plan *plan, const struct err *err)
{
        if (is_idle(agent))
                wish_adopt(agent, plan);
        if (is_plain(agent, err)) {
                note_plain(agent);
                return;
        }
        source_unreadable(agent, err);
        /* Nor is anything asked of certificates where nobody ever had one, and nobody is to switch. */
        agent->bundle_done = err->kind == ERR_MISSING && agent->mode == TLS_UNMANAGED && agent->good == NULL;
        wish_note_done(agent);
}

/* After a restart nobody has said yet what the source has, and a controller waits for it. */
static void nothing_to_do(struct agent *agent, const struct snapshot *snapshot,
                          const struct fingerprint *target)
{
        agent->bundle_done = hex_fingerprint_equal(target, &agent->state.settled);
        if (agent->bundle_done && !agent->status.stages[STAGE_SOURCE].known)
                load_note_source(agent, snapshot);
        agent->bundle_failed = !agent->bundle_done && !agent->tried_again;
        (void)snprintf(agent->status.step, sizeof(agent->status.step), "idle");
        if (agent->status.error_kind == ERR_MISSING)
                agent_set_error(agent, NULL);
        api_want_turn(agent, false);
        wish_note_done(agent);
}

static void scan(struct agent *agent, bool force)
{
        AUTO(snapshot_free_p) struct snapshot *snapshot = NULL;
        AUTO(plan_done_p) struct plan plan;
        struct fingerprint target;
        struct err err = ERR_INIT;

        wish_read(agent, &plan);
        agent->status.scans++;
        loop_timer_set(agent->rescan, agent->config->rescan_ms);
        if (agent->stopping || !agent->begun || (!custom_is_busy(agent) && !role_is_known(agent, &plan)))
                return;
        if (custom_is_busy(agent))
                custom_put_off(agent);
        if (read_source(agent, &snapshot, &err) != 0) {
                look_without_source(agent, &plan, &err);
                return;
        }
        agent->status.last_scan = clock_mono();
        if (custom_is_busy(agent))
                return;
        wish_target(agent, &plan, &snapshot->content, &target);
        if (!rotation_is_idle(&agent->rotation)) {
                bool same = hex_fingerprint_equal(&target, &agent->state.trying);

                if (same)
                        wish_turn(agent, &plan);
                if (!agent->waiting || (same && !force)) {
                        agent->rescan_wanted = agent->rescan_wanted || !same || force;
                        return;
                }
        }
        wish_adopt(agent, &plan);
        if (rotation_is_idle(&agent->rotation))
                settle_at_rest(agent, snapshot, &target);
        if (rotation_is_idle(&agent->rotation) && !force && is_settled(agent, &target)) {
                nothing_to_do(agent, snapshot, &target);
                return;
        }
        if (wish_may_act(agent))
                flow_rotate(agent, TAKE(snapshot), &target);
        else
                hold(agent, &target, force);
}

void scan_now(struct agent *agent, bool force)
{
        scan(agent, force);
        custom_look_soon(agent);
}

static int64_t backoff(const struct agent *agent)
{
        int64_t pause = 0;

        for (int i = 0; i < agent->failures && pause < agent->config->retry_max_ms; i++)
                pause = agent_next_pause(pause, agent->config->retry_min_ms, agent->config->retry_max_ms);
        return pause;
}

/* By a restart, or by the links between members that broke: once is enough. */
static bool breaks_again(const struct agent *agent)
{
        bool pins = (agent->database->hook->caps & HOOK_PINS_LEAVES) != 0;

        return agent->restarted || (pins && agent->rotation.failure.kind == ERR_UNHEALTHY);
}

/*
 * What failed may have passed; but to try it again must cost no more than a reload. A database is not
 * restarted over and over for a bundle with which it did not come back, and a failed rollback waits for a
 * person.
 */
static bool is_tried_again(const struct agent *agent)
{
        const struct err *failure = &agent->rotation.failure;

        return failure->kind != ERR_NONE && err_retry(failure->kind) == RETRY_BACKOFF &&
               !agent->status.degraded && !(agent->rotation.undone && breaks_again(agent));
}

/* True: what failed is tried again by itself, and has disturbed nothing so far. */
static bool is_to_be_tried(struct agent *agent)
{
        const struct err *failure = &agent->rotation.failure;
        int64_t until_s = agent->state.judged_until.s - clock_wall().s;

        if (agent->rescan_wanted) {
                agent->rescan_wanted = false;
                loop_timer_set(agent->soon, 0);
        } else if (failure->kind == ERR_CHANGED) {
                loop_timer_set(agent->soon, agent->config->settle_ms);
        } else if (is_tried_again(agent)) {
                loop_timer_set(agent->retry, backoff(agent));
                return !agent->rotation.undone;
        } else if (agent->state.judged_until.s != 0 && until_s < JUDGED_AGAIN_MAX_S) {
                loop_timer_set(agent->soon, until_s < 0 ? 0 : until_s * 1000 + 500);
        } else {
                return false;
        }
        return true;
}

void scan_later(struct agent *agent)
{
        agent->tried_again = is_to_be_tried(agent);
        agent->bundle_failed = agent->rotation.failure.kind != ERR_NONE && !agent->tried_again;
        wish_note_done(agent);
}
