// SPDX-License-Identifier: Apache-2.0
/*
 * One that was left behind takes what is there now: the present Secret, in the mode of all. It gets the turn
 * only when its Secret is the one that the others serve, so that what nobody has taken yet (a renewal) comes
 * to it last, by a request; and when no other is out.
 */
#include "control/rest.h"

#include "base/mem.h"
#include "control/walk.h"

#include <string.h>

static struct action *add(struct actions *out, enum action_kind kind, const struct record *record)
{
        struct action *action = &out->items[out->n < ACTIONS_MAX ? out->n++ : ACTIONS_MAX - 1];

        action->kind = kind;
        if (record != NULL)
                record_copy(&action->record, record);
        return action;
}

static bool is_left(const struct observed *seen, const struct observed_pod *pod)
{
        return record_lists(seen->record->left, pod->name);
}

/* The leaf that all serve who were not left behind, none with TLS off; NULL: they differ, or there are none.
 */
static const struct fingerprint *common_leaf(const struct observed *seen)
{
        const struct fingerprint *leaf = NULL;

        for (size_t i = 0; i < seen->n_pods; i++) {
                const struct observed_pod *pod = seen->pods[i];

                if (is_left(seen, pod))
                        continue;
                if (!pod->has_agent || (leaf != NULL && !hex_fingerprint_equal(leaf, &pod->served)))
                        return NULL;
                leaf = &pod->served;
        }
        return leaf;
}

/* Follows the plan at rest, and does nothing. */
static bool is_quiet(const struct observed *seen, const struct observed_pod *pod)
{
        return pod->has_agent && pod->plan_generation == seen->record->generation && !pod->is_busy &&
               !pod->is_leaving;
}

static bool has_caught_up(const struct observed *seen, const struct observed_pod *pod,
                          const struct fingerprint *leaf)
{
        const enum tls_mode mode = seen->record->mode;

        return is_quiet(seen, pod) && pod->plan_done && pod->is_ready && !pod->is_degraded &&
               (mode == TLS_UNMANAGED || pod->mode == mode) && hex_fingerprint_equal(&pod->served, leaf);
}

static bool others_are_ready(const struct observed *seen, const struct observed_pod *but)
{
        for (size_t i = 0; i < seen->n_pods; i++)
                if (seen->pods[i] != but && !is_left(seen, seen->pods[i]) &&
                    (!seen->pods[i]->is_ready || seen->pods[i]->is_leaving))
                        return false;
        return true;
}

/* Nothing was issued that nobody has taken yet. */
static bool is_all_served(const struct observed *seen)
{
        const struct record *record = seen->record;

        for (size_t i = 0; i < seen->n_certificates; i++) {
                const struct certificate *certificate = seen->certificates[i];

                for (size_t k = 0; k < record->n_served; k++)
                        if (strcmp(record->served[k].name, certificate->name) == 0 &&
                            (certificate->is_issuing || certificate->revision != record->served[k].revision ||
                             strcmp(record->served[k].uid, certificate->uid) != 0))
                                return false;
        }
        return true;
}

/* An agent that was started anew, and holds, has not told what its source has: then it is what the others
 * have, if they have told. */
static bool is_source(const struct observed *seen, const struct observed_pod *pod,
                      const struct fingerprint *leaf)
{
        if (!hex_fingerprint_is_none(&pod->source))
                return hex_fingerprint_equal(&pod->source, leaf);
        for (size_t i = 0; i < seen->n_pods; i++)
                if (!hex_fingerprint_is_none(&seen->pods[i]->source) &&
                    !hex_fingerprint_equal(&seen->pods[i]->source, leaf))
                        return false;
        return is_all_served(seen);
}

static bool may_catch_up(const struct observed *seen, const struct observed_pod *pod,
                         const struct fingerprint *leaf)
{
        const bool is_off = seen->record->mode == TLS_OFF;

        return is_quiet(seen, pod) && pod->failed == NULL && (is_off || is_source(seen, pod, leaf)) &&
               others_are_ready(seen, pod);
}

