// SPDX-License-Identifier: Apache-2.0
/*
 * The agent's parts: opened in one order, closed in the other.
 *
 * inotify comes first of all descriptors, because libinotifytools hides its own (loop/watch_dir.h).
 */
#include "rotate/agent.h"

#include "base/mem.h"
#include "rotate/api.h"
#include "rotate/custom.h"
#include "rotate/flow.h"
#include "rotate/plain.h"
#include "rotate/scan.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

int64_t agent_next_pause(int64_t last_ms, int64_t min_ms, int64_t max_ms)
{
        int64_t next = last_ms < min_ms ? min_ms : last_ms * 2;

        return next > max_ms ? max_ms : next;
}

void agent_end(struct agent *agent)
{
        agent->stopping = true;
        if (agent->api == NULL)
                loop_stop(agent->loop);
        else
                api_end(agent->api);
}

const char *agent_source(const struct agent *agent)
{
        return agent->config->source != NULL ? agent->config->source : agent->config->kube.secret;
}

void agent_set_error(struct agent *agent, const struct err *err)
{
        struct status *status = &agent->status;

        status->error_kind = err == NULL ? ERR_NONE : err->kind;
        (void)snprintf(status->error_text, sizeof(status->error_text), "%s", err == NULL ? "" : err->text);
        status->error_at = clock_wall();
        api_report(agent);
}

void agent_set_stage(struct agent *agent, enum status_stage stage, const struct cert *leaf)
{
        struct status_leaf *out = &agent->status.stages[stage];

        *out = (struct status_leaf){ .known = leaf != NULL };
        if (leaf == NULL)
                return;
        out->fp = leaf->fp;
        out->not_before = leaf->not_before;
        out->not_after = leaf->not_after;
        (void)snprintf(out->subject, sizeof(out->subject), "%.127s", leaf->subject);
}

void agent_set_published(struct agent *agent, const struct bundle *bundle, int64_t generation)
{
        agent->database->published = bundle;
        agent->status.generation = generation;
        agent->status.first_publish_done = true;
        agent_set_stage(agent, STAGE_PUBLISHED, bundle_leaf(bundle));
}

void agent_drop_candidate(struct agent *agent)
{
        if (agent->database->published == agent->candidate)
                agent->database->published = agent->good;
        bundle_free(agent->candidate);
        agent->candidate = NULL;
}

/*
 * The certificate to come is not among what is published: where it matters, phase trust is gone through once
 * more.
 */
static bool forgets_phase(const struct agent *agent)
{
        return (agent->database->hook->caps & HOOK_PINS_LEAVES) && agent->plan.phase == PLAN_TRUST;
}

void agent_note_resumed(struct agent *agent)
{
        struct bundle *candidate = agent->candidate;

        agent->change = CHANGE_NONE;
        if (candidate == NULL)
                return;
        /* The leaf that is served tells nothing of those: they are taken once more. */
        if (change_classify(agent->good, candidate) == CHANGE_AUTHORITIES)
                agent->change = CHANGE_AUTHORITIES;
        if (forgets_phase(agent))
                memset(&candidate->content, 0, sizeof(candidate->content));
        agent->state.trying = candidate->content;
}

void agent_drop_upcoming(struct agent *agent)
{
        agent->database->upcoming = NULL;
        bundle_free(agent->upcoming);
        agent->upcoming = NULL;
}

void agent_note_facts(struct agent *agent)
{
        const struct hook_facts *facts = &agent->database->facts;
        struct status *status = &agent->status;

        (void)snprintf(status->engine_version, sizeof(status->engine_version), "%s", facts->version);
        (void)snprintf(status->engine_role, sizeof(status->engine_role), "%s", facts->role);
        status->engine_members = facts->members;
        /* The engine reads its authorities anew when it starts; a second of doubt counts against it. */
        if (facts->started.s > agent->state.pruned.s + 1)
                agent->state.pruned.s = 0;
        status->prune_pending = agent->state.pruned.s != 0;
}

static void answer(const char *path, const char *query, struct http_reply *reply, void *arg)
{
        struct agent *agent = arg;

        api_note(agent);
        pages_answer(&agent->status, path, query, reply);
}

