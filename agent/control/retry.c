// SPDX-License-Identifier: Apache-2.0
#include "control/retry.h"

#include "base/mem.h"

#include <string.h>

#define PAUSE_S     INT64_C(10)
#define PAUSE_MAX_S INT64_C(300)

/* What it fails by may be gone the next time. */
static bool may_pass(const char *reason)
{
        static const char *const never[] = { "Refused", "IssueCertificatesFailed",
                                             "Deleted", "Incomplete",
                                             "Gone",    "Superseded" };

        for (size_t i = 0; i < ARRAY_LEN(never); i++)
                if (strcmp(never[i], reason) == 0)
                        return false;
        return err_retry(err_from_reason(reason)) != RETRY_NEVER;
}

/* Another of the same type that came later: it is not kept waiting. NULL: none. */
static const struct request *newer(const struct step *step)
{
        const struct observed *seen = step->seen;

        for (size_t i = seen->n_requests; i-- > 0 && seen->requests[i] != step->request;)
                if (seen->requests[i]->phase == REQUEST_PENDING && seen->requests[i]->wrong == NULL &&
                    seen->requests[i]->type == step->request->type &&
                    (step->request->is_auto || !seen->requests[i]->is_auto))
                        return seen->requests[i];
        return NULL;
}

bool retry_is_due(const struct step *step)
{
        const struct record *record = &step->next;

        return step->request != NULL && record->failure != NULL && record->lost == NULL &&
               record->tries < step->request->max_retries && may_pass(record->reason) && newer(step) == NULL;
}

static int64_t pause_s(int tries)
{
        int64_t s = PAUSE_S;

        for (int i = 1; i < tries && s < PAUSE_MAX_S; i++)
                s *= 2;
        return s < PAUSE_MAX_S ? s : PAUSE_MAX_S;
}

void retry_begin(struct step *step)
{
        struct record *next = &step->next;
        const int tries = next->tries + 1;
        const bool is_tls = next->is_tls;

        step_condition(
                step, "Retrying", "Retrying",
                mem_printf("try %d of %d has failed and was taken back, the next one begins in %lld s: %s",
                           tries, step->request->max_retries + 1, (long long)pause_s(tries), next->failure));
        (void)step_add(step, ACTION_FORGET);
        record_clear(next);
        next->request = mem_strdup(step->request->name);
        next->kind = mem_strdup(step->kind->request);
        next->uid = mem_strdup(step->request->uid);
        next->is_tls = is_tls;
        next->tries = tries;
        step_renew_plan(step);
        step_go(step, RECORD_WAIT);
}

/* The request has its phase already, which is what says otherwise that the database is paused: first that. */
static void begin(struct step *step)
{
        (void)step_add(step, ACTION_PAUSE);
        step->next.paused = true;
        step_renew_plan(step);
        step_go(step, RECORD_HOLD);
}

void retry_wait(struct step *step)
{
        const struct request *instead = newer(step);
        struct wall due = { step->next.since.s + pause_s(step->next.tries) };

        if (instead != NULL)
                step_fail(
                        step, "Superseded",
                        mem_printf("it has failed before (see Retrying), and is not tried again, since %s is "
                                   "newer and of the same type",
                                   instead->name));
        else if (step->seen->now.s >= due.s)
                begin(step);
        else
                step->out->wake = due;
}
