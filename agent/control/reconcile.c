// SPDX-License-Identifier: Apache-2.0
/*
 * Which request is next, and then its step.
 */
#include "control/reconcile.h"

#include "base/mem.h"
#include "control/merges.h"
#include "control/renewals.h"
#include "control/rest.h"
#include "control/steps.h"
#include "control/walk.h"

#include <string.h>

static const struct request *by_uid(const struct observed *seen, const char *uid)
{
        for (size_t i = 0; i < seen->n_requests; i++)
                if (strcmp(seen->requests[i]->uid, uid) == 0)
                        return seen->requests[i];
        return NULL;
}

/* In a walk we have told of success ourselves, and were killed before it was written down. */
static bool is_ended_by_others(const struct step *step)
{
        if (step->next.step == RECORD_WALK && step->request->phase == REQUEST_SUCCESSFUL)
                return false;
        return request_has_ended(step->request) && step->next.step < RECORD_RESUME;
}

static void go_on(const struct reconcile_settings *settings, const struct observed *seen, struct actions *out)
{
        struct step step = { .settings = settings, .seen = seen, .out = out };

        record_copy(&step.next, seen->record);
        step.request = by_uid(seen, seen->record->uid);
        step.kind = kind_of_request(seen->record->kind);
        if (step.request != NULL && is_ended_by_others(&step))
                step.request = NULL; /* nothing is told of it any more */
        if (step.kind != NULL)
                steps_run(&step);
        record_done(&step.next);
}

static struct action *end(struct actions *out, const struct request *request, enum request_phase phase,
                          const char *type, const char *reason, char *text)
{
        struct action *action = &out->items[out->n < ACTIONS_MAX ? out->n++ : ACTIONS_MAX - 1];

        action->kind = ACTION_PHASE;
        action->request = request;
        action->database = request->kind;
        action->phase = phase;
        action->type = type;
        action->reason = reason;
        action->text = text;
        return action;
}

static void refuse(struct actions *out, const struct request *request, char *text)
{
        end(out, request, REQUEST_FAILED, request->type == REQUEST_TLS ? "ReconfigureTLS" : "Reconfigure",
            "Failed", text);
}

static bool is_waiting(const struct request *request)
{
        return request->type != REQUEST_OTHER && request->phase == REQUEST_PENDING;
}

/* A newer one of the same type says all that this one does, and more recently: but no renewal says what
 * somebody has asked for. */
static const struct request *newer(const struct observed *seen, size_t i)
{
        const struct request *request = seen->requests[i];

        for (size_t k = seen->n_requests; k-- > i + 1;)
                if (request->type == REQUEST_TLS && is_waiting(seen->requests[k]) &&
                    seen->requests[k]->type == REQUEST_TLS && seen->requests[k]->kind == request->kind &&
                    (request->is_auto || !seen->requests[k]->is_auto))
                        return seen->requests[k];
        return NULL;
}

static void skip(struct actions *out, const struct request *request, char *text)
{
        end(out, request, REQUEST_SKIPPED, "Skipped", "Skipped", text);
}

/* Why it cannot be begun at all; NULL: it can. */
static char *hopeless(const struct observed *seen, const struct request *request)
{
        if (request->wrong != NULL)
                return mem_strdup(request->wrong);
        if (seen->record_problem != NULL)
                return mem_printf("ConfigMap %s%s cannot be read: %s", seen->name, RECORD_SUFFIX,
                                  seen->record_problem);
        if (seen->database_known && seen->database == NULL)
                return mem_printf("there is no %s %s in namespace %s", request->kind->database, seen->name,
                                  seen->namespace);
        if (!seen->database_known && seen->n_pods == 0)
                return mem_printf("no pod in namespace %s is labelled app.kubernetes.io/instance=%s",
                                  seen->namespace, seen->name);
        return NULL;
}

static bool is_ripe(const struct observed *seen, const struct request *request)
{
        return request->apply_always || seen->database == NULL || *seen->database->phase == '\0' ||
               strcmp(seen->database->phase, "Ready") == 0;
}

static void begin(const struct observed *seen, const struct request *request, struct actions *out)
{
        struct action *action = &out->items[out->n < ACTIONS_MAX ? out->n++ : ACTIONS_MAX - 1];
        struct record *record = &action->record;

        action->kind = ACTION_RECORD;
        action->request = request;
        action->database = request->kind;
        if (seen->record != NULL)
                record_copy(record, seen->record);
        else
                record_init(record);
        record_clear(record);
        record->request = mem_strdup(request->name);
        record->kind = mem_strdup(request->kind->request);
        record->uid = mem_strdup(request->uid);
        record->is_tls = request->type == REQUEST_TLS;
        record->step = RECORD_HOLD;
        record->generation++;
        record->paused = true; /* about to be: it is taken back in any case */
        record->since = seen->now;
}

/* It ends before it begins. */
static bool is_settled(const struct observed *seen, size_t i, struct actions *out)
{
        const struct request *request = seen->requests[i];
        const struct request *instead = newer(seen, i);
        char *problem;

        if (instead != NULL) {
                skip(out, request,
                     mem_printf("skipped, since %s is newer and of the same type", instead->name));
                return true;
        }
        if (renewals_is_over(seen, request)) {
                skip(out, request, mem_strdup("skipped, since what was renewed is served already"));
                return true;
        }
        problem = hopeless(seen, request);
        if (problem != NULL)
                refuse(out, request, problem);
        return problem != NULL;
}

/* True: something is to be done about requests. */
static bool choose(const struct observed *seen, struct actions *out)
{
        for (size_t i = 0; i < seen->n_requests; i++)
                if (is_waiting(seen->requests[i]) && is_settled(seen, i, out))
                        return true;
        if (merges_look(seen, out))
                return true;
        for (size_t i = 0; i < seen->n_requests; i++) {
                const struct request *request = seen->requests[i];

                if (!is_waiting(request) || !is_ripe(seen, request))
                        continue;
                if (renewals_is_due(seen, request, out)) {
                        merges_begin(request, out);
                        begin(seen, request, out);
                        return true;
                }
                if (out->n > 0)
                        return true;
        }
        return false;
}

void reconcile(const struct reconcile_settings *settings, const struct observed *seen, struct actions *out)
{
        if (seen->record != NULL && seen->record->request != NULL)
                go_on(settings, seen, out);
        else if (!choose(seen, out))
                renewals_look(settings, seen, out);
        if (out->n == 0)
                rest_look(seen, out);
}
