// SPDX-License-Identifier: Apache-2.0
#include "control/step.h"

#include "base/mem.h"
#include "control/walk.h"

#include <string.h>

struct action *step_add(struct step *step, enum action_kind kind)
{
        struct actions *out = step->out;
        struct action *action = &out->items[out->n < ACTIONS_MAX ? out->n++ : ACTIONS_MAX - 1];

        action->kind = kind;
        action->request = step->request;
        action->database = step->kind;
        return action;
}

static void condition(struct step *step, const char *type, const char *reason, char *text, bool is_event)
{
        struct action *action;

        if (step->request == NULL) {
                mem_free(text);
                return;
        }
        action = step_add(step, ACTION_CONDITION);
        action->type = type;
        action->reason = reason;
        action->text = text;
        action->is_true = true;
        action->is_event = is_event;
}

void step_condition(struct step *step, const char *type, const char *reason, char *text)
{
        condition(step, type, reason, text, false);
}

void step_tell(struct step *step, const char *type, char *text)
{
        condition(step, type, type, text, true);
}

void step_commit(struct step *step)
{
        record_copy(&step_add(step, ACTION_RECORD)->record, &step->next);
}

void step_go(struct step *step, enum record_step to)
{
        step->next.step = to;
        step->next.since = step->seen->now;
        step_commit(step);
}

void step_renew_plan(struct step *step)
{
        step->next.generation++;
        record_drop_turn(&step->next);
}

/* Where the way back begins: nothing was changed yet, or there is something to be put back, or to walk back.
 */
static enum record_step way_back(const struct step *step)
{
        const struct record *record = &step->next;
        bool is_renewal = step->request != NULL && step->request->renewal != NULL;

        /* Of what cert-manager has replaced by itself nobody has a copy but the agents, who went back to it.
         */
        if (record->step <= RECORD_HOLD || is_renewal)
                return RECORD_RESUME;
        if (record->issued)
                return RECORD_RESTORE;
        return record->n_stages > 0 ? RECORD_RETURN : RECORD_RESUME;
}

void step_fail(struct step *step, const char *reason, char *text)
{
        enum record_step to = way_back(step);

        if (step->next.failure == NULL) {
                step->next.failure = text;
                step->next.reason = mem_strdup(reason);
        } else {
                mem_free(text);
        }
        if (to == RECORD_RETURN)
                walk_turn_back(step);
        step_renew_plan(step);
        step_go(step, to);
}

bool step_is_late(struct step *step)
{
        int64_t given = step->request == NULL ? 0 : step->request->timeout_ms;
        int64_t ms = given > 0 ? given : step->settings->step_timeout_ms;
        struct wall end = { step->next.since.s + (ms + 999) / 1000 };

        if (step->seen->now.s >= end.s)
                return true;
        if (step->out->wake.s == 0 || end.s < step->out->wake.s)
                step->out->wake = end;
        return false;
}

static bool is_tls(const struct step *step, enum request_tls tls)
{
        return step->next.is_tls && step->request != NULL && step->request->tls == tls;
}

bool step_is_change(const struct step *step)
{
        return is_tls(step, REQUEST_CHANGE);
}

bool step_is_removal(const struct step *step)
{
        return is_tls(step, REQUEST_REMOVE);
}

bool step_is_rotation(const struct step *step)
{
        return is_tls(step, REQUEST_ROTATE) && step->request->renewal == NULL;
}

bool step_issues(const struct step *step, const char *alias)
{
        for (const char *const *known = step->kind->issued; *known != NULL; known++)
                if (strcmp(*known, alias) == 0)
                        return true;
        return request_certificate(step->request, alias) != NULL;
}

bool step_names_certificates(const struct step *step)
{
        return json_get(step->request->spec, "issuerRef") != NULL ||
               json_get(step->request->spec, "certificates") != NULL;
}

const char *step_operation(const struct step *step)
{
        return step->next.is_tls ? "ReconfigureTLS" : "Reconfigure";
}

const struct certificate *step_certificate(const struct step *step, const char *name)
{
        for (size_t i = 0; i < step->seen->n_certificates; i++)
                if (strcmp(step->seen->certificates[i]->name, name) == 0)
                        return step->seen->certificates[i];
        return NULL;
}

void step_note_served(struct step *step)
{
        record_set_served(&step->next, step->seen->certificates, step->seen->n_certificates);
}
