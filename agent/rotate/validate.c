// SPDX-License-Identifier: Apache-2.0
/*
 * Step `validate`: judge the bundle before anything is touched, and tell what kind of change it is.
 *
 * The database's own OK proves only that key and certificate belong together: it looks neither at dates nor
 * at issuers.
 */
#include "rotate/agent.h"
#include "rotate/layout.h"
#include "rotate/steps.h"
#include "rotate/wish.h"

#include <stdio.h>

#define TORN_PATIENCE_MS 10000

static void judge(struct agent *agent, struct findings *findings)
{
        const struct config *config = agent->config;
        struct policy_context context = {
                .policy = &config->policy,
                .files = &config->names,
                .now = clock_wall(),
                .names = config->server_names,
                .n_names = config->n_server_names,
                .served = agent->good == NULL ? NULL : bundle_leaf(agent->good),
        };

        policy_check(agent->candidate, &context, findings);
        wish_compose(agent);
        if (agent->database->hook->check != NULL)
                agent->database->hook->check(agent->database, agent->candidate, agent->good, findings);
}

/* A plain directory gets its key and its certificate one after the other: wait for the second before judging.
 */
static bool is_half_written(struct agent *agent, const struct finding *refusal)
{
        struct mono now = clock_mono();

        if (agent->snapshot->atomic || refusal->code != FINDING_KEY_MISMATCH) {
                agent->torn_since.ms = 0;
                return false;
        }
        if (agent->torn_since.ms == 0)
                agent->torn_since = now;
        return now.ms - agent->torn_since.ms < TORN_PATIENCE_MS && !agent->once;
}

static enum step_result refuse(struct agent *agent, const struct finding *refusal, struct err *err)
{
        /* The one that was judged. */
        const struct cert *leaf = bundle_leaf(agent->upcoming != NULL ? agent->upcoming : agent->candidate);

        if (is_half_written(agent, refusal)) {
                (void)err_set(err, ERR_CHANGED, "%s", refusal->text);
                return STEP_FAILED;
        }
        /* Time alone makes this one good: look again then. */
        if (refusal->code == FINDING_NOT_YET_VALID)
                agent->state.judged_until = leaf->not_before;
        (void)err_set(err, ERR_REFUSED, "%s: %s", policy_code_name(refusal->code), refusal->text);
        return STEP_FAILED;
}

/* As far as the last look told: nothing, or something else, in mode off. */
static bool is_served(const struct agent *agent)
{
        const struct status_leaf *served = &agent->status.stages[STAGE_SERVED];
        bool same = served->known && hex_fingerprint_equal(&served->fp, &bundle_leaf(agent->candidate)->fp);

        return agent->mode == TLS_OFF ? !same : same;
}

/* Its reload does something in each phase, whether the files change or not. */
static bool phase_is_news(const struct agent *agent)
{
        return (agent->database->hook->caps & HOOK_PINS_LEAVES) && agent->plan.phase != PLAN_NO_PHASE;
}

/* Is the last proven one what a database that starts now would take? Not when a rotation is superseded. */
static bool is_published(const struct agent *agent)
{
        bool pending = agent->mode != TLS_UNMANAGED && settings_is_pending(agent->config->settings_file);

        return agent->status.generation == agent->state.good && !pending;
}

static bool is_unchanged(const struct agent *agent)
{
        return is_published(agent) && agent->change == CHANGE_NONE && agent->mode == agent->good_mode &&
               layout_is_current(agent) && is_served(agent) && !phase_is_news(agent);
}

/*
 * The volume's is not younger than the one published, and no word of the API which of the two counts: nobody
 * goes back by that.
 */
static bool is_stale(const struct agent *agent)
{
        const struct cert *fresh = bundle_leaf(agent->candidate);
        const struct cert *good = agent->good == NULL ? NULL : bundle_leaf(agent->good);

        if (agent->config->kube.secret == NULL || agent->origin.api != NULL || good == NULL)
                return false;
        return !hex_fingerprint_equal(&fresh->fp, &good->fp) && fresh->not_before.s <= good->not_before.s;
}

enum step_result validate_step(void *work, struct err *err)
{
        struct agent *agent = work;
        struct status *status = &agent->status;
        const struct finding *refusal;

        findings_done(&status->findings);
        agent->state.judged_until.s = 0;
        judge(agent, &status->findings);
        refusal = policy_refusal(&status->findings);
        if (refusal != NULL)
                return refuse(agent, refusal, err);
        agent->torn_since.ms = 0;
        for (size_t i = 0; i < status->findings.n; i++)
                log_warn("bundle_finding", LOG_S("code", policy_code_name(status->findings.items[i].code)),
                         LOG_S("message", status->findings.items[i].text));
        agent->change = change_classify(agent->good, agent->candidate);
        (void)snprintf(status->change, sizeof(status->change), "%s", change_name(agent->change));
        log_info("bundle_accepted", LOG_S("bundle", agent->config->alias),
                 LOG_FP("fingerprint", &bundle_leaf(agent->candidate)->fp), LOG_S("change", status->change),
                 LOG_I("warnings", (int64_t)status->findings.n));
        if (is_stale(agent)) {
                (void)err_set(err, ERR_NOT_READY,
                              "the volume has an older certificate than the one published, and the API "
                              "server was not "
                              "heard yet");
                return STEP_FAILED;
        }
        agent->unchanged = is_unchanged(agent);
        return agent->unchanged ? STEP_ENOUGH : STEP_DONE;
}
