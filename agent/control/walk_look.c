// SPDX-License-Identifier: Apache-2.0
#include "control/walk.h"

#include "base/mem.h"

#include <string.h>

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