static int open_endpoints(struct agent *agent, struct err *err)
{
        const struct config *config = agent->config;
        struct status *status = &agent->status;

        agent->endpoints = mem_array(config->n_endpoints, sizeof(*agent->endpoints));
        status->endpoints = mem_array(config->n_endpoints, sizeof(*status->endpoints));
        for (size_t i = 0; i < config->n_endpoints; i++) {
                if (endpoint_parse(config->endpoints[i], &agent->endpoints[i], err) != 0)
                        return -1;
                agent->n_endpoints++;
                (void)snprintf(status->endpoints[i].url, sizeof(status->endpoints[i].url), "%.159s",
                               config->endpoints[i]);
                status->n_endpoints++;
        }
        return 0;
}

static void name_steps(struct status *status)
{
        const struct step *tables[] = { rotation_plan.forward, rotation_plan.rollback };

        for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
                for (const struct step *step = tables[t]; step->name != NULL; step++) {
                        size_t i = 0;

                        while (i < status->n_steps && strcmp(status->step_names[i], step->name) != 0)
                                i++;
                        if (i < status->n_steps || i == STATUS_STEPS_MAX)
                                continue;
                        (void)snprintf(status->step_names[i], sizeof(status->step_names[i]), "%s",
                                       step->name);
                        status->n_steps++;
                }
        }
}

static void init_status(struct agent *agent)
{
        const struct config *config = agent->config;
        struct status *status = &agent->status;
        struct mono now = clock_mono();

        (void)snprintf(status->version, sizeof(status->version), "%s", CERTROTATE_VERSION);
        (void)snprintf(status->instance, sizeof(status->instance), "%.127s", config->instance);
        (void)snprintf(status->database, sizeof(status->database), "%.31s", config->database);
        (void)snprintf(status->alias, sizeof(status->alias), "%.63s", config->alias);
        (void)snprintf(status->source_dir, sizeof(status->source_dir), "%.255s",
                       config->source == NULL ? "" : config->source);
        (void)snprintf(status->publish_dir, sizeof(status->publish_dir), "%.255s", config->publish);
        (void)snprintf(status->step, sizeof(status->step), "starting");
        status->started = clock_wall();
        status->step_since = status->started;
        status->last_scan = now;
        status->scan_bound_ms = 2 * config->rescan_ms + 30000;
        status->step_deadline = MONO_NEVER;
        status->last_successful = agent->state.reason == ERR_NONE;
        status->last_success = agent->state.last_success;
        if (agent->state.reason == ERR_NONE)
                status->last_rotation = status->last_success;
        status->degraded = agent->state.degraded;
        if (agent->state.reason != ERR_NONE) {
                status->error_kind = agent->state.reason;
                (void)snprintf(status->error_text, sizeof(status->error_text), "%s", agent->state.text);
                status->error_at = agent->state.since;
        }
        name_steps(status);
        agent_note_facts(agent);
}

/* Two agents over one directory would undo each other's work. The lock goes with the descriptor. */
static int open_store(struct agent *agent, struct err *err)
{
        const char *path = agent->config->publish;

        if (generation_open(path, &agent->store, err) != 0)
                return -1;
        if (flock(agent->store->dir, LOCK_EX | LOCK_NB) == -1)
                return errno == EWOULDBLOCK
                               ? err_set(err, ERR_IO, "another certrotate works on '%s': end it first", path)
                               : err_sys(err, errno, "lock '%s'", path);
        return 0;
}

static void open_state(struct agent *agent)
{
        char fresh[ERR_TEXT_MAX];

        state_load(agent->config->state, &agent->state, fresh);
        if (fresh[0] != '\0')
                log_warn("state_unreadable", LOG_S("path", agent->config->state), LOG_S("error", fresh));
        if (agent->state.good != 0 && !generation_exists(agent->store, agent->state.good))
                agent->state.good = 0;
}

static void on_rescan(void *arg)
{
        struct agent *agent = arg;

        scan_watch(agent);
        scan_now(agent, false);
}

static void on_soon(void *arg)
{
        struct agent *agent = arg;

        scan_now(agent, false);
        if (agent->once && agent->begun && rotation_is_idle(&agent->rotation) && !custom_start(agent))
                agent_end(agent);
}

static void on_retry(void *arg)
{
        scan_now(arg, true);
}

static void on_grace(void *arg)
{
        struct agent *agent = arg;

        log_warn("grace_over", LOG_S("step", agent->status.step));
        loop_stop(agent->loop);
}

static void open_timers(struct agent *agent)
{
        agent->rescan = loop_timer_new(agent->loop, on_rescan, agent);
        agent->soon = loop_timer_new(agent->loop, on_soon, agent);
        agent->retry = loop_timer_new(agent->loop, on_retry, agent);
        agent->pause = loop_timer_new(agent->loop, flow_pause_over, agent);
        agent->reverify = loop_timer_new(agent->loop, flow_reverify, agent);
        agent->plain = loop_timer_new(agent->loop, plain_look, agent);
        agent->grace = loop_timer_new(agent->loop, on_grace, agent);
}

