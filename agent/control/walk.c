// SPDX-License-Identifier: Apache-2.0
#include "control/walk.h"

#include "base/mem.h"
#include "control/evict.h"
#include "control/walk_look.h"

#include <string.h>

static bool is_turn_of(const struct step *step, const struct observed_pod *pod)
{
        return step->next.turn != NULL && strcmp(step->next.turn, pod->name) == 0;
}

static bool is_out_or_will_be(const struct observed_pod *pod)
{
        return !pod->is_ready || pod->is_busy;
}

/* In the order of the kind; on the way back those come first that are out, or still at what failed. */
static bool is_before(const struct step *step, const struct observed_pod *a, const struct observed_pod *b)
{
        if (step->next.failure != NULL && is_out_or_will_be(a) != is_out_or_will_be(b))
                return is_out_or_will_be(a);
        return kind_rank(step->kind, a->role) < kind_rank(step->kind, b->role);
}

static bool is_out(const struct observed_pod *pod)
{
        return !pod->is_ready || pod->is_leaving;
}

/* It will take what it is told. */
static bool is_there(const struct step *step, const struct observed_pod *pod)
{
        return pod->has_agent && !is_out(pod) && !walk_has_failed(step, pod);
}

/* Of those that have not done their part, and are there if that matters: `first`, otherwise the next. */
static const struct observed_pod *choose(const struct step *step, const char *first, bool there)
{
        const struct observed_pod *best = NULL;

        for (size_t i = 0; i < step->seen->n_pods; i++) {
                const struct observed_pod *pod = step->seen->pods[i];

                if (record_lists(step->next.lost, pod->name) || walk_is_done(step, pod) ||
                    (there && !is_there(step, pod)))
                        continue;
                if (first != NULL && strcmp(first, pod->name) == 0)
                        return pod;
                if (best == NULL || is_before(step, pod, best))
                        best = pod;
        }
        return best;
}

static const struct observed_pod *next_pod(const struct step *step)
{
        return choose(step, step->next.turn, false);
}

static const struct observed_pod *out_beside(const struct step *step, const struct observed_pod *but)
{
        for (size_t i = 0; i < step->seen->n_pods; i++) {
                const struct observed_pod *pod = step->seen->pods[i];

                if (pod != but && is_out(pod) && !record_lists(step->next.lost, pod->name))
                        return pod;
        }
        return NULL;
}

/* Another that is out: nobody else may go out meanwhile. Not asked of a database that is to be mended. */
static const struct observed_pod *out_of_service(const struct step *step, const struct observed_pod *but)
{
        if (step->next.failure != NULL || step->request == NULL || step->request->apply_always)
                return NULL;
        return out_beside(step, but);
}

/*
 * While one is out, the next that can have its part without going out, too: by a reload. Whoever is out may
 * have come anew, with a leaf that the others refuse until they have trusted one authority more.
 */
static const struct observed_pod *next_reload(const struct step *step)
{
        const struct observed_pod *pod = next_pod(step);
        const bool is_at_it = pod != NULL && is_turn_of(step, pod) && !evict_is_pending(step);

        if (step->next.stages[step->next.stage].phase != PLAN_TRUST || !kind_reloads(step->kind) ||
            is_at_it || out_beside(step, NULL) == NULL)
                return NULL;
        return choose(step, step->next.reload, true);
}

/* One is not even there, and may be any moment. Back it has nothing to undo, and finds the plan when it
 * comes. */
static bool is_missing(const struct step *step)
{
        return step->next.failure == NULL && (int64_t)step->seen->n_pods < step->next.pods;
}

static void give_turn(struct step *step, const struct observed_pod *pod)
{
        record_drop_turn(&step->next);
        step->next.turn = mem_strdup(pod->name);
        step->next.turn_uid = mem_strdup(pod->uid);
        step->next.since = step->seen->now;
}

/* Whose turn it is keeps it: it may be the one that is out. */
static void give_reload(struct step *step, const struct observed_pod *pod)
{
        mem_free(step->next.reload);
        step->next.reload = mem_strdup(pod->name);
        step->next.since = step->seen->now;
}

void walk_renew_plan(struct step *step)
{
        const struct observed_pod *pod, *reload;

        step_renew_plan(step);
        pod = next_pod(step);
        reload = next_reload(step);
        if (reload != NULL)
                give_reload(step, reload);
        else if (pod != NULL && out_of_service(step, pod) == NULL)
                give_turn(step, pod);
}

/* What went wrong with the pod whose turn it is; NULL: nothing so far. */
static char *verdict(struct step *step, const struct observed_pod *pod)
{
        if (walk_has_failed(step, pod))
                return mem_printf("pod %s: %s", pod->name, pod->failed);
        return step_is_late(step) ? walk_why_late(pod) : NULL;
}

/* Nobody is waited for longer than a turn lasts: then it goes on as if nobody could reload. */
static bool reload_goes_on(struct step *step)
{
        const struct observed_pod *pod = next_reload(step);

        if (pod == NULL)
                return false;
        if (step->next.reload != NULL && strcmp(step->next.reload, pod->name) == 0)
                return !step_is_late(step);
        give_reload(step, pod);
        step_commit(step);
        return true;
}

static bool is_last_stage(const struct step *step)
{
        return step->next.stage + 1 >= step->next.n_stages;
}

/* All serve what they are to, and the last of them may still be starting. */
static bool awaits_service(struct step *step, char **problem, const struct observed_pod **whose)
{
        const struct observed_pod *out = is_last_stage(step) ? out_of_service(step, NULL) : NULL;

        if (out != NULL && step_is_late(step)) {
                *problem = mem_printf("Timeout: pod %s serves what it is to, and is not ready", out->name);
                *whose = out;
        }
        return out != NULL;
}

