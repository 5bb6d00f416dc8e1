// SPDX-License-Identifier: Apache-2.0
/*
 * Of the Certificate that the agents publish: its revision says when cert-manager has issued. Nothing else of
 * it does: its times come with a later write, and some authorities give the same ones all day.
 */
#include "control/renewals.h"

#include "base/mem.h"
#include "control/request_check.h"
#include "control/walk.h"

#include <string.h>

#define LIFETIME_S (INT64_C(90) * 86400) /* where it is not known */

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

bool renewals_is_over(const struct observed *seen, const struct request *request)
{
        const struct certificate *certificate = published(seen, request->kind);

        return request->is_auto && request->renewal != NULL && seen->record != NULL && certificate != NULL &&
               is_served(seen->record, certificate);
}

/* --- when */

/*
 * From when on the schedule does not count. Not later than the last eighth of the lifetime: in the last tenth
 * agents wait for no controller, each on its own, and a walk is to be over by then.
 */
static struct wall urgent_from(const struct observed *seen, const struct schedule *schedule,
                               const struct certificate *certificate)
{
        int64_t lifetime_s = certificate == NULL || certificate->not_before.s == 0
                                     ? LIFETIME_S
                                     : certificate->not_after.s - certificate->not_before.s;
        int64_t before_s = schedule->urgent_s > lifetime_s / 8 ? schedule->urgent_s : lifetime_s / 8;
        struct wall end = { INT64_MAX };

        for (size_t i = 0; i < seen->n_pods; i++)
                if (seen->pods[i]->served_until.s > 0 && seen->pods[i]->served_until.s < end.s)
                        end = seen->pods[i]->served_until;
        return end.s == INT64_MAX ? end : (struct wall){ end.s - before_s };
}

static char *why_not_now(const struct observed *seen, struct wall due, const struct schedule *schedule)
{
        char shown[REQUEST_CHECK_SHOWN_MAX], at[CLOCK_TEXT_MAX];

        if (schedule->n_windows > 0)
                return mem_printf("begins at %s: maintenance window '%s'", clock_format(due, at),
                                  request_check_shown(seen->schedule->window, shown));
        return mem_printf("begins at %s: spread over %s", clock_format(due, at),
                          request_check_shown(seen->schedule->spread, shown));
}

/* Once. The text is taken over. */
static void tell(const struct request *request, bool is_true, const char *reason, char *text,
                 struct actions *out)
{
        struct action *action;

        if (request->scheduled != NULL && strcmp(request->scheduled, text) == 0) {
                mem_free(text);
                return;
        }
        action = add(out, ACTION_CONDITION);
        action->request = request;
        action->database = request->kind;
        action->type = REQUEST_SCHEDULED;
        action->reason = reason;
        action->text = text;
        action->is_true = is_true;
}

bool renewals_is_due(const struct observed *seen, const struct request *request, struct actions *out)
{
        AUTO(mem_free_p) char *key = mem_printf("%s/%s", seen->namespace, seen->name);
        AUTO(mem_free_p) char *problem = NULL;
        struct schedule schedule;
        struct wall due, urgent;

        if (!request->is_auto || request->renewal == NULL)
                return true;
        problem = schedule_read(seen->schedule, &schedule);
        due = schedule_next(&schedule, key, request->created, seen->now);
        urgent = urgent_from(seen, &schedule, published(seen, request->kind));
        if (due.s > seen->now.s && urgent.s <= seen->now.s) {
                tell(request, true, "Urgent",
                     mem_strdup("begins at once, since what is served is close to its end"), out);
                return true;
        }
        if (due.s > urgent.s)
                due = urgent;
        if (due.s > seen->now.s) {
                tell(request, true, "Waiting", why_not_now(seen, due, &schedule), out);
                if (out->wake.s == 0 || due.s < out->wake.s)
                        out->wake = due;
                return false;
        }
        if (problem != NULL)
                tell(request, false, "Unreadable", TAKE(problem), out);
        return true;
}

/* Somebody's own request brings what was renewed with it. */
static bool is_asked(const struct observed *seen)
{
        for (size_t i = 0; i < seen->n_requests; i++)
                if (seen->requests[i]->type == REQUEST_TLS && seen->requests[i]->phase == REQUEST_PENDING)
                        return true;
        return false;
}

static const struct request *by_renewal(const struct observed *seen, const char *renewal)
{
        for (size_t i = 0; i < seen->n_requests; i++)
                if (seen->requests[i]->renewal != NULL && strcmp(seen->requests[i]->renewal, renewal) == 0)
                        return seen->requests[i];
        return NULL;
}

/* What has failed is not tried again; who deletes its request wants that. */
static void create(const struct observed *seen, const struct kind *kind,
                   const struct certificate *certificate, struct actions *out)
{
        AUTO(mem_free_p)
        char *renewal = mem_printf("%s=%lld %s", certificate->name, (long long)certificate->revision,
                                   certificate->uid);
        struct action *action;

        if (by_renewal(seen, renewal) != NULL)
                return;
        action = add(out, ACTION_CREATE);
        action->database = kind;
        action->text = TAKE(renewal);
        for (int64_t s = seen->now.s; action->name == NULL; s++) {
                AUTO(mem_free_p) char *name = mem_printf("%s-%lld-rotate-tls-auto", seen->name, (long long)s);

                if (!request_is_among(seen->requests, seen->n_requests, name))
                        action->name = TAKE(name);
        }
}

void renewals_look(const struct reconcile_settings *settings, const struct observed *seen,
                   struct actions *out)
{
        const struct kind *kind = kind_of_pods(seen);
        const struct certificate *certificate = kind == NULL ? NULL : published(seen, kind);

        if (kind == NULL || !settings->renewals || seen->record_problem != NULL)
                return;
        if (seen->record == NULL) {
                if (has_agents(seen))
                        take_over(seen, out);
                return;
        }
        forget_old(settings, seen, out);
        if (out->n > 0 || certificate == NULL || certificate->revision == 0 || !certificate->is_ready ||
            certificate->is_issuing || is_served(seen->record, certificate) || is_asked(seen))
                return;
        create(seen, kind, certificate, out);
}
