// SPDX-License-Identifier: Apache-2.0
/*
 * Conditions carry the pod in their name, so that members of one database never write the same one.
 */
#include "rotate/tell.h"

#include "base/mem.h"
#include "rotate/api.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define TYPE_MAX    320
#define MESSAGE_MAX 1024

/* "CheckServedCertificate" is "check served certificate" in messages. */
static void in_words(const char *type, char *out, size_t size)
{
        size_t len = 0;

        for (const char *p = type; *p != '\0' && len + 2 < size; p++) {
                bool is_capital = isupper((unsigned char)*p);
                bool after_small = p != type && islower((unsigned char)p[-1]);
                bool after_capital = p != type && isupper((unsigned char)p[-1]);
                bool before_small = islower((unsigned char)p[1]);
                bool is_acronym =
                        is_capital && !before_small && (after_capital || isupper((unsigned char)p[1]));

                if (is_capital && (after_small || (after_capital && before_small)))
                        out[len++] = ' ';
                out[len++] = is_acronym ? *p : (char)tolower((unsigned char)*p);
        }
        out[len] = '\0';
}

static void tell(struct agent *agent, const char *step, bool is_true, const char *error, bool may_wait)
{
        const struct kube_request_ref request = { agent->plan.kind, agent->plan.request };
        const char *pod = agent->config->kube.pod;
        struct kube_reporter *reporter = api_reporter(agent);
        char words[64];
        char type[TYPE_MAX];
        char message[MESSAGE_MAX];

        if (reporter == NULL || !agent->plan.given || *request.kind == '\0' || *request.name == '\0')
                return;
        in_words(step, words, sizeof(words));
        (void)snprintf(type, sizeof(type), "%s--%s", step, pod);
        (void)snprintf(message, sizeof(message), "%s; ConditionStatus:%s; PodName:%s%s%s", words,
                       is_true ? "True" : "False", pod,
                       error == NULL ? "" : "; Error:", error == NULL ? "" : error);
        kube_reporter_condition(reporter, &request,
                                &(struct kube_condition){
                                        .type = type,
                                        .is_true = is_true,
                                        .message = message,
                                        .at = clock_wall(),
                                        .may_wait = may_wait,
                                });
}

void tell_condition(struct agent *agent, const char *step, bool is_true, const char *error)
{
        tell(agent, step, is_true, error, false);
}

static const char *apply_name(const struct agent *agent)
{
        return agent->restarted ? "RestartDatabase" : "ReloadTLS";
}

/* An engine that never reloads was not told anything when it was not restarted. */
static bool was_applied(const struct agent *agent)
{
        return agent->restarted || agent->database->hook->reload != NULL;
}

/* The condition that stands for a step that was done, or failed; NULL: none does. */
static const char *name_of(const struct agent *agent, const char *step)
{
        static const char *const names[][2] = {
                { "load", "CheckCertificate" },         { "validate", "CheckCertificate" },
                { "stage", "PublishCertificate" },      { "publish", "PublishCertificate" },
                { "verify", "CheckServedCertificate" },
        };

        if (strcmp(step, "apply") == 0)
                return apply_name(agent);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (strcmp(step, names[i][0]) == 0)
                        return names[i][1];
        return NULL;
}

/* The next step mostly follows within a second, and the last of them takes all along. */
void tell_entered(struct agent *agent, const struct step *step, bool rolling_back)
{
        api_report(agent);
        if (rolling_back)
                return;
        if (strcmp(step->name, "stage") == 0)
                tell(agent, "CheckCertificate", true, NULL, true);
        else if (strcmp(step->name, "apply") == 0)
                tell(agent, "PublishCertificate", true, NULL, true);
        else if (strcmp(step->name, "verify") == 0 && was_applied(agent))
                tell(agent, apply_name(agent), true, NULL, true);
}

static void tell_conditions(struct agent *agent, enum status_result result)
{
        const struct rotation *rotation = &agent->rotation;
        const char *failed;

        if (result == RESULT_SUCCESS) {
                tell_condition(agent, "CheckServedCertificate", true, NULL);
                return;
        }
        failed = rotation->failed_at == NULL ? NULL : name_of(agent, rotation->failed_at);
        if (failed != NULL)
                tell_condition(agent, failed, false, rotation->failure.text);
        if (result == RESULT_ROLLED_BACK || result == RESULT_DEGRADED)
                tell_condition(agent, "RollBackCertificate", result == RESULT_ROLLED_BACK,
                               rotation->failure.text);
}

void tell_event(struct agent *agent, bool is_good, const char *reason, const char *action, const char *note)
{
        const struct kube_request_ref request = { agent->plan.kind, agent->plan.request };
        bool asked = agent->plan.given && *request.kind != '\0' && *request.name != '\0';

        kube_reporter_event(api_reporter(agent), asked ? &request : NULL,
                            &(struct kube_event){
                                    .type = is_good ? KUBE_EVENT_NORMAL : KUBE_EVENT_WARNING,
                                    .reason = reason,
                                    .action = action,
                                    .note = note,
                                    .at = clock_wall(),
                            });
}

static void tell_result(struct agent *agent, enum status_result result)
{
        static const char *const reasons[RESULTS] = {
                [RESULT_SUCCESS] = "RotationSucceeded", [RESULT_REFUSED] = "BundleRefused",
                [RESULT_FAILED] = "RotationFailed",     [RESULT_ROLLED_BACK] = "RotationRolledBack",
                [RESULT_DEGRADED] = "RotationDegraded",
        };
        char note[MESSAGE_MAX];
        char until[CLOCK_TEXT_MAX];
        char hex[FINGERPRINT_TEXT_MAX];

        if (result == RESULT_SUCCESS)
                (void)snprintf(note, sizeof(note),
                               "%s of %s serves certificate %.16s until %s (generation %lld, change: %s)",
                               agent->config->alias, agent->config->database,
                               hex_fingerprint(&bundle_leaf(agent->good)->fp, hex),
                               clock_format(bundle_leaf(agent->good)->not_after, until),
                               (long long)agent->state.good, agent->status.change);
        else
                (void)snprintf(note, sizeof(note), "%s of %s: %s", agent->config->alias,
                               agent->config->database, agent->rotation.failure.text);
        tell_event(agent, result == RESULT_SUCCESS, reasons[result], "Rotate", note);
}

void tell_outcome(struct agent *agent, enum status_result result)
{
        if (api_reporter(agent) == NULL)
                return;
        tell_conditions(agent, result);
        if (!agent->unchanged || result != RESULT_SUCCESS)
                tell_result(agent, result);
        api_report(agent);
}
