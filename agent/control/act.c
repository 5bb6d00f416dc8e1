// SPDX-License-Identifier: Apache-2.0
/*
 * The sequence: one action after the other, one call at a time.
 */
#include "control/act_parts.h"

#include "base/log.h"
#include "base/mem.h"
#include "kube/names.h"

#include <stdio.h>
#include <string.h>

#define TRIES_MAX 5

static act_fn *const starts[] = {
        [ACTION_CONDITION] = act_request_condition,
        [ACTION_PHASE] = act_request_phase,
        [ACTION_PAUSE] = act_pause_start,
        [ACTION_RESUME] = act_pause_resume,
        [ACTION_RECORD] = act_record_start,
        [ACTION_SAVE] = act_saved_start,
        [ACTION_CERTIFICATE] = act_certificate_start,
        [ACTION_ISSUE] = act_certificate_issue,
        [ACTION_RENDER] = act_render_start,
        [ACTION_JUDGE] = act_judge_start,
        [ACTION_RESTORE] = act_restore_start,
        [ACTION_DISCARD] = act_discard_start,
        [ACTION_FORGET] = act_saved_forget,
        [ACTION_DATABASE] = act_database_start,
        [ACTION_EVENT] = act_event_start,
        [ACTION_TRUST] = act_trust_start,
        [ACTION_CREATE] = act_request_create,
        [ACTION_MERGE] = act_request_merge,
        [ACTION_DELETE] = act_request_delete,
        [ACTION_EVICT] = act_evict_start,
};

/* What belongs to one action. */
static void clear(struct act *act)
{
        json_wipe(TAKE(act->found));
        json_wipe(TAKE(act->made));
        json_wipe(TAKE(act->secret));
        mem_free(TAKE(act->uid));
        chain_done(&act->chain);
        record_done(&act->next);
        record_init(&act->next);
        act->i = 0;
        act->polls = 0;
        act->changed = false;
        act->then = NULL;
}

static void free_act(struct act *act)
{
        loop_timer_free(act->timer);
        kube_call_cancel(act->call);
        clear(act);
        for (size_t i = 0; i < act->n_certificates; i++) {
                mem_free(act->certificates[i].name);
                mem_free(act->certificates[i].alias);
                mem_free(act->certificates[i].secret);
        }
        actions_done(&act->actions);
        for (size_t i = 0; i < ARRAY_LEN(act->requests); i++)
                if (act->requests[i] != NULL)
                        request_free(act->requests[i]);
        record_done(&act->record);
        record_done(&act->next);
        mem_free(act->record_version);
        mem_free(act->namespace);
        mem_free(act->database);
        mem_free(act->owner_uid);
        mem_free(act);
}

void act_cancel(struct act *act)
{
        if (act != NULL)
                free_act(act);
}

static void finish(struct act *act, const struct err *err)
{
        act_done_fn *done = act->done;
        void *arg = act->arg;

        free_act(act);
        done(err, arg);
}

void act_fail(struct act *act, const struct err *err)
{
        const struct err told = *err; /* it may be the list's own */

        finish(act, &told);
}

static void run(void *arg)
{
        struct act *act = arg;
        const struct err fine = ERR_INIT;

        if (act->at == act->actions.n)
                finish(act, &fine);
        else
                starts[act_action(act)->kind](act);
}

void act_next(struct act *act)
{
        clear(act);
        act->tries = 0;
        act->at++;
        run(act);
}

void act_next_answered(struct act *act, int status UNUSED, const cJSON *object UNUSED)
{
        act_next(act);
}

void act_again(struct act *act)
{
        struct err err = ERR_INIT;

        clear(act);
        if (++act->tries < TRIES_MAX) {
                run(act);
                return;
        }
        err_set_(&err, ERR_CHANGED, "%s: it was changed by others %d times while it was read", act->what,
                 TRIES_MAX);
        act_fail(act, &err);
}

static void on_timer(void *arg)
{
        struct act *act = arg;

        act->later(act);
}

void act_wait(struct act *act, int64_t ms, act_fn *fn)
{
        act->later = fn;
        loop_timer_set(act->timer, ms);
}

static void start(struct act *act)
{
        struct err err = ERR_INIT;

        if (kube_names_is_label(act->namespace) && kube_names_is_subdomain(act->database)) {
                run(act);
                return;
        }
        err_set_(&err, ERR_USAGE, "'%.64s/%.253s' is no name of a database", act->namespace, act->database);
        act_fail(act, &err);
}

static void copy_certificates(struct act *act, const struct observed *seen)
{
        for (size_t i = 0; i < seen->n_certificates && i < RECORD_CERTIFICATES_MAX; i++)
                act->certificates[act->n_certificates++] = (struct act_certificate){
                        mem_strdup(seen->certificates[i]->name),
                        mem_strdup(seen->certificates[i]->alias),
                        mem_strdup(seen->certificates[i]->secret),
                };
}

/* A request that several actions are about is copied once. */
static void copy_requests(struct act *act)
{
        const struct request *last = NULL;
        struct request *copy = NULL;

        for (size_t i = 0; i < act->actions.n; i++) {
                struct action *action = &act->actions.items[i];

                if (action->request == NULL)
                        continue;
                if (action->request != last) {
                        last = action->request;
                        copy = act->requests[i] = act_copy_request(last);
                }
                action->request = copy;
        }
}

struct act *act_start(struct kube_client *client, struct world *world, const struct observed *seen,
                      struct actions *actions, act_done_fn *done, void *arg)
{
        struct act *act = MEM_NEW(struct act);

        act->client = client;
        act->world = world;
        act->done = done;
        act->arg = arg;
        act->timer = loop_timer_new(kube_client_loop(client), on_timer, act);
        act->namespace = mem_strdup(seen->namespace);
        act->database = mem_strdup(seen->name);
        act->owner_uid = seen->database == NULL ? NULL : mem_strdup(seen->database->uid);
        act->n_pods = seen->n_pods;
        act->now = seen->now;
        act->record_version = mem_strdup(seen->record_version);
        record_init(&act->next);
        record_init(&act->record);
        if (seen->record != NULL)
                record_copy(&act->record, seen->record);
        copy_certificates(act, seen);
        act->actions = *actions;
        actions_init(actions);
        copy_requests(act);
        act_wait(act, 0, start);
        return act;
}

const struct action *act_action(const struct act *act)
{
        return &act->actions.items[act->at];
}

const struct kind *act_kind(const struct act *act)
{
        const struct action *action = act_action(act);

        if (action->request != NULL)
                return action->request->kind;
        if (action->database != NULL)
                return action->database;
        return act->record.kind == NULL ? NULL : kind_of_request(act->record.kind);
}

const char *act_request_name(const struct act *act)
{
        const struct request *request = act_action(act)->request;

        if (request != NULL)
                return request->name;
        return act->record.request == NULL ? "" : act->record.request;
}

const char *act_request_uid(const struct act *act)
{
        const struct request *request = act_action(act)->request;

        if (request != NULL)
                return request->uid;
        return act->record.uid == NULL ? "" : act->record.uid;
}
