// SPDX-License-Identifier: Apache-2.0
/*
 * The ConfigMap of a database: the record and the plan, in one write over the version that was observed.
 */
#include "control/act_parts.h"

#include "base/mem.h"

#include <string.h>

#define DATA_MAX ((size_t)1 << 20) /* of a ConfigMap: the API's limit */

static int add_data(cJSON *object, const struct record *record, struct err *err)
{
        AUTO(json_free_p) cJSON *tree = record_to_json(record);
        AUTO(json_free_p) cJSON *plan = record_plan(record);
        AUTO(mem_free_p) char *text = json_print(tree, false);
        AUTO(mem_free_p) char *plan_text = json_print(plan, false);
        cJSON *data = json_object();

        json_add(object, "data", data);
        json_add_str(data, RECORD_KEY, text);
        json_add_str(data, RECORD_PLAN_KEY, plan_text);
        if (strlen(text) <= RECORD_MAX_BYTES &&
            strlen(text) + strlen(plan_text) + sizeof(RECORD_KEY RECORD_PLAN_KEY) <= DATA_MAX)
                return 0;
        return err_set(err, ERR_REFUSED, "its record and plan of %zu bytes are larger than a ConfigMap holds",
                       strlen(text) + strlen(plan_text));
}

static void on_written(struct act *act, int status UNUSED, const cJSON *object)
{
        struct err err = ERR_INIT;
        const char *version = json_get_str(json_get(object, "metadata"), "resourceVersion");

        if (object == NULL) {
                err_set_(&err, ERR_CHANGED, "%s: it is gone", act->what);
                act_fail(act, &err);
                return;
        }
        mem_free(act->record_version);
        act->record_version = mem_strdup(version);
        record_done(&act->record);
        act->record = act->next;
        record_init(&act->next);
        world_note_record(act->world, object);
        act_next(act);
}

static void send(struct act *act, const cJSON *object, const char *name)
{
        const bool is_new = act->record_version == NULL;
        const struct act_place place = { .group = "v1",
                                         .resource = "configmaps",
                                         .name = is_new ? NULL : name };

        act_send(act, is_new ? "POST" : "PATCH", &place, object, is_new ? 0 : ACT_MISSING, on_written);
}

void act_record_write(struct act *act, const struct record *record)
{
        AUTO(mem_free_p) char *name = mem_printf("%s" RECORD_SUFFIX, act->database);
        AUTO(json_free_p) cJSON *object = act_object(act, "v1", "ConfigMap", name);
        struct record copy;
        struct err err = ERR_INIT;

        record_init(&copy);
        record_copy(&copy, record); /* which may be act->next itself */
        record_done(&act->next);
        act->next = copy;
        if (act->record_version == NULL)
                act_own(act, object);
        else
                json_add_str(act_object_meta(object), "resourceVersion", act->record_version);
        if (add_data(object, &act->next, &err) != 0)
                act_fail(act, &err);
        else
                send(act, object, name);
}

void act_record_start(struct act *act)
{
        act_record_write(act, &act_action(act)->record);
}
