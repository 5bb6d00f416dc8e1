// SPDX-License-Identifier: Apache-2.0
#include "kube/conditions.h"

#include <string.h>

#include "base/mem.h"

#define SEPARATOR "--"

static bool equals(const char *a, const char *b)
{
        return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

bool kube_conditions_are_final(const cJSON *request)
{
        const char *phase = json_get_str(json_get(request, "status"), "phase");

        return equals(phase, "Successful") || equals(phase, "Failed") || equals(phase, "Skipped");
}

bool kube_conditions_is_own(const char *type, const char *pod)
{
        /* A pod's name may have two hyphens in a row too. */
        const char *suffix = strstr(type, SEPARATOR);

        return suffix == NULL || strcmp(suffix + strlen(SEPARATOR), pod) == 0;
}

static const char *status_of(const struct kube_condition *condition)
{
        return condition->is_true ? "True" : "False";
}

static cJSON *make(const struct kube_condition *condition, int64_t generation)
{
        cJSON *made = json_object();
        char at[CLOCK_TEXT_MAX];

        json_add_str(made, "type", condition->type);
        json_add_str(made, "status", status_of(condition));
        json_add_int(made, "observedGeneration", generation);
        json_add_str(made, "lastTransitionTime", clock_format(condition->at, at));
        if (condition->reason != NULL)
                json_add_str(made, "reason", condition->reason);
        if (condition->message != NULL)
                json_add_str(made, "message", condition->message);
        return made;
}

static int find(const cJSON *list, const char *type, int from)
{
        const cJSON *item;
        int i = 0;

        cJSON_ArrayForEach(item, list)
        {
                if (i >= from && equals(json_get_str(item, "type"), type))
                        return i;
                i++;
        }
        return -1;
}

/* Two of one type are read as either of them: the first is the one. */
static bool drop_others(cJSON *list, const char *type, int first)
{
        bool changed = false;

        for (int i; (i = find(list, type, first + 1)) >= 0; changed = true)
                cJSON_DeleteItemFromArray(list, i);
        return changed;
}

/* true: the list is another than before. */
static bool set(cJSON *list, const struct kube_condition *given, int64_t generation)
{
        const int i = find(list, given->type, 0);
        const cJSON *old = i < 0 ? NULL : cJSON_GetArrayItem(list, i);
        const int64_t observed = json_get_int(old, "observedGeneration", 0);
        bool changed;

        if (old == NULL) {
                json_append(list, make(given, generation));
                return true;
        }
        changed = drop_others(list, given->type, i);
        if (observed > generation)
                return changed;
        if (equals(json_get_str(old, "status"), status_of(given)) &&
            equals(json_get_str(old, "reason"), given->reason) &&
            equals(json_get_str(old, "message"), given->message) && observed == generation)
                return changed;
        (void)cJSON_ReplaceItemInArray(list, i, make(given, generation));
        return true;
}

int kube_conditions_patch(const cJSON *request, const struct kube_condition *given, size_t n, char **out,
                          struct err *err)
{
        const cJSON *meta = json_get(request, "metadata");
        const char *version = json_get_str(meta, "resourceVersion");
        const cJSON *old = json_get(json_get(request, "status"), "conditions");
        AUTO(json_free_p) cJSON *list = NULL;
        AUTO(json_free_p) cJSON *patch = json_object();
        cJSON *part = json_object();
        bool changed = false;

        json_add(patch, "metadata", part);
        if (version == NULL || *version == '\0')
                return err_set(err, ERR_PROTOCOL, "the request has no metadata.resourceVersion");
        if (old != NULL && !cJSON_IsNull(old) && !cJSON_IsArray(old))
                return err_set(err, ERR_PROTOCOL, "status.conditions of the request is no list");
        list = cJSON_IsArray(old) ? cJSON_Duplicate(old, true) : json_array();
        for (size_t i = 0; i < n; i++)
                changed |= set(list, &given[i], json_get_int(meta, "generation", 0));
        *out = NULL;
        if (!changed)
                return 0;
        json_add_str(part, "resourceVersion", version);
        part = json_object();
        json_add(patch, "status", part);
        json_add(part, "conditions", TAKE(list));
        *out = json_print(patch, false);
        return 0;
}
