// SPDX-License-Identifier: Apache-2.0
/*
 * Each step looks, and either waits, or does its part and writes the next step with it. What a step does may
 * be done twice; what it has written is done once.
 */
#include "control/steps.h"

#include "base/mem.h"
#include "control/ending.h"
#include "control/hold.h"
#include "control/retry.h"
#include "control/walk.h"

#include <string.h>

/* The last of it says that it was done: the request goes on from Pending. */
static void begin(struct step *step)
{
        struct action *action;

        (void)step_add(step, ACTION_PAUSE);
        action = step_add(step, ACTION_PHASE);
        action->phase = REQUEST_PROGRESSING;
        action->type = action->reason = step_operation(step);
        action->text =
                mem_printf("%s ops-request has started to reconfigure %s%s nodes", step->kind->database,
                           step->next.is_tls ? "tls for " : "", step->seen->name);
        step_condition(step, "DatabasePauseSucceeded", "DatabasePauseSucceeded",
                       mem_strdup("Successfully paused database"));
}

/* What is issued, or asked for, decides the stages of the walk. */
static void judge(struct step *step)
{
        struct action *action;

        step_note_served(step);
        step->next.stage = 0;
        step->next.step = RECORD_WALK;
        step->next.since = step->seen->now;
        walk_renew_plan(step);
        if (!step->next.is_tls) {
                step->next.stages[0] = (struct record_stage){ PLAN_NO_PHASE, step->next.before };
                step->next.n_stages = 1;
        }
        action = step_add(step, step->next.is_tls ? ACTION_JUDGE : ACTION_RENDER);
        action->is_true = walk_mixes(step);
        record_copy(&action->record, &step->next);
}

/* --- save and issue */

static void remember(struct step *step, const char *name, bool asked)
{
        const struct certificate *certificate = step_certificate(step, name);
        struct record *next = &step->next;

        if (next->n_certificates == RECORD_CERTIFICATES_MAX)
                return;
        next->certificates[next->n_certificates++] = (struct record_certificate){
                .name = mem_strdup(name),
                .uid = mem_strdup(certificate == NULL ? "" : certificate->uid),
                .revision = certificate == NULL ? 0 : certificate->revision,
                .asked = asked,
        };
}

static void remember_all(struct step *step)
{
        for (size_t i = 0; i < step->seen->n_certificates; i++) {
                const struct certificate *certificate = step->seen->certificates[i];

                if (kind_has_alias(step->kind, certificate->alias))
                        remember(step, certificate->name,
                                 step_is_rotation(step) &&
                                         request_rotates(step->request, certificate->alias));
        }
        for (const char *const *alias = step->kind->aliases; step_is_change(step) && *alias != NULL;
             alias++) {
                AUTO(mem_free_p) char *name = certificate_name(step->seen->name, *alias);
                struct record_certificate *have = record_certificate(&step->next, name);

                if (!step_names_certificates(step) || !step_issues(step, *alias))
                        continue;
                if (have == NULL)
                        remember(step, name, true);
                else
                        have->asked = true;
        }
}

/*
 * Those that are as they were. One that was denied is told to issue by the step ISSUE only, which is left
 * when that is done: in READY nobody could say whether it was denied before or since.
 */
static void tell_to_issue(struct step *step)
{
        for (size_t i = 0; i < step->next.n_certificates; i++) {
                const struct record_certificate *before = &step->next.certificates[i];
                const struct certificate *certificate = step_certificate(step, before->name);
                struct action *action;

                if (!before->asked || certificate == NULL || certificate->is_issuing ||
                    strcmp(certificate->uid, before->uid) != 0 || certificate->revision != before->revision ||
                    (certificate->is_denied && step->next.step != RECORD_ISSUE))
                        continue;
                action = step_add(step, ACTION_ISSUE);
                action->name = mem_strdup(before->name);
                action->number = before->revision;
        }
}

/* Of an alias that the database has not had yet, when the request names none: that of the first. */
static char *present_issuer(const struct step *step, const char *alias)
{
        AUTO(mem_free_p) char *own = certificate_name(step->seen->name, alias);
        AUTO(mem_free_p) char *first = certificate_name(step->seen->name, step->kind->aliases[0]);
        const struct certificate *have = step_certificate(step, first);

        if (have == NULL || step_certificate(step, own) != NULL ||
            request_issuer(step->request, alias) != NULL)
                return NULL;
        return mem_strdup(have->issuer);
}