/* False: every pod is through this stage. */
static bool wait_or_pass_on(struct step *step, char **problem, const struct observed_pod **whose)
{
        const struct observed_pod *pod = next_pod(step);
        const struct observed_pod *out;

        *problem = NULL;
        *whose = pod;
        if (reload_goes_on(step))
                return true;
        if (step->next.turn != NULL && !record_lists(step->next.lost, step->next.turn) &&
            evict_is_awaited(step, pod == NULL || !is_turn_of(step, pod), problem, whose))
                return true;
        if (is_missing(step) && (pod == NULL || !is_turn_of(step, pod))) {
                if (step_is_late(step))
                        *problem = mem_printf("Timeout: there were %lld pods, and there are only %zu",
                                              (long long)step->next.pods, step->seen->n_pods);
                return true;
        }
        if (pod == NULL)
                return awaits_service(step, problem, whose);
        out = out_of_service(step, pod);
        if (is_turn_of(step, pod)) {
                if (!evict_begin(step, pod, out, problem))
                        *problem = verdict(step, pod);
                return true;
        }
        if (out == NULL) {
                give_turn(step, pod);
                step_commit(step);
        } else if (step_is_late(step)) {
                *problem = mem_printf("Timeout: pod %s is not ready, and two must not be out at once",
                                      out->name);
        }
        return true;
}

/* True: there is one more. */
static bool next_stage(struct step *step)
{
        if (is_last_stage(step))
                return false;
        step->next.stage++;
        walk_renew_plan(step);
        step_go(step, step->next.step);
        return true;
}

/* One word for what went wrong with the pod: that of its agent says whether it may pass. */
static const char *reason_of(const struct step *step, const struct observed_pod *pod)
{
        if (pod == NULL)
                return "Gone";
        return walk_gives_up(step, pod) && pod->reason != NULL ? pod->reason : "Failed";
}

/* One that will not come with us: it need not be its turn. */
static const struct observed_pod *refuser(const struct step *step)
{
        for (size_t i = 0; i < step->seen->n_pods; i++) {
                const struct observed_pod *pod = step->seen->pods[i];

                if (walk_has_failed(step, pod) || (walk_needs_others(step, pod) && walk_gives_up(step, pod)))
                        return pod;
        }
        return NULL;
}

void walk_on(struct step *step)
{
        const struct observed_pod *pod = refuser(step);
        char *problem;

        if (pod != NULL) {
                step_fail(step, reason_of(step, pod), mem_printf("pod %s: %s", pod->name, pod->failed));
                return;
        }
        if (wait_or_pass_on(step, &problem, &pod)) {
                if (problem != NULL)
                        step_fail(step, reason_of(step, pod), problem);
                return;
        }
        (void)next_stage(step);
}

bool walk_is_over(const struct step *step)
{
        return is_last_stage(step) && next_pod(step) == NULL && !evict_is_pending(step) &&
               !is_missing(step) && out_of_service(step, NULL) == NULL;
}

static void leave(struct step *step, const struct observed_pod *pod, const char *problem)
{
        char *failure = mem_printf("%s; and on the way back %s", step->next.failure, problem);
        struct action *event = step_add(step, ACTION_EVENT);

        event->reason = "PodLeftBehind";
        event->name = mem_strdup(pod->name);
        event->uid = mem_strdup(pod->uid);
        event->text = mem_printf("it could not be brought back, and gets a turn when it can be: %s", problem);
        record_list_add(&step->next.lost, pod->name);
        mem_free(step->next.failure);
        step->next.failure = failure;
        step_go(step, RECORD_RETURN);
}

void walk_back(struct step *step)
{
        AUTO(mem_free_p) char *problem = NULL;
        const struct observed_pod *pod;

        if (wait_or_pass_on(step, &problem, &pod)) {
                if (problem != NULL && pod != NULL)
                        leave(step, pod, problem);
                return;
        }
        if (!next_stage(step))
                step_go(step, RECORD_DISCARD);
}

void walk_turn_back(struct step *step)
{
        struct record *next = &step->next;
        enum tls_mode mode = next->before;
        size_t n = 0;

        if (next->authorities != NULL) {
                next->stages[n++] = (struct record_stage){ PLAN_TRUST, mode };
                next->stages[n++] = (struct record_stage){ PLAN_LEAF, mode };
                next->stages[n++] = (struct record_stage){ PLAN_PRUNE, mode };
        } else {
                if (next->stage > 0)
                        n++; /* by way of the stage before */
                next->stages[n++] = (struct record_stage){ PLAN_NO_PHASE, mode };
        }
        next->n_stages = n;
        next->stage = 0;
}

char *walk_unfit(const struct step *step)
{
        for (size_t i = 0; i < step->seen->n_pods; i++) {
                const struct observed_pod *pod = step->seen->pods[i];

                if (!pod->has_agent)
                        return mem_printf("pod %s has no report of an agent: is the sidecar in it?%s%s",
                                          pod->name, pod->trouble == NULL ? "" : " ",
                                          pod->trouble == NULL ? "" : pod->trouble);
                if (pod->is_leaving)
                        return mem_printf("pod %s is being deleted", pod->name);
                if (!walk_follows(step, pod))
                        return mem_printf("the agent of pod %s has not read the plan in ConfigMap %s%s",
                                          pod->name, step->seen->name, RECORD_SUFFIX);
                if (pod->is_busy)
                        return mem_printf("the agent of pod %s is still at work", pod->name);
        }
        return step->seen->n_pods > 0
                       ? NULL
                       : mem_printf("no pod is labelled app.kubernetes.io/instance=%s", step->seen->name);
}
