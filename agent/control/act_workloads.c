// SPDX-License-Identifier: Apache-2.0
/*
 * The annotation certrotate.io/paused on the StatefulSets and PetSets of a database that has no object of its
 * own. It is ours alone.
 */
#include "control/act_parts.h"

#include "base/mem.h"

#include <string.h>

#define ANNOTATION    "certrotate.io/paused"
#define WORKLOADS_MAX 64

static const struct act_place sets[] = {
        { .group = "apps/v1", .resource = "statefulsets" },
        { .group = "apps.k8s.appscode.com/v1", .resource = "petsets" },
};

static void list_next(struct act *act);

/* In act->found: names of those of the set act->i that are to be changed. */
static void change_next(struct act *act);

static void on_changed(struct act *act, int status UNUSED, const cJSON *object UNUSED)
{
        change_next(act);
}

static void change_next(struct act *act)
{
        AUTO(json_free_p) cJSON *name = cJSON_DetachItemFromArray(act->found, 0);
        AUTO(json_free_p) cJSON *patch = NULL;
        struct act_place place = sets[act->i];
        cJSON *meta, *annotations;

        if (name == NULL) {
                act->i++;
                list_next(act);
                return;
        }
        patch = json_object();
        meta = json_object();
        annotations = json_object();
        json_add(patch, "metadata", meta);
        json_add(meta, "annotations", annotations);
        json_add_str(annotations, ANNOTATION,
                     act_action(act)->kind == ACTION_PAUSE ? act_request_name(act) : NULL);
        place.name = name->valuestring;
        act_send(act, "PATCH", &place, patch, ACT_MISSING, on_changed);
}

static bool is_due(const struct act *act, const cJSON *workload)
{
        const cJSON *annotations = json_get(json_get(workload, "metadata"), "annotations");
        const char *have = json_get_str(annotations, ANNOTATION);

        if (act_action(act)->kind == ACTION_RESUME)
                return have != NULL;
        return have == NULL || strcmp(have, act_request_name(act)) != 0;
}

static void on_listed(struct act *act, int status UNUSED, const cJSON *object)
{
        const cJSON *workload;
        int n = 0;

        json_wipe(act->found);
        act->found = json_array();
        cJSON_ArrayForEach(workload, json_get(object, "items"))
        {
                const char *name = json_get_str(json_get(workload, "metadata"), "name");

                if (name != NULL && is_due(act, workload) && n++ < WORKLOADS_MAX)
                        json_append_str(act->found, name);
        }
        change_next(act);
}

static void list_next(struct act *act)
{
        AUTO(mem_free_p) char *query = NULL;
        struct act_place place;

        if (act->i == ARRAY_LEN(sets)) {
                act_next(act);
                return;
        }
        query = mem_printf("labelSelector=app.kubernetes.io%%2Finstance%%3D%s&limit=%d", act->database,
                           WORKLOADS_MAX);
        place = sets[act->i];
        place.query = query;
        act_get(act, &place, ACT_MISSING, on_listed);
}

void act_workloads_start(struct act *act)
{
        act->i = 0;
        list_next(act);
}
