// SPDX-License-Identifier: Apache-2.0
/*
 * What is written into OpsRequests, by KubeDB's rule for conditions; made and deleted ones. Agents write into
 * the same status: on a conflict it is read again. A request that is gone, that was made anew, or that has
 * ended takes no more; that is no error.
 */
#include "control/act_parts.h"

#include "base/mem.h"
#include "kube/conditions.h"
#include "kube/report_text.h"

#include <string.h>

#define MESSAGE_MAX 32768 /* bytes, the API's limit */
#define UNKNOWN     "the reason was not told"
_Static_assert(ACTIONS_MAX <= 32, "one bit of act->events each");

static struct act_place place_of(const struct request *request)
{
        return (struct act_place){ KIND_OPS_GROUP, request->kind->requests, request->name, NULL, NULL };
}

static const char *phase_name(enum request_phase phase)
{
        static const char *const names[] = {
                [REQUEST_PENDING] = "Pending",
                [REQUEST_PROGRESSING] = "Progressing",
                [REQUEST_WAITING] = "WaitingForApproval",
                [REQUEST_SUCCESSFUL] = "Successful",
                [REQUEST_FAILED] = "Failed",
                [REQUEST_SKIPPED] = "Skipped",
        };

        return names[phase];
}

static bool is_told(const struct action *action)
{
        return action->kind == ACTION_CONDITION || action->kind == ACTION_PHASE;
}

/* Conditions of one request that follow each other are one write: behind the last of them. */
static size_t end_of(const struct act *act)
{
        size_t at = act->at;

        while (at < act->actions.n && is_told(&act->actions.items[at]) &&
               act->actions.items[at].request == act_action(act)->request)
                at++;
        return at;
}

struct given {
        struct kube_condition conditions[ACTIONS_MAX];
        char *messages[ACTIONS_MAX]; /* of these */
        char *types[ACTIONS_MAX];    /* of those about a pod; NULL */
        size_t n;
        const char *phase; /* NULL: as it is */
        uint32_t events;   /* of the actions, by number, that are told by an Event, and not yet */
};

static void given_done(struct given *given)
{
        for (size_t i = 0; i < given->n; i++) {
                mem_free(given->messages[i]);
                mem_free(given->types[i]);
        }
}

static inline void given_done_p(struct given *given)
{
        given_done(given);
}

/* Takes up the condition of an action; is_new: the request has it not. */
static int give(const struct act *act, const struct action *action, const cJSON *object, struct given *given,
                bool *is_new, struct err *err)
{
        AUTO(mem_free_p) char *text = NULL;
        char *message = kube_report_text_clean(action->text, MESSAGE_MAX);
        struct kube_condition *condition = &given->conditions[given->n];

        given->messages[given->n++] = message;
        given->types[given->n - 1] =
                action->name == NULL ? NULL : mem_printf("%s--%s", action->type, action->name);
        *condition = (struct kube_condition){
                .type = action->name == NULL ? action->type : given->types[given->n - 1],
                .is_true =
                        action->is_true || (action->kind == ACTION_PHASE && action->phase != REQUEST_FAILED),
                .reason = action->reason,
                .message = kube_report_text_is_secret(message) ? UNKNOWN : message,
                .at = act->now,
        };
        if (kube_conditions_patch(object, condition, 1, &text, err) != 0)
                return -1;
        *is_new = text != NULL;
        return 0;
}

static int give_all(const struct act *act, const cJSON *object, struct given *given, struct err *err)
{
        for (size_t at = act->at; at < end_of(act); at++) {
                const struct action *action = &act->actions.items[at];
                const char *had = json_get_str(json_get(object, "status"), "phase");
                bool is_new = false;

                if (action->type != NULL && give(act, action, object, given, &is_new, err) != 0)
                        return -1;
                if (action->kind == ACTION_PHASE) {
                        given->phase = phase_name(action->phase);
                        is_new = is_new || had == NULL || strcmp(had, given->phase) != 0;
                }
                if (is_new && (action->kind == ACTION_PHASE || action->is_event))
                        given->events |= UINT32_C(1) << at;
        }
        return 0;
}

/* The patch that is due; NULL: all is there already. */
static int make_patch(const struct given *given, const cJSON *object, cJSON **out, struct err *err)
{
        AUTO(mem_free_p) char *text = NULL;

        *out = NULL;
        if (kube_conditions_patch(object, given->conditions, given->n, &text, err) != 0)
                return -1;
        return text == NULL ? 0 : json_parse(text, strlen(text), out, err);
}

static void add_status(cJSON **patch, const cJSON *object, const char *phase)
{
        const cJSON *have = json_get(object, "status");
        const int64_t generation = json_get_int(json_get(object, "metadata"), "generation", 0);
        const char *had = json_get_str(have, "phase");
        const bool is_other = phase != NULL && (had == NULL || strcmp(had, phase) != 0);
        cJSON *status;

        if (*patch == NULL && !is_other)
                return;
        if (*patch == NULL) {
                *patch = act_patch_of(object);
                json_add(*patch, "status", json_object());
        }
        status = cJSON_GetObjectItemCaseSensitive(*patch, "status");
        if (is_other)
                json_add_str(status, "phase", phase);
        if (json_get_int(have, "observedGeneration", -1) != generation)
                json_add_int(status, "observedGeneration", generation);
}

