// SPDX-License-Identifier: Apache-2.0
/*
 * spec.tls of the database object, so that KubeDB's own operators see what was brought about.
 */
#include "control/act_parts.h"

#include "base/mem.h"

#include <string.h>

/* With SQL Server it is a member of spec.tls, which stays when TLS is off for clients: its issuer is needed
 * for other things too. */
static bool stays(const struct kind *kind)
{
        return kind->require_field != NULL && strcmp(kind->require_field, "clientTLS") == 0;
}

static void set(cJSON *object, const char *key, cJSON *value)
{
        cJSON_DeleteItemFromObjectCaseSensitive(object, key);
        json_add(object, key, value);
}

static cJSON *copy_of(const cJSON *node, bool is_list)
{
        if (is_list ? cJSON_IsArray(node) : cJSON_IsObject(node))
                return cJSON_Duplicate(node, true);
        return is_list ? json_array() : json_object();
}

static int index_of(const cJSON *list, const char *alias)
{
        const cJSON *item;
        int i = 0;

        cJSON_ArrayForEach(item, list)
        {
                const char *have = json_get_str(item, "alias");

                if (have != NULL && strcmp(have, alias) == 0)
                        return i;
                i++;
        }
        return -1;
}

/* Entry by entry, member by member. */
static cJSON *merge_certificates(const cJSON *have, const cJSON *given)
{
        cJSON *list = copy_of(have, true);
        const cJSON *entry, *member;

        cJSON_ArrayForEach(entry, given)
        {
                const char *alias = json_get_str(entry, "alias");
                const int i = alias == NULL ? -1 : index_of(list, alias);

                if (i < 0) {
                        json_append(list, cJSON_Duplicate(entry, true));
                        continue;
                }
                cJSON_ArrayForEach(member, entry)
                {
                        set(cJSON_GetArrayItem(list, i), member->string, cJSON_Duplicate(member, true));
                }
        }
        return list;
}

/* spec as it is to be, of that only what is ours. */
static cJSON *wanted(const struct request *request, const cJSON *spec)
{
        const struct kind *kind = request->kind;
        cJSON *out = json_object();
        cJSON *tls = copy_of(json_get(spec, "tls"), false);
        const cJSON *issuer = json_get(request->spec, "issuerRef");
        const cJSON *certificates = json_get(request->spec, "certificates");

        if (issuer != NULL)
                set(tls, "issuerRef", cJSON_Duplicate(issuer, true));
        if (certificates != NULL)
                set(tls, "certificates", merge_certificates(json_get(tls, "certificates"), certificates));
        if (kind->require_field != NULL && request->required != REQUIRED_UNSAID)
                set(stays(kind) ? tls : out, kind->require_field,
                    cJSON_CreateBool(request->required == REQUIRED_YES));
        json_add(out, "tls", tls);
        if (kind->switch_field != NULL)
                json_add_bool(out, kind->switch_field, true);
        return out;
}

static cJSON *removed(const struct request *request, const cJSON *spec)
{
        const struct kind *kind = request->kind;
        cJSON *out = json_object();

        if (stays(kind)) {
                cJSON *tls = copy_of(json_get(spec, "tls"), false);

                set(tls, kind->require_field, cJSON_CreateBool(false));
                json_add(out, "tls", tls);
                return out;
        }
        json_add(out, "tls", cJSON_CreateNull());
        if (kind->require_field != NULL)
                json_add_bool(out, kind->require_field, false);
        if (kind->switch_field != NULL)
                json_add_bool(out, kind->switch_field, false);
        return out;
}

/* What is not there says the same as null and false. */
static bool is_same(const cJSON *spec, const cJSON *want)
{
        const cJSON *member;

        cJSON_ArrayForEach(member, want)
        {
                const cJSON *have = json_get(spec, member->string);
                const bool is_none = have == NULL || cJSON_IsNull(have) || cJSON_IsFalse(have);

                if (is_none ? !(cJSON_IsNull(member) || cJSON_IsFalse(member))
                            : !cJSON_Compare(have, member, true))
                        return false;
        }
        return true;
}

static void on_written(struct act *act, int status, const cJSON *object UNUSED)
{
        if (status == 409)
                act_again(act);
        else
                act_next(act);
}

static struct act_place place_of(const struct act *act)
{
        const struct kind *kind = act_action(act)->request->kind;

        return (struct act_place){ kind->group, kind->databases, act->database, NULL, NULL };
}

static void on_read(struct act *act, int status UNUSED, const cJSON *object)
{
        const struct action *action = act_action(act);
        const cJSON *spec = json_get(object, "spec");
        const struct act_place place = place_of(act);
        AUTO(json_free_p) cJSON *patch = NULL;
        cJSON *want;

        if (object == NULL) {
                act_next(act);
                return;
        }
        want = action->is_true ? wanted(action->request, spec) : removed(action->request, spec);
        patch = act_patch_of(object);
        json_add(patch, "spec", want);
        if (is_same(spec, want))
                act_next(act);
        else
                act_send(act, "PATCH", &place, patch, ACT_MISSING | ACT_CONFLICT, on_written);
}

void act_database_start(struct act *act)
{
        struct act_place place;

        if (act_action(act)->request == NULL) {
                act_next(act);
                return;
        }
        place = place_of(act);
        act_get(act, &place, ACT_MISSING, on_read);
}