static bool has_turn(const struct observed *seen, const struct observed_pod *pod)
{
        return seen->record->turn != NULL && strcmp(seen->record->turn, pod->name) == 0;
}

/* Who is at it goes on; NULL: nobody can. */
static const struct observed_pod *next_pod(const struct observed *seen, const struct fingerprint *leaf)
{
        const struct observed_pod *next = NULL;

        for (size_t i = 0; i < seen->n_pods; i++) {
                const struct observed_pod *pod = seen->pods[i];

                if (!is_left(seen, pod))
                        continue;
                if (has_turn(seen, pod) && (pod->is_busy || may_catch_up(seen, pod, leaf)))
                        return pod;
                if (next == NULL && may_catch_up(seen, pod, leaf))
                        next = pod;
        }
        return next;
}

/* True: there was one. */
static bool drop_first(const struct observed *seen, const struct fingerprint *leaf, struct actions *out)
{
        for (size_t i = 0; i < seen->n_pods; i++) {
                const struct observed_pod *pod = seen->pods[i];
                struct action *action;
                struct record *record;

                if (!is_left(seen, pod) || !has_caught_up(seen, pod, leaf))
                        continue;
                action = add(out, ACTION_EVENT, NULL);
                action->name = mem_strdup(pod->name);
                action->uid = mem_strdup(pod->uid);
                action->reason = "PodCaughtUp";
                action->text = mem_strdup("it serves again what the others do");
                action->is_true = true;
                record = &add(out, ACTION_RECORD, seen->record)->record;
                record_list_drop(&record->left, pod->name);
                if (has_turn(seen, pod)) {
                        mem_free(TAKE(record->turn));
                        mem_free(TAKE(record->turn_uid));
                }
                if (record->left == NULL)
                        record_clear(record); /* nothing is asked of its files any more */
                return true;
        }
        return false;
}

static void look_after_left(const struct observed *seen, struct actions *out)
{
        const struct fingerprint *leaf = common_leaf(seen);
        const struct observed_pod *pod;
        struct record *record;

        if (leaf == NULL || drop_first(seen, leaf, out))
                return;
        pod = next_pod(seen, leaf);
        if (pod == NULL ? seen->record->turn == NULL : has_turn(seen, pod))
                return;
        record = &add(out, ACTION_RECORD, seen->record)->record;
        mem_free(record->turn);
        mem_free(record->turn_uid);
        record->turn = pod == NULL ? NULL : mem_strdup(pod->name);
        record->turn_uid = pod == NULL ? NULL : mem_strdup(pod->uid);
}

static const struct kind *kind_of_pods(const struct observed *seen)
{
        for (const struct kind *kind = kinds; kind->request != NULL; kind++)
                if (seen->n_pods > 0 && seen->pods[0]->driver != NULL &&
                    strcmp(kind->driver, seen->pods[0]->driver) == 0)
                        return kind;
        return NULL;
}

/* Of a controller that did not know, or of the time before there was one. */
static void learn_trust(const struct observed *seen, struct actions *out)
{
        const struct fingerprint *leaf = common_leaf(seen);
        const struct kind *kind = kind_of_pods(seen);
        char hex[FINGERPRINT_TEXT_MAX];
        struct action *action;

        if (kind == NULL || leaf == NULL || hex_fingerprint_is_none(leaf) || seen->record->left != NULL)
                return;
        for (size_t i = 0; i < seen->n_certificates; i++) {
                const struct certificate *certificate = seen->certificates[i];

                if (strcmp(certificate->alias, kind->aliases[0]) != 0)
                        continue;
                if (!certificate->is_ready || certificate->is_issuing)
                        return;
                action = add(out, ACTION_TRUST, seen->record);
                action->database = kind;
                action->text = mem_strdup(hex_fingerprint(leaf, hex));
                return;
        }
}

void rest_look(const struct observed *seen, struct actions *out)
{
        if (seen->record == NULL || seen->record->request != NULL)
                return;
        if (seen->record->left != NULL)
                look_after_left(seen, out);
        else if (seen->record->trusted == NULL)
                learn_trust(seen, out);
}