static void write_certificates(struct step *step)
{
        for (const char *const *alias = step->kind->aliases; *alias != NULL; alias++) {
                AUTO(mem_free_p) char *name = certificate_name(step->seen->name, *alias);
                const struct record_certificate *have = record_certificate(&step->next, name);

                struct action *action;

                if (have == NULL || !have->asked)
                        continue;
                action = step_add(step, ACTION_CERTIFICATE);
                action->name = mem_strdup(*alias);
                action->text = present_issuer(step, *alias);
        }
}

static void issue(struct step *step)
{
        if (!step->next.is_tls) {
                judge(step);
                return;
        }
        if (step_is_change(step))
                write_certificates(step);
        else
                tell_to_issue(step);
        step_go(step, RECORD_READY);
}

static bool is_any_denied(const struct step *step)
{
        for (size_t i = 0; i < step->next.n_certificates; i++) {
                const struct certificate *certificate =
                        step_certificate(step, step->next.certificates[i].name);

                if (step->next.certificates[i].asked && certificate != NULL && certificate->is_denied)
                        return true;
        }
        return false;
}

static void save(struct step *step)
{
        bool issues_any = false;

        remember_all(step);
        for (size_t i = 0; i < step->next.n_certificates; i++)
                issues_any = issues_any || step->next.certificates[i].asked;
        if (step_is_rotation(step) && !issues_any) {
                step_fail(step, "Refused",
                          mem_printf("no Certificate is labelled app.kubernetes.io/instance=%s: only what "
                                     "cert-manager "
                                     "issues can be rotated",
                                     step->seen->name));
                return;
        }
        (void)step_add(step, ACTION_SAVE);
        step->next.saved = true;
        step->next.issued = issues_any || !step->next.is_tls;
        if (!step->next.issued) {
                judge(step);
        } else if (step_is_rotation(step) && !is_any_denied(step)) {
                step_go(step, RECORD_READY);
                tell_to_issue(step);
        } else {
                step_go(step, RECORD_ISSUE);
                issue(step);
        }
}

static void hold(struct step *step)
{
        if (step->request->phase == REQUEST_PENDING && step_is_late(step))
                step_fail(step, "Timeout", mem_strdup("Timeout: the request does not get its phase"));
        else if (step->request->phase == REQUEST_PENDING)
                begin(step);
        else if (hold_is_over(step))
                save(step);
}

/* --- ready, and the walk */

static bool is_issued(const struct step *step, const struct record_certificate *before,
                      const struct certificate *certificate)
{
        bool is_new = strcmp(certificate->uid, before->uid) != 0 || certificate->revision > before->revision;

        /* Without the CertificateRequest of its leaf (so it is after a way back) cert-manager does not
         * compare issuers, and one that was denied is ready with what it had. */
        return certificate->is_ready && !certificate->is_issuing && certificate->revision > 0 &&
               (is_new || (step_is_change(step) && !certificate->is_denied));
}

/* What is waited for; NULL: all is issued. will_not_pass: cert-manager does not try again by itself. */
static char *not_issued(const struct step *step, bool *will_not_pass)
{
        *will_not_pass = false;
        for (size_t i = 0; i < step->next.n_certificates; i++) {
                const struct record_certificate *before = &step->next.certificates[i];
                const struct certificate *certificate = step_certificate(step, before->name);

                if (!before->asked)
                        continue;
                if (certificate == NULL)
                        return mem_printf("Certificate %s is not there", before->name);
                if (is_issued(step, before, certificate))
                        continue;
                *will_not_pass = certificate->is_denied;
                return mem_printf("Certificate %s was not issued%s%s", before->name,
                                  certificate->problem == NULL ? "" : ": ",
                                  certificate->problem == NULL ? "" : certificate->problem);
        }
        return NULL;
}

static void ready(struct step *step)
{
        bool will_not_pass;
        char *problem = not_issued(step, &will_not_pass);

        if (problem != NULL) {
                if (will_not_pass)
                        step_fail(step, "IssueCertificatesFailed", mem_strdup(problem));
                else if (step_is_late(step))
                        step_fail(step, "Timeout", mem_printf("Timeout: %s", problem));
                else if (step_is_rotation(step))
                        tell_to_issue(step); /* it was killed before it came to it */
                mem_free(problem);
                return;
        }
        if (step_is_rotation(step))
                step_condition(step, "IssueCertificatesSucceeded", "IssueCertificatesSucceeded",
                               mem_strdup("Successfully added issuing condition to all the certificates"));
        step_condition(step, "GetCertificate", NULL, mem_strdup("get certificate; ConditionStatus:True"));
        step_condition(step, "CheckReadyCondition", NULL,
                       mem_strdup("check ready condition; ConditionStatus:True"));
        step_condition(step, "IssuingCondition", NULL, mem_strdup("issuing condition; ConditionStatus:True"));
        step_tell(step, "CertificateSynced", mem_strdup("Successfully synced all certificates"));
        judge(step);
}

