// SPDX-License-Identifier: Apache-2.0
/*
 * A pod has done its part when its report says so of this very plan, and when the leaf that it serves is the
 * one that cert-manager has issued: the plan and the Secret come to it by two ways, and one may be old.
 */
#include "control/walk_look.h"

#include "base/mem.h"
#include "control/evict.h"
#include "control/walk.h"

#include <string.h>

bool walk_follows(const struct step *step, const struct observed_pod *pod)
{
        return pod->has_agent && pod->plan_request != NULL &&
               strcmp(pod->plan_request, step->next.request) == 0 &&
               pod->plan_generation == step->next.generation;
}

static bool is_leaf(const struct fingerprint *fp, const char *hex)
{
        char text[FINGERPRINT_TEXT_MAX];

        return strcmp(hex_fingerprint(fp, text), hex) == 0;
}

/* The leaf that is to be served in the end; NULL: none is looked at. */
static const char *leaf_wanted(const struct step *step)
{
        return step->next.failure == NULL ? step->next.leaf : step->next.leaf_before;
}

/* Serves what it is to serve in this stage; in phase trust it has at least seen what comes. */
static bool serves(const struct step *step, const struct observed_pod *pod)
{
        const struct record_stage *stage = &step->next.stages[step->next.stage];
        const char *leaf = leaf_wanted(step);

        if (leaf == NULL || stage->mode == TLS_OFF)
                return true;
        return is_leaf(stage->phase == PLAN_TRUST ? &pod->source : &pod->served, leaf);
}

/*
 * It has tried, in its turn or as far as that goes without it, and will not try again by itself. Not when
 * what it speaks of is an old Secret: the new one is on its way.
 */
bool walk_gives_up(const struct step *step, const struct observed_pod *pod)
{
        const char *leaf = leaf_wanted(step);

        if (!walk_follows(step, pod) || pod->failed == NULL || pod->plan_done || evict_can_help(step, pod))
                return false;
        return leaf == NULL || hex_fingerprint_is_none(&pod->source) || is_leaf(&pod->source, leaf);
}

bool walk_has_failed(const struct step *step, const struct observed_pod *pod)
{
        return !pod->is_busy && walk_gives_up(step, pod);
}

/* It refuses even what was before, and serves it: nothing has to be brought back. */
static bool is_back(const struct step *step, const struct observed_pod *pod)
{
        const struct record_stage *stage = &step->next.stages[step->next.stage];
        const char *leaf = step->next.leaf_before;

        if (step->next.failure == NULL || stage->mode != pod->mode || pod->is_degraded || !pod->is_ready ||
            !walk_has_failed(step, pod))
                return false;
        if (stage->mode == TLS_OFF)
                return hex_fingerprint_is_none(&pod->served);
        return leaf != NULL && is_leaf(&pod->served, leaf);
}

/* On the way back one that is down keeps the turn until it is there: nobody else may go down beside it. */
bool walk_is_done(const struct step *step, const struct observed_pod *pod)
{
        if (is_back(step, pod))
                return true;
        if (step->next.failure != NULL && !pod->is_ready)
                return false;
        return walk_follows(step, pod) && pod->plan_done && !pod->is_busy && !pod->is_degraded &&
               serves(step, pod);
}

char *walk_why_late(const struct observed_pod *pod)
{
        const char *more = pod->trouble;

        if (!pod->has_agent && pod->is_missed)
                more = "it was made while the webhook did not answer, and has to be deleted";
        return mem_printf("Timeout: pod %s %s%s%s", pod->name,
                          pod->has_agent ? "has not come to serve it within the time for a step"
                                         : "has no report of an agent",
                          more == NULL ? "" : ": ", more == NULL ? "" : more);
}

/*
 * When the mode is switched the others hold settings already that this one is about to take back. It may not
 * get its state from them before they do so too (Galera's transfers have no mixed mode), and is not waited
 * for.
 */
bool walk_needs_others(const struct step *step, const struct observed_pod *pod)
{
        const struct record *record = &step->next;

        return pod->is_rolling_back && record->n_stages > 0 &&
               record->stages[record->stage].mode != record->before;
}

bool walk_is_still(const struct step *step)
{
        for (size_t i = 0; i < step->seen->n_pods; i++)
                if (step->seen->pods[i]->is_busy && !walk_needs_others(step, step->seen->pods[i]))
                        return false;
        return true;
}

bool walk_mixes(const struct step *step)
{
        const char *alone = step->kind->alone;
        bool is_group = alone == NULL && step->kind->mixes;

        for (size_t i = 0; i < step->seen->n_pods && step->kind->mixes && alone != NULL; i++)
                is_group = is_group || strcmp(step->seen->pods[i]->role, alone) != 0;
        return is_group;
}

enum tls_mode walk_mode(const struct observed *seen)
{
        for (size_t i = 1; i < seen->n_pods; i++)
                if (seen->pods[i]->mode != seen->pods[0]->mode)
                        return TLS_UNMANAGED;
        return seen->n_pods == 0 ? TLS_UNMANAGED : seen->pods[0]->mode;
}
