// SPDX-License-Identifier: Apache-2.0
/*
 * One list ends a request: nothing of it is written down in between, and whoever finds it half done does it
 * again from its beginning.
 */
#include "control/ending.h"

#include "base/mem.h"
#include "control/retry.h"
#include "control/walk.h"

static bool restarts_nobody(const struct step *step)
{
        for (size_t i = 0; i < step->next.n_files; i++)
                if (step->next.files[i].restart != PLAN_RESTART_NEVER)
                        return false;
        return !step->next.is_tls && step->next.n_files > 0;
}

static void tell_done(struct step *step)
{
        const char *word = step->next.is_tls ? "RestartNodes" : step->kind->reconfigured;

        step_condition(step, "UpdatePetSets", "UpdatePetSets",
                       mem_printf("Successfully reconciled the %s with %s", step->kind->database,
                                  step->next.is_tls ? "tls configuration" : "configuration"));
        step_condition(step, word, word,
                       mem_strdup(restarts_nobody(step)
                                          ? "Every node has the files, and none was restarted, as asked"
                                          : "Every node has taken it, by reload or restart, and serves it"));
}

static void tell_end(struct step *step)
{
        bool went_well = step->next.failure == NULL;
        struct action *action = step_add(step, ACTION_PHASE);

        action->is_true = went_well;
        action->phase = went_well ? REQUEST_SUCCESSFUL : REQUEST_FAILED;
        action->type = went_well ? "Successful" : step_operation(step);
        action->reason = went_well ? "Successful" : "Failed";
        action->text =
                went_well ? mem_printf("Successfully completed %s for %s",
                                       step->next.is_tls ? "reconfigureTLS" : "reconfigure", step->seen->name)
                          : mem_strdup(step->next.failure);
}

/* The same step ends it again when it was killed on the way: a request that has ended takes no more. */
void ending_end(struct step *step)
{
        struct record *next = &step->next;

        (void)step_add(step, ACTION_RESUME);
        if (next->failure != NULL && next->before != TLS_UNMANAGED)
                next->mode = next->before;
        if (retry_is_due(step)) {
                retry_begin(step);
                return;
        }
        if (next->failure == NULL)
                tell_done(step);
        else if (next->step == RECORD_DISCARD && next->lost == NULL)
                step_tell(step, "RolledBack", mem_strdup("Every node serves what it served before"));
        if (step->request != NULL)
                tell_end(step);
        (void)step_add(step, ACTION_FORGET);
        if (next->failure == NULL && next->is_tls)
                next->mode = next->wanted;
        record_settle(next);
        record_clear(next);
        step_renew_plan(step);
        step_commit(step);
}

void ending_clean(struct step *step)
{
        if (step_is_removal(step))
                step_add(step, ACTION_DISCARD)->all = true;
        if (step_is_removal(step) || step_is_change(step))
                step_add(step, ACTION_DATABASE)->is_true = !step_is_removal(step);
        ending_end(step);
}

void ending_restore(struct step *step)
{
        if (!walk_is_still(step) && !step_is_late(step))
                return;
        (void)step_add(step, ACTION_RESTORE);
        record_restore_files(&step->next);
        if (step->next.n_stages == 0) {
                step_go(step, RECORD_DISCARD);
                return;
        }
        walk_turn_back(step);
        walk_renew_plan(step);
        step_go(step, RECORD_RETURN);
}

void ending_discard(struct step *step)
{
        (void)step_add(step, ACTION_DISCARD);
        step_note_served(step);
        ending_end(step);
}
