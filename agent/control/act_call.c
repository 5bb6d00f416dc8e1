// SPDX-License-Identifier: Apache-2.0
/*
 * One call of the API server, and what its answer means for the list.
 */
#include "control/act_parts.h"

#include "base/log.h"
#include "base/mem.h"
#include "kube/names.h"

#include <stdio.h>
#include <string.h>

static bool is_accepted(const struct act *act, int status)
{
        return (status == 404 && (act->accepts & ACT_MISSING) != 0) ||
               (status == 409 && (act->accepts & ACT_CONFLICT) != 0);
}

/* Whatever cannot be read may be another time: it says nothing about what was asked for. */
static int read_answer(const struct act *act, const struct kube_answer *answer, cJSON **out, struct err *err)
{
        if (kube_answer_judge(answer, act->what, err) != 0)
                return -1;
        if (json_parse(answer->body, answer->len, out, err) == 0 && cJSON_IsObject(*out))
                return 0;
        if (*out != NULL)
                err_set_(err, ERR_PROTOCOL, "no object");
        err->kind = ERR_PROTOCOL;
        return err_wrap(err, "%s: the answer of the API server", act->what);
}

static void on_answer(const struct kube_answer *answer, void *arg)
{
        struct act *act = arg;
        AUTO(json_wipe_p) cJSON *object = NULL;
        struct err err = ERR_INIT;

        act->call = NULL;
        if (answer->status == 429 && (act->accepts & ACT_BUSY) != 0) {
                if (json_parse(answer->body, answer->len, &object, &err) != 0)
                        object = NULL; /* not by the API server itself */
                act->answered(act, answer->status, object);
        } else if (is_accepted(act, answer->status)) {
                act->answered(act, answer->status, NULL);
        } else if (read_answer(act, answer, &object, &err) == 0) {
                act->answered(act, answer->status, object);
        } else if ((act->accepts & ACT_WHATEVER) != 0) {
                log_warn("control_write_refused", LOG_S("namespace", act->namespace),
                         LOG_S("database", act->database), LOG_ERR(&err));
                act->answered(act, answer->status, NULL);
        } else {
                act_fail(act, &err);
        }
}

static void call(struct act *act, const char *method, const struct act_place *place, const char *body)
{
        const bool is_core = strchr(place->group, '/') == NULL;
        const bool is_write = strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0;
        char path[KUBE_PATH_MAX];
        struct err err = ERR_INIT;

        (void)snprintf(act->what, sizeof(act->what), "%s %.64s%s%.253s", method, place->resource,
                       place->name == NULL ? "" : "/", place->name == NULL ? "" : place->name);
        if (place->name != NULL && !kube_names_is_subdomain(place->name)) {
                err_set_(&err, ERR_USAGE, "%s: that is no name of an object", act->what);
                act_fail(act, &err);
                return;
        }
        (void)snprintf(path, sizeof(path), "/%s/%s/namespaces/%s/%s%s%s%s%s%s", is_core ? "api" : "apis",
                       place->group, act->namespace, place->resource, place->name == NULL ? "" : "/",
                       place->name == NULL ? "" : place->name, place->sub == NULL ? "" : place->sub,
                       is_write || place->query != NULL ? "?" : "",
                       is_write               ? "fieldManager=" ACT_MANAGER
                       : place->query != NULL ? place->query
                                              : "");
        act->call = kube_call_start(act->client,
                                    &(const struct kube_request){
                                            .method = method,
                                            .path = path,
                                            .type = strcmp(method, "PATCH") == 0 ? KUBE_MERGE_PATCH : NULL,
                                            .body = body,
                                    },
                                    NULL, on_answer, act);
}

void act_get(struct act *act, const struct act_place *place, unsigned accepts, act_answered_fn *answered)
{
        act->accepts = accepts;
        act->answered = answered;
        call(act, "GET", place, NULL);
}

void act_send(struct act *act, const char *method, const struct act_place *place, const cJSON *body,
              unsigned accepts, act_answered_fn *answered)
{
        AUTO(mem_free_p) char *text = body == NULL ? NULL : json_print(body, false);
        const size_t len = text == NULL ? 0 : strlen(text);

        act->accepts = accepts;
        act->answered = answered;
        call(act, method, place, text);
        if (text != NULL)
                explicit_bzero(text, len);
}

void act_delete(struct act *act, const struct act_place *place, const char *uid, act_answered_fn *answered)
{
        AUTO(json_free_p) cJSON *body = json_object();

        json_add_str(body, "propagationPolicy", "Background");
        if (*uid != '\0') {
                cJSON *precondition = json_object();

                json_add_str(precondition, "uid", uid);
                json_add(body, "preconditions", precondition);
        }
        act_send(act, "DELETE", place, body, ACT_MISSING | ACT_CONFLICT, answered);
}

cJSON *act_object(const struct act *act, const char *version, const char *kind, const char *name)
{
        cJSON *object = json_object();
        cJSON *meta = json_object();
        cJSON *labels = json_object();

        json_add_str(object, "apiVersion", version);
        json_add_str(object, "kind", kind);
        json_add(object, "metadata", meta);
        json_add_str(meta, "name", name);
        json_add_str(meta, "namespace", act->namespace);
        json_add(meta, "labels", labels);
        json_add_str(labels, "app.kubernetes.io/managed-by", "certrotate");
        json_add_str(labels, ACT_INSTANCE, act->database);
        json_add_str(labels, "app.kubernetes.io/component", "database");
        return object;
}

void act_own(const struct act *act, cJSON *object)
{
        const struct kind *kind = act_kind(act);
        cJSON *owners, *owner;

        if (act->owner_uid == NULL || kind == NULL)
                return;
        owners = json_array();
        owner = json_object();
        json_add(act_object_meta(object), "ownerReferences", owners);
        json_append(owners, owner);
        json_add_str(owner, "apiVersion", kind->group);
        json_add_str(owner, "kind", kind->database);
        json_add_str(owner, "name", act->database);
        json_add_str(owner, "uid", act->owner_uid);
}

cJSON *act_object_meta(const cJSON *object)
{
        return cJSON_GetObjectItemCaseSensitive(object, "metadata");
}

cJSON *act_patch_of(const cJSON *object)
{
        cJSON *patch = json_object();
        cJSON *meta = json_object();
        const char *version = json_get_str(json_get(object, "metadata"), "resourceVersion");

        json_add(patch, "metadata", meta);
        json_add_str(meta, "resourceVersion", version == NULL ? "" : version);
        return patch;
}

const char *act_uid_of(const cJSON *object)
{
        const char *uid = json_get_str(json_get(object, "metadata"), "uid");

        return uid == NULL ? "" : uid;
}
