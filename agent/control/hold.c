// SPDX-License-Identifier: Apache-2.0
/*
 * Nothing is changed before it is clear that all pods take part, and that it can be done.
 */
#include "control/hold.h"

#include "base/mem.h"
#include "control/walk.h"

#include <string.h>

static char *issuer_problem(const struct step *step, const char *alias)
{
        const cJSON *ref = request_issuer(step->request, alias);
        const char *kind = json_get_str(ref, "kind");
        const char *name = json_get_str(ref, "name");
        const struct observed_issuer *issuer;

        if (kind == NULL || name == NULL)
                return NULL;
        issuer = step->seen->issuer(step->seen->world, step->seen->namespace, kind, name);
        if (issuer == NULL || !issuer->exists)
                return mem_printf("%s %s does not exist%s%s", kind, name,
                                  strcmp(kind, "Issuer") == 0 ? " in namespace " : "",
                                  strcmp(kind, "Issuer") == 0 ? step->seen->namespace : "");
        if (!issuer->is_ready)
                return mem_printf("%s %s is not ready%s%s", kind, name, issuer->problem == NULL ? "" : ": ",
                                  issuer->problem == NULL ? "" : issuer->problem);
        return NULL;
}

static char *issuers_problem(const struct step *step)
{
        for (const char *const *alias = step->kind->aliases; step_is_change(step) && *alias != NULL;
             alias++) {
                char *problem = step_issues(step, *alias) ? issuer_problem(step, *alias) : NULL;

                if (problem != NULL)
                        return problem;
        }
        return NULL;
}

/* The mode that is wanted in the end, or why there is none. */
static char *choose_mode(struct step *step)
{
        struct record *next = &step->next;
        bool is_off = next->before == TLS_OFF;

        next->wanted = next->before;
        if (!next->is_tls)
                return NULL;
        if (step_is_removal(step) && next->before == TLS_UNMANAGED)
                return mem_strdup("the agents are not to switch TLS: their configuration says neither "
                                  "`tls` nor `settings-file`");
        if (step_is_removal(step)) {
                next->wanted = TLS_OFF;
                return NULL;
        }
        if (step->request->tls == REQUEST_ROTATE)
                return !is_off ? NULL : mem_strdup("TLS is off: there is no certificate to be rotated");
        if (is_off && request_issuer(step->request, step->kind->aliases[0]) == NULL)
                return mem_strdup("TLS is off, and the request names no issuer: set spec.tls.issuerRef");
        if (next->before == TLS_UNMANAGED)
                return NULL;
        if (is_off || step->request->required == REQUIRED_NO)
                next->wanted = TLS_ON;
        if (step->request->required == REQUIRED_YES)
                next->wanted = TLS_REQUIRED;
        return NULL;
}

static char *modes_differ(const struct step *step)
{
        const struct observed *seen = step->seen;

        for (size_t i = 1; i < seen->n_pods; i++)
                if (seen->pods[i]->mode != seen->pods[0]->mode)
                        return mem_printf("pods %s and %s differ in their TLS mode: '%s' and '%s'",
                                          seen->pods[0]->name, seen->pods[i]->name,
                                          tls_mode_name(seen->pods[0]->mode),
                                          tls_mode_name(seen->pods[i]->mode));
        return NULL;
}

bool hold_is_over(struct step *step)
{
        char *problem = walk_unfit(step);

        if (problem == NULL)
                problem = issuers_problem(step);
        if (problem != NULL) {
                if (step_is_late(step)) {
                        step_fail(step, "Timeout", mem_printf("Timeout: %s", problem));
                }
                mem_free(problem);
                return false;
        }
        problem = modes_differ(step);
        step->next.before = walk_mode(step->seen);
        step->next.pods = (int64_t)step->seen->n_pods;
        if (problem == NULL)
                problem = choose_mode(step);
        if (problem == NULL)
                return true;
        step_fail(step, "Refused", problem);
        return false;
}