/* Its condition stands there: the end of an action. */
static void told(struct act *act)
{
        const struct action *action = act_action(act);
        const bool is_normal =
                action->kind == ACTION_PHASE ? action->phase != REQUEST_FAILED : action->is_true;

        if ((act->events & UINT32_C(1) << act->at) == 0)
                act_next(act);
        else if (action->name == NULL)
                act_event_tell(act, is_normal, action->type, action->text == NULL ? "" : action->text);
        else
                act_event_tell(act, is_normal, action->text, action->text); /* as KubeDB does it */
}

static void on_written(struct act *act, int status, const cJSON *object)
{
        if (status == 409) {
                act_again(act);
                return;
        }
        if (object == NULL) {
                act_next(act);
                return;
        }
        world_note_request(act->world, object);
        act->told = end_of(act);
        told(act);
}

static void on_read(struct act *act, int status UNUSED, const cJSON *object)
{
        const struct request *request = act_action(act)->request;
        struct act_place place = place_of(request);
        AUTO(given_done_p) struct given given = { .n = 0 };
        AUTO(json_free_p) cJSON *patch = NULL;
        struct err err = ERR_INIT;

        if (object == NULL || strcmp(act_uid_of(object), request->uid) != 0 ||
            kube_conditions_are_final(object)) {
                act_next(act);
                return;
        }
        if (give_all(act, object, &given, &err) != 0 || make_patch(&given, object, &patch, &err) != 0) {
                act_fail(act, &err);
                return;
        }
        act->events = given.events;
        add_status(&patch, object, given.phase);
        if (patch == NULL) {
                act->told = end_of(act);
                told(act);
                return;
        }
        place.sub = "/status";
        act_send(act, "PATCH", &place, patch, ACT_MISSING | ACT_CONFLICT, on_written);
}

void act_request_condition(struct act *act)
{
        const struct request *request = act_action(act)->request;
        struct act_place place;

        if (request == NULL) {
                act_next(act);
                return;
        }
        if (act->at < act->told) {
                told(act);
                return;
        }
        place = place_of(request);
        act_get(act, &place, ACT_MISSING, on_read);
}

void act_request_phase(struct act *act)
{
        act_request_condition(act);
}

void act_request_delete(struct act *act)
{
        const struct request *request = act_action(act)->request;
        struct act_place place;

        if (request == NULL) {
                act_next(act);
                return;
        }
        place = place_of(request);
        act_delete(act, &place, request->uid, act_next_answered);
}

/* --- one of our own */

static void on_created(struct act *act, int status UNUSED, const cJSON *object)
{
        if (object != NULL)
                world_note_request(act->world, object);
        act_next(act); /* or it is there already, of this second: whoever made it has said the same */
}

/* {"type": "ReconfigureTLS", "databaseRef", "tls": {"rotateCertificates": true}} */
static cJSON *renewal(const struct act *act)
{
        cJSON *spec = json_object(), *database = json_object(), *tls = json_object();

        json_add_str(spec, "type", "ReconfigureTLS");
        json_add(spec, "databaseRef", database);
        json_add_str(database, "name", act->database);
        json_add(spec, "tls", tls);
        json_add_bool(tls, "rotateCertificates", true);
        return spec;
}

static void create(struct act *act, const char *mark, cJSON *spec)
{
        const struct action *action = act_action(act);
        const struct kind *kind = act_kind(act);
        const struct act_place place = { .group = KIND_OPS_GROUP, .resource = kind->requests };
        AUTO(json_free_p) cJSON *object = act_object(act, KIND_OPS_GROUP, kind->request, action->name);
        cJSON *meta = act_object_meta(object), *annotations = json_object();

        if (action->kind == ACTION_CREATE)
                json_add_str(cJSON_GetObjectItemCaseSensitive(meta, "labels"), "certrotate.io/auto", "true");
        json_add(meta, "annotations", annotations);
        json_add_str(annotations, mark, action->text == NULL ? "" : action->text);
        act_own(act, object);
        json_add(object, "spec", spec);
        act_send(act, "POST", &place, object, ACT_CONFLICT, on_created);
}

void act_request_create(struct act *act)
{
        const struct action *action = act_action(act);

        if (act_kind(act) == NULL || action->name == NULL)
                act_next(act);
        else
                create(act, "certrotate.io/renewal", renewal(act));
}

void act_request_merge(struct act *act)
{
        const struct action *action = act_action(act);

        if (act_kind(act) == NULL || action->name == NULL || action->spec == NULL)
                act_next(act);
        else
                create(act, REQUEST_MERGED, cJSON_Duplicate(action->spec, true));
}
