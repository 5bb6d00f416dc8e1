// SPDX-License-Identifier: Apache-2.0
/*
 * Of the Certificate that the agents publish: its revision says when cert-manager has issued. The name of the
 * request follows from what was issued, so that two controllers, or one twice, make one request.
 */
#include "control/renewals.h"

#include "base/mem.h"
#include "control/walk.h"

#include <string.h>

static struct action *add(struct actions *out, enum action_kind kind)
{
        struct action *action = &out->items[out->n < ACTIONS_MAX ? out->n++ : ACTIONS_MAX - 1];

        action->kind = kind;
        return action;
}

static const struct kind *kind_of_pods(const struct observed *seen)
{
        for (size_t i = 0; i < seen->n_pods; i++)
                for (const struct kind *kind = kinds; kind->request != NULL; kind++)
                        if (strncmp(seen->pods[i]->kind_label, kind->databases, strlen(kind->databases)) ==
                                    0 &&
                            strcmp(seen->pods[i]->kind_label + strlen(kind->databases), ".kubedb.com") == 0)
                                return kind;
        return NULL;
}

static bool has_agents(const struct observed *seen)
{
        for (size_t i = 0; i < seen->n_pods; i++)
                if (!seen->pods[i]->has_agent)
                        return false;
        return seen->n_pods > 0;
}

/* The Certificate of the Secret that agents publish. */
static const struct certificate *published(const struct observed *seen, const struct kind *kind)
{
        AUTO(mem_free_p) char *name = certificate_name(seen->name, kind->aliases[0]);

        for (size_t i = 0; i < seen->n_certificates; i++)
                if (strcmp(seen->certificates[i]->name, name) == 0)
                        return seen->certificates[i];
        return NULL;
}

/* From now on the agents hold, and what comes is a request. */
static void take_over(const struct observed *seen, struct actions *out)
{
        struct action *action = add(out, ACTION_RECORD);

        record_init(&action->record);
        record_set_served(&action->record, seen->certificates, seen->n_certificates);
        action->record.mode = walk_mode(seen);
        action->record.generation = 1;
}

static bool is_served(const struct record *record, const struct certificate *certificate)
{
        for (size_t i = 0; i < record->n_served; i++)
                if (strcmp(record->served[i].name, certificate->name) == 0)
                        return strcmp(record->served[i].uid, certificate->uid) == 0 &&
                               record->served[i].revision == certificate->revision;
        return false;
}

static void forget_old(const struct reconcile_settings *settings, const struct observed *seen,
                       struct actions *out)
{
        int kept = 0;

        for (size_t i = seen->n_requests; i-- > 0;) {
                const struct request *request = seen->requests[i];

                if (request->is_auto && request_has_ended(request) && ++kept > settings->history) {
                        struct action *action = add(out, ACTION_DELETE);

                        action->request = request;
                        action->database = request->kind;
                        return;
                }
        }
}

void renewals_look(const struct reconcile_settings *settings, const struct observed *seen,
                   struct actions *out)
{
        const struct kind *kind = kind_of_pods(seen);
        const struct certificate *certificate = kind == NULL ? NULL : published(seen, kind);
        struct action *action;

        if (kind == NULL || !settings->renewals || seen->record_problem != NULL)
                return;
        if (seen->record == NULL) {
                if (has_agents(seen))
                        take_over(seen, out);
                return;
        }
        forget_old(settings, seen, out);
        if (out->n > 0 || certificate == NULL || certificate->revision == 0 || !certificate->is_ready ||
            certificate->is_issuing || is_served(seen->record, certificate))
                return;
        action = add(out, ACTION_CREATE);
        action->database = kind;
        action->name = mem_printf("%s-%lld-rotate-tls-auto", seen->name, (long long)certificate->not_after.s);
        action->text = mem_printf("%s=%lld", certificate->name, (long long)certificate->revision);
}
