// SPDX-License-Identifier: Apache-2.0
/*
 * In phase trust the candidate is the last good bundle with more authorities: its files that do not depend on
 * them are carried over byte for byte (layout.c), and the leaf to come only serves to prove that it would be
 * accepted.
 */
#include "rotate/wish.h"

#include "rotate/api.h"
#include "rotate/custom.h"
#include "rotate/plain.h"

#include "base/mem.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define TARGET_MAX 32768 /* authorities of a plan, 65 bytes each, and a few words */

static int read_plan(const struct agent *agent, struct plan *out, struct err *err)
{
        if (api_has_plan(agent))
                return api_plan(agent, out, err);
        return plan_read(agent->config->plan, agent->config->instance, out, err);
}

void wish_read(const struct agent *agent, struct plan *out)
{
        struct err err = ERR_INIT;

        if (read_plan(agent, out, &err) == 0) {
                if (!out->given)
                        out->turn = out->turn && api_has_turn(agent);
                return;
        }
        if (strcmp(agent->status.plan.text, err.text) != 0)
                log_warn("plan_unreadable", LOG_ERR(&err));
        *out = agent->plan;
        chain_copy(&out->authorities, &agent->plan.authorities);
        (void)snprintf(out->problem, sizeof(out->problem), "%.255s", err.text);
}

enum tls_mode wish_mode(const struct agent *agent, const struct plan *plan)
{
        bool can = agent->database->hook->settings != NULL && agent->config->settings_file != NULL;

        if (plan->given && plan->tls != TLS_UNMANAGED && can)
                return plan->tls;
        return agent->config->tls;
}

static void note(struct agent *agent)
{
        const struct plan *plan = &agent->plan;
        struct status_plan *status = &agent->status.plan;
        const bool was_told = status->given && plan->given && status->generation == plan->generation &&
                              strcmp(status->request, plan->request) == 0;

        (void)snprintf(status->request, sizeof(status->request), "%s", plan->request);
        (void)snprintf(status->phase, sizeof(status->phase), "%s", plan_phase_name(plan->phase));
        (void)snprintf(status->text, sizeof(status->text), "%s", plan->problem);
        status->given = plan->given;
        status->generation = plan->generation;
        status->turn = plan->turn;
        status->held = false;
        status->done = false;
        status->failed[0] = '\0';
        status->cannot_restart = status->cannot_restart && was_told;
        agent->bundle_done = false;
        agent->bundle_failed = false;
}

void wish_note_done(struct agent *agent)
{
        struct status_plan *status = &agent->status.plan;
        const char *why = agent->bundle_failed ? agent->state.text : custom_failure(agent);
        bool is_done = agent->plan.given && agent->bundle_done && custom_is_done(agent);

        status->done = is_done && plain_has_answered(agent);
        (void)snprintf(status->failed, sizeof(status->failed), "%s",
                       agent->plan.given && why != NULL ? why : "");
        api_report(agent);
}

void wish_note_failing(struct agent *agent)
{
        struct status_plan *status = &agent->status.plan;

        if (!agent->plan.given)
                return;
        (void)snprintf(status->failed, sizeof(status->failed), "%s", agent->rotation.failure.text);
        agent_set_error(agent, &agent->rotation.failure);
}

static bool is_same(const struct plan *a, const struct plan *b)
{
        return a->given == b->given && a->generation == b->generation && strcmp(a->request, b->request) == 0;
}

void wish_adopt(struct agent *agent, struct plan *plan)
{
        if (!is_same(&agent->plan, plan))
                agent->answers = false;
        plan_done(&agent->plan);
        agent->plan = *plan;
        plan->authorities = (struct chain)CHAIN_INIT;
        agent->mode = wish_mode(agent, &agent->plan);
        agent->database->settled = agent->plan.phase == PLAN_PRUNE;
        (void)snprintf(agent->status.tls, sizeof(agent->status.tls), "%s", tls_mode_name(agent->mode));
        note(agent);
}

void wish_target(const struct agent *agent, const struct plan *plan, const struct fingerprint *content,
                 struct fingerprint *out)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(TARGET_MAX);
        enum tls_mode mode = wish_mode(agent, plan);
        char hex[FINGERPRINT_TEXT_MAX];

        if (!plan->given && mode == TLS_UNMANAGED) {
                *out = *content;
                return;
        }
        buf_printf(&text, "%s %s %s %lld %s", hex_fingerprint(content, hex), tls_mode_name(mode),
                   plan_phase_name(plan->phase), (long long)plan->generation, plan->request);
        for (size_t i = 0; i < plan->authorities.n; i++)
                buf_printf(&text, " %s", hex_fingerprint(&plan->authorities.certs[i]->fp, hex));
        (void)SHA256(text.data, text.len, out->sha256);
}

/*
 * At rest the controller makes a request of what came, and gives turns. Whoever is to do that may be gone: in
 * the last tenth of its lifetime the certificate served is worth more than the order.
 */
static bool is_urgent(const struct agent *agent)
{
        const struct cert *leaf = bundle_leaf(agent->good);
        int64_t lifetime_s = leaf->not_after.s - leaf->not_before.s;

        return agent->plan.given && *agent->plan.request == '\0' && agent->good_mode != TLS_OFF &&
               leaf->not_after.s - clock_wall().s < lifetime_s / 10;
}

bool wish_may_act(const struct agent *agent)
{
        if (agent->plan.turn || agent->plan.reload || agent->good == NULL || is_urgent(agent))
                return true;
        return agent->mode != TLS_UNMANAGED &&
               (agent->mode != agent->good_mode || settings_is_pending(agent->config->settings_file));
}

void wish_turn(struct agent *agent, const struct plan *plan)
{
        agent->plan.turn = plan->turn;
        agent->plan.reload = plan->reload;
        agent->status.plan.turn = plan->turn;
        if (!plan->turn || !agent->status.plan.held)
                return;
        agent->status.plan.held = false;
        loop_timer_set(agent->pause, 0);
}

/* fresh ∪ what the plan names ∪ what was published: nobody is dropped whom another member may still need. */
static void keep_authorities(struct agent *agent)
{
        const struct wall now = clock_wall();
        struct chain *authorities = &agent->candidate->authorities;
        struct chain merged = CHAIN_INIT;

        chain_merge(authorities, &agent->plan.authorities, now, &merged);
        chain_done(authorities);
        *authorities = merged;
        if (agent->good == NULL)
                return;
        merged = (struct chain)CHAIN_INIT;
        chain_merge(authorities, &agent->good->authorities, now, &merged);
        chain_done(authorities);
        *authorities = merged;
}

/* The published leaf again, in the place of the one that comes next. */
static void keep_leaf(struct agent *agent)
{
        struct bundle *next = agent->candidate;
        struct bundle *kept = MEM_NEW(struct bundle);

        kept->content = next->content;
        kept->has_authorities_file = true;
        chain_copy(&kept->chain, &agent->good->chain);
        chain_copy(&kept->authorities, &next->authorities);
        kept->key = agent->good->key == NULL ? NULL : key_copy(agent->good->key);
        agent_drop_upcoming(agent);
        agent->upcoming = next;
        agent->database->upcoming = next;
        agent->candidate = kept;
}

void wish_compose(struct agent *agent)
{
        enum plan_phase phase = agent->plan.phase;

        if (phase == PLAN_PRUNE || (phase == PLAN_NO_PHASE && !agent->config->keep_authorities))
                return;
        keep_authorities(agent);
        if (phase == PLAN_TRUST && agent->good != NULL)
                keep_leaf(agent);
}
