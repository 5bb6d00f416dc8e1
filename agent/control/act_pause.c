// SPDX-License-Identifier: Apache-2.0
/*
 * The condition Paused on the database object, by which KubeDB's own operators keep off. One that somebody
 * else has set stays as it is, and is not taken away.
 */
#include "control/act_parts.h"

#include "base/mem.h"
#include "kube/conditions.h"

#include <string.h>

#define PAUSED  "Paused"
#define BY_US   "certrotate: "
#define CHANGED "it cannot be marked: is there no subresource status?"

static bool place_of(const struct act *act, struct act_place *out)
{
        const struct kind *kind = act_kind(act);

        if (kind == NULL)
                return false;
        *out = (struct act_place){ kind->group, kind->databases, act->database, NULL, NULL };
        return true;
}

static bool is_paused(const cJSON *condition)
{
        const char *type = json_get_str(condition, "type");

        return type != NULL && strcmp(type, PAUSED) == 0;
}

static bool is_ours(const cJSON *condition)
{
        const char *message = json_get_str(condition, "message");

        return is_paused(condition) && message != NULL && strncmp(message, BY_US, strlen(BY_US)) == 0;
}

static bool is_paused_by_others(const cJSON *database)
{
        const cJSON *condition;

        cJSON_ArrayForEach(condition, json_get(json_get(database, "status"), "conditions"))
        {
                const char *status = json_get_str(condition, "status");

                if (is_paused(condition) && !is_ours(condition) && status != NULL &&
                    strcmp(status, "True") == 0)
                        return true;
        }
        return false;
}

static void not_marked(struct act *act)
{
        struct err err = ERR_INIT;

        err_set_(&err, ERR_CHANGED, "%s: " CHANGED, act->what);
        act_fail(act, &err);
}

static void send(struct act *act, const cJSON *patch, act_answered_fn *answered)
{
        struct act_place place;

        if (!place_of(act, &place))
                return;
        place.sub = "/status";
        act_send(act, "PATCH", &place, patch, ACT_MISSING | ACT_CONFLICT, answered);
}

static void on_paused(struct act *act, int status, const cJSON *object)
{
        if (status == 409)
                act_again(act);
        else if (object == NULL)
                not_marked(act);
        else
                act_next(act);
}

static void on_read(struct act *act, int status UNUSED, const cJSON *object)
{
        const struct kind *kind = act_kind(act);
        AUTO(mem_free_p)
        char *message = mem_printf(BY_US "paused for %s %s", kind->request, act_request_name(act));
        const struct kube_condition condition = {
                .type = PAUSED, .is_true = true, .reason = PAUSED, .message = message, .at = act->now
        };
        AUTO(mem_free_p) char *text = NULL;
        AUTO(json_free_p) cJSON *patch = NULL;
        struct err err = ERR_INIT;

        if (object == NULL) {
                act_workloads_start(act);
                return;
        }
        if (is_paused_by_others(object)) {
                act_next(act);
                return;
        }
        if (kube_conditions_patch(object, &condition, 1, &text, &err) != 0 ||
            (text != NULL && json_parse(text, strlen(text), &patch, &err) != 0)) {
                act_fail(act, &err);
                return;
        }
        if (patch == NULL)
                act_next(act);
        else
                send(act, patch, on_paused);
}

void act_pause_start(struct act *act)
{
        struct act_place place;

        if (place_of(act, &place))
                act_get(act, &place, ACT_MISSING, on_read);
        else
                act_workloads_start(act);
}

/* --- and back */

/* The conditions without ours; NULL: there is none of ours. */
static cJSON *others(const cJSON *database)
{
        AUTO(json_free_p) cJSON *left = json_array();
        const cJSON *condition;
        bool found = false;

        cJSON_ArrayForEach(condition, json_get(json_get(database, "status"), "conditions"))
        {
                if (is_ours(condition))
                        found = true;
                else
                        json_append(left, cJSON_Duplicate(condition, true));
        }
        return found ? TAKE(left) : NULL;
}

static void on_resumed(struct act *act, int status, const cJSON *object UNUSED)
{
        if (status == 409)
                act_again(act);
        else
                act_next(act);
}

static void on_read_to_resume(struct act *act, int status UNUSED, const cJSON *object)
{
        cJSON *left = object == NULL ? NULL : others(object);
        AUTO(json_free_p) cJSON *patch = NULL;
        cJSON *part;

        if (left == NULL) {
                act_workloads_start(act); /* these were marked when there was no object yet */
                return;
        }
        patch = act_patch_of(object);
        part = json_object();
        json_add(patch, "status", part);
        json_add(part, "conditions", left);
        send(act, patch, on_resumed);
}

void act_pause_resume(struct act *act)
{
        struct act_place place;

        if (place_of(act, &place))
                act_get(act, &place, ACT_MISSING, on_read_to_resume);
        else
                act_workloads_start(act);
}
