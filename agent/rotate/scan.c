// SPDX-License-Identifier: Apache-2.0
/*
 * From "something happened" to "a rotation starts".
 *
 * An atomic volume is read at once. A plain directory (certbot, step, by hand) is left to settle first: its
 * files arrive one by one.
 */
#include "rotate/scan.h"

#include "rotate/flow.h"

#include <string.h>

#define REREAD_MS   50
#define REAPPEAR_MS 1000

void scan_watch(struct agent *agent)
{
        struct err err;

        if (agent->watch == NULL)
                return;
        agent->watching = watch_dir_set(agent->watch, agent->config->source, &err) == 0;
        if (!agent->watching && err.kind != ERR_MISSING)
                log_warn("watch_failed", LOG_S("source", agent->config->source), LOG_ERR(&err));
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
                log_warn("source_unreadable", LOG_S("source", agent->config->source), LOG_ERR(err));
        agent_set_error(agent, err);
        agent_set_stage(agent, STAGE_SOURCE, NULL);
        watch_again(agent);
}

/* Was this content dealt with already? */
static bool is_settled(const struct agent *agent, const struct fingerprint *content)
{
        /* After a restart the key is read once more: probes of cluster members present it. */
        if (hex_fingerprint_equal(content, &agent->state.settled))
                return agent->good != NULL && agent->good->key != NULL;
        return hex_fingerprint_equal(content, &agent->state.judged) &&
               (agent->state.judged_until.s == 0 || clock_wall().s < agent->state.judged_until.s);
}

void scan_now(struct agent *agent, bool force)
{
        AUTO(snapshot_free_p) struct snapshot *snapshot = NULL;
        struct err err = ERR_INIT;

        agent->status.scans++;
        loop_timer_set(agent->rescan, agent->config->rescan_ms);
        if (agent->stopping)
                return;
        if (snapshot_read(agent->config->source, &snapshot, &err) != 0) {
                source_unreadable(agent, &err);
                return;
        }
        agent->status.last_scan = clock_mono();
        if (!rotation_is_idle(&agent->rotation)) {
                bool same = agent->snapshot != NULL &&
                            hex_fingerprint_equal(&snapshot->content, &agent->snapshot->content);

                if (!agent->waiting || (same && !force)) {
                        agent->rescan_wanted = agent->rescan_wanted || !same || force;
                        return;
                }
        } else if (!force && is_settled(agent, &snapshot->content)) {
                if (agent->status.error_kind == ERR_MISSING)
                        agent_set_error(agent, NULL);
                return;
        }
        flow_rotate(agent, TAKE(snapshot));
}