/* cert-manager has issued once more meanwhile: what is walked with is old. */
static bool is_overtaken(const struct step *step)
{
        if (!step->next.is_tls)
                return false;
        for (size_t i = 0; i < step->next.n_served; i++) {
                const struct record_certificate *judged = &step->next.served[i];
                const struct certificate *certificate = step_certificate(step, judged->name);

                if (certificate != NULL && certificate->is_ready && !certificate->is_issuing &&
                    (strcmp(certificate->uid, judged->uid) != 0 || certificate->revision != judged->revision))
                        return true;
        }
        return false;
}

/* Every pod serves what it is to serve. */
static bool is_through(const struct step *step)
{
        return step->next.step == RECORD_WALK && !is_overtaken(step) && walk_is_over(step);
}

static void walked(struct step *step)
{
        record_set_trusted(&step->next);
        if (step_is_removal(step) || step_is_change(step))
                step_go(step, RECORD_CLEAN);
        else
                ending_end(step);
}

static void walk(struct step *step)
{
        if (is_overtaken(step))
                judge(step);
        else if (!is_through(step))
                walk_on(step);
        else
                walked(step);
}

/* --- what goes wrong on the way */

/* What the last list of actions ended with, when it will not pass, or lasts too long; NULL: nothing of the
 * sort. */
static char *obstacle(struct step *step)
{
        const struct err *fault = step->seen->fault;

        if (fault == NULL)
                return NULL;
        if (fault->kind == ERR_USAGE || fault->kind == ERR_REFUSED)
                return mem_strdup(fault->text);
        return step_is_late(step) ? mem_printf("Timeout: %s", fault->text) : NULL;
}

/* The pods are done, or back: what is left over is told, and does not keep the database paused. */
static void leave(struct step *step, const char *why)
{
        struct record *next = &step->next;
        const char *what = next->step == RECORD_CLEAN ? "every pod has taken it, but" : "the way back:";
        char *text = next->failure == NULL ? mem_printf("%s %s", what, why)
                                           : mem_printf("%s; %s %s", next->failure, what, why);

        if (next->step == RECORD_CLEAN)
                next->before = next->wanted;
        mem_free(next->reason);
        mem_free(next->failure);
        next->reason = mem_strdup("Incomplete");
        next->failure = text;
        step_go(step, RECORD_RESUME);
}

/*
 * It cannot go on as it is: true, and the way is another. Behind the last pod of the walk there is none: a
 * request that is deleted by then was done, and what is refused there is tried until it is not.
 */
static bool is_given_up(struct step *step)
{
        enum record_step at = step->next.step;
        AUTO(mem_free_p) char *why = NULL;

        if (is_through(step))
                return false;
        if (at < RECORD_CLEAN && step->next.failure == NULL && step->request == NULL) {
                step_fail(step, "Deleted", mem_strdup("the request was deleted"));
                return true;
        }
        if (at > RECORD_RESTORE && at != RECORD_DISCARD)
                return false;
        why = obstacle(step);
        if (why == NULL)
                return false;
        if (at < RECORD_CLEAN)
                step_fail(step, err_reason(step->seen->fault->kind), mem_strdup(why));
        else
                leave(step, why);
        return true;
}

void steps_run(struct step *step)
{
        static void (*const steps[RECORD_STEPS])(struct step *) = {
                [RECORD_WAIT] = retry_wait,
                [RECORD_HOLD] = hold,
                [RECORD_ISSUE] = issue,
                [RECORD_READY] = ready,
                [RECORD_WALK] = walk,
                [RECORD_CLEAN] = ending_clean,
                [RECORD_RESTORE] = ending_restore,
                [RECORD_RETURN] = walk_back,
                [RECORD_DISCARD] = ending_discard,
                [RECORD_RESUME] = ending_end,
        };

        if (!is_given_up(step) && steps[step->next.step] != NULL)
                steps[step->next.step](step);
}
