// SPDX-License-Identifier: Apache-2.0
#include "control/evict.h"

#include "base/mem.h"

#include <string.h>

static const struct observed_pod *find(const struct step *step)
{
        for (size_t i = 0; i < step->seen->n_pods; i++)
                if (strcmp(step->seen->pods[i]->name, step->next.turn) == 0)
                        return step->seen->pods[i];
        return NULL;
}

/* As when it was given its turn. */
static bool is_same(const struct step *step, const struct observed_pod *pod)
{
        return step->next.turn_uid == NULL || strcmp(step->next.turn_uid, pod->uid) == 0;
}

static void condition(struct step *step, const char *type, const char *words, const struct observed_pod *pod)
{
        struct action *action;

        if (step->request == NULL)
                return;
        action = step_add(step, ACTION_CONDITION);
        action->type = type;
        action->name = mem_strdup(pod->name);
        action->text = mem_printf("%s; ConditionStatus:True; PodName:%s", words, pod->name);
        action->is_true = true;
}

/* What it serves is proven, and it is in service. */
static void welcome(struct step *step, const struct observed_pod *pod)
{
        condition(step, "CheckPodReady", "check pod ready", pod);
        mem_free(step->next.turn_uid);
        step->next.turn_uid = mem_strdup(pod->uid);
        step_commit(step);
}

bool evict_can_help(const struct step *step, const struct observed_pod *pod)
{
        bool has_turn = step->next.turn != NULL && strcmp(step->next.turn, pod->name) == 0;

        return pod->cannot_restart && (!has_turn || is_same(step, pod));
}

bool evict_is_pending(const struct step *step)
{
        const struct observed_pod *pod;

        if (step->next.turn == NULL || record_lists(step->next.lost, step->next.turn))
                return false;
        pod = find(step);
        return pod == NULL || pod->is_leaving || !is_same(step, pod);
}

bool evict_is_awaited(struct step *step, bool is_done, char **problem, const struct observed_pod **whose)
{
        const struct observed_pod *pod = find(step);
        const char *why;

        if (pod != NULL && !pod->is_leaving && (is_same(step, pod) || !is_done))
                return false;
        if (pod != NULL && !pod->is_leaving && pod->is_ready) {
                welcome(step, pod);
                return true;
        }
        if (!step_is_late(step))
                return true;
        /* Back: one that is not there serves nothing that would have to be undone, and finds the plan when it
         * comes. */
        if (pod == NULL && step->next.failure != NULL)
                return false;
        why = pod == NULL       ? "has gone in its turn, and none of that name has come"
              : pod->is_leaving ? "is being deleted, and has not gone"
                                : "has come again, and is not ready";
        *problem = mem_printf("Timeout: pod %s %s", step->next.turn, why);
        *whose = pod;
        return true;
}

/* Why it lasts too long. */
static char *why_late(const struct step *step, const struct observed_pod *pod, const struct observed_pod *out)
{
        const struct err *fault = step->seen->fault;

        if (out != NULL)
                return mem_printf("Timeout: pod %s is not ready, and two must not be out at once", out->name);
        return fault != NULL ? mem_printf("Timeout: %s", fault->text)
                             : mem_printf("Timeout: pod %s could not be evicted", pod->name);
}

bool evict_begin(struct step *step, const struct observed_pod *pod, const struct observed_pod *out,
                 char **problem)
{
        struct action *action;

        /* Its successor starts with what the plan says: one that does not is not evicted over and over. */
        if (!pod->cannot_restart || !is_same(step, pod))
                return false;
        if (step->next.stages[step->next.stage].phase == PLAN_TRUST)
                *problem = mem_printf(
                        "pod %s has to be restarted, which its agent cannot do; evicted now it would come "
                        "with a certificate that the others do not trust yet",
                        pod->name);
        else if (step_is_late(step))
                *problem = why_late(step, pod, out);
        if (*problem != NULL || out != NULL)
                return true;
        action = step_add(step, ACTION_EVICT);
        action->name = mem_strdup(pod->name);
        action->uid = mem_strdup(pod->uid);
        condition(step, "EvictPod", "evict pod", pod);
        return true;
}