static void open_watch(struct agent *agent)
{
        struct err err;

        if (watch_dir_open(agent->loop, scan_hinted, agent, &agent->watch, &err) != 0)
                log_warn("inotify_unavailable", LOG_I("rescanMs", agent->config->rescan_ms), LOG_ERR(&err));
}

static int open_pages(struct agent *agent, struct err *err)
{
        const struct config *config = agent->config;

        if (config->listen != NULL && *config->listen != '\0' &&
            http_server_open(agent->loop, config->listen, answer, agent, &agent->listener, err) != 0)
                return -1;
        if (config->control != NULL && *config->control != '\0' &&
            http_server_open(agent->loop, config->control, answer, agent, &agent->control, err) != 0)
                return -1;
        return 0;
}

int agent_new(const struct config *config, bool once, struct agent **out, struct err *err)
{
        static const int signals[] = { SIGHUP, SIGTERM, SIGINT };
        AUTO(agent_free_p) struct agent *agent = MEM_NEW(struct agent);

        agent->config = config;
        agent->once = once;
        agent->step_index = -1;
        agent->loop = loop_new();
        open_watch(agent);
        agent->signals = loop_signal_new(agent->loop, signals, ARRAY_LEN(signals), flow_signalled, agent);
        open_timers(agent);
        if (open_endpoints(agent, err) != 0)
                return -1;
        if (hook_find(config->database)->open(&config->hook, &agent->database, err) != 0)
                return -1;
        if (handshake_context_new(&agent->tls, err) != 0)
                return -1;
        if (open_store(agent, err) != 0)
                return -1;
        open_state(agent);
        init_status(agent);
        rotation_init(&agent->rotation, &rotation_plan, agent);
        agent->rotation.entered = flow_entered;
        agent->rotation.ended = flow_ended;
        if (custom_open(agent, err) != 0 || api_open(agent, err) != 0)
                return -1;
        if (!once && open_pages(agent, err) != 0)
                return -1;
        *out = TAKE(agent);
        return 0;
}

void agent_free(struct agent *agent)
{
        if (agent == NULL)
                return;
        http_server_close(agent->control);
        http_server_close(agent->listener);
        api_close(agent->api);
        custom_close(agent->custom);
        loop_op_cancel(agent->op);
        proof_cancel(agent->proof);
        if (agent->database != NULL)
                agent->database->hook->close(agent->database);
        loop_timer_free(agent->rescan);
        loop_timer_free(agent->soon);
        loop_timer_free(agent->retry);
        loop_timer_free(agent->pause);
        loop_timer_free(agent->reverify);
        loop_timer_free(agent->plain);
        loop_timer_free(agent->grace);
        bundle_free(agent->good);
        bundle_free(agent->candidate);
        bundle_free(agent->upcoming);
        plan_done(&agent->plan);
        origin_done(&agent->origin);
        snapshot_free(agent->snapshot);
        generation_close(agent->store);
        handshake_context_free(agent->tls);
        for (size_t i = 0; i < agent->n_endpoints; i++)
                endpoint_done(&agent->endpoints[i]);
        mem_free(agent->endpoints);
        mem_free(agent->status.endpoints);
        findings_done(&agent->status.findings);
        state_done(&agent->state);
        loop_signal_free(agent->signals);
        watch_dir_close(agent->watch);
        loop_free(agent->loop);
        mem_free(agent);
}

int agent_run(struct agent *agent)
{
        log_info("agent_started", LOG_S("version", CERTROTATE_VERSION),
                 LOG_S("database", agent->config->database), LOG_S("instance", agent->config->instance),
                 LOG_S("source", agent_source(agent)), LOG_S("publish", agent->config->publish));
        scan_watch(agent);
        if (agent->api != NULL)
                api_begin(agent->api, flow_begin);
        else
                flow_begin(agent);
        loop_timer_set(agent->rescan, agent->config->rescan_ms);
        if (agent->config->reverify_ms > 0)
                loop_timer_set(agent->reverify, agent->config->reverify_ms);
        loop_run(agent->loop);
        log_info("agent_stopped", LOG_I("exitCode", agent->once ? agent->exit_code : 0));
        return agent->once ? agent->exit_code : 0;
}
