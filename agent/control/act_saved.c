// SPDX-License-Identifier: Apache-2.0
/*
 * What a request is going to change, copied into one Secret before anything is changed:
 *
 *   saved.json  {"certificates": [Certificate], "secrets": {name: {type, labels, annotations, data}},
 *                "files": {name: the same, or null: there was none}}
 */
#include "control/act_parts.h"

#include "base/log.h"
#include "base/mem.h"

#include <string.h>

#define KEY        "saved.json"
#define ANNOTATION "certrotate.io/request" /* its uid */

static void save_certificate(struct act *act);
static void save_files(struct act *act);

static char *name_of(const struct act *act)
{
        return mem_printf("%s" ACT_SAVED_SUFFIX, act->database);
}

static bool is_of_request(const struct act *act, const cJSON *secret)
{
        const cJSON *annotations = json_get(json_get(secret, "metadata"), "annotations");
        const char *uid = json_get_str(annotations, ANNOTATION);

        return uid != NULL && *uid != '\0' && strcmp(uid, act_request_uid(act)) == 0;
}

static cJSON *part(const struct act *act, const char *key)
{
        return cJSON_GetObjectItemCaseSensitive(act->found, key);
}

static void write_saved(struct act *act)
{
        AUTO(mem_free_p) char *name = name_of(act);
        AUTO(mem_free_p) char *text = json_print(act->found, false);
        const size_t len = strlen(text);
        AUTO(json_wipe_p) cJSON *secret = act_object(act, "v1", "Secret", name);
        cJSON *map = json_object();
        struct err err = ERR_INIT;

        json_add(act_object_meta(secret), "annotations", map);
        json_add_str(map, ANNOTATION, act_request_uid(act));
        act_own(act, secret);
        json_add_str(secret, "type", "Opaque");
        map = json_object();
        json_add(secret, "stringData", map);
        json_add_str(map, KEY, text);
        explicit_bzero(text, len);
        if (len > ACT_SECRET_MAX) {
                err_set_(&err, ERR_REFUSED,
                         "Certificates, Secrets and files to be put back after a failure are %zu bytes, more "
                         "than "
                         "a Secret holds",
                         len);
                act_fail(act, &err);
                return;
        }
        act_secret_put(act, secret, act_next);
}

/* --- Certificates and what they have issued */

static void on_secret(struct act *act, int status UNUSED, const cJSON *object)
{
        if (object != NULL)
                json_add(part(act, "secrets"), act->uid, act_secret_save(object));
        act->i++;
        save_certificate(act);
}

static void on_certificate(struct act *act, int status UNUSED, const cJSON *object)
{
        const char *secret = json_get_str(json_get(object, "spec"), "secretName");
        struct act_place place = { .group = "v1", .resource = "secrets", .name = secret };
        cJSON *copy;

        if (object == NULL || secret == NULL) {
                act->i++;
                save_certificate(act);
                return;
        }
        copy = cJSON_Duplicate(object, true);
        cJSON_DeleteItemFromObjectCaseSensitive(act_object_meta(copy), "managedFields");
        json_append(part(act, "certificates"), copy);
        mem_free(act->uid);
        act->uid = mem_strdup(secret);
        if (json_get(part(act, "secrets"), secret) != NULL)
                on_secret(act, 404, NULL); /* two of one Secret */
        else
                act_get(act, &place, ACT_MISSING, on_secret);
}

static void save_certificate(struct act *act)
{
        struct act_place place = { .group = CERTIFICATE_GROUP, .resource = "certificates" };

        if (act->i == act->n_certificates) {
                write_saved(act);
                return;
        }
        place.name = act->certificates[act->i].name;
        act_get(act, &place, ACT_MISSING, on_certificate);
}

/* --- rendered files */

static void on_files(struct act *act, int status UNUSED, const cJSON *object)
{
        json_add(part(act, "files"), act->uid, object == NULL ? cJSON_CreateNull() : act_secret_save(object));
        act->i++;
        save_files(act);
}

static void save_files(struct act *act)
{
        const char *const *parts = act_action(act)->request->kind->config_roles;
        const char *of = parts == NULL ? NULL : parts[act->i];
        struct act_place place = { .group = "v1", .resource = "secrets" };

        if (parts == NULL ? act->i == 1 : of == NULL) {
                write_saved(act);
                return;
        }
        mem_free(act->uid);
        act->uid = act_render_secret(act, of);
        place.name = act->uid;
        act_get(act, &place, ACT_MISSING, on_files);
}

static void on_found(struct act *act, int status UNUSED, const cJSON *object)
{
        if (object != NULL && is_of_request(act, object)) {
                act_next(act);
                return;
        }
        act->found = json_object();
        json_add(act->found, "certificates", json_array());
        json_add(act->found, "secrets", json_object());
        json_add(act->found, "files", json_object());
        if (act_action(act)->request->type == REQUEST_CONFIG)
                save_files(act);
        else
                save_certificate(act);
}

static void get_saved(struct act *act, act_answered_fn *answered)
{
        AUTO(mem_free_p) char *name = name_of(act);
        const struct act_place place = { .group = "v1", .resource = "secrets", .name = name };

        act_get(act, &place, ACT_MISSING, answered);
}

void act_saved_start(struct act *act)
{
        if (act_action(act)->request == NULL)
                act_next(act);
        else
                get_saved(act, on_found);
}

/* --- read again, and forgotten */

/* One that cannot be read is as good as none: the database must not stay paused for that. */
static void on_loaded(struct act *act, int status UNUSED, const cJSON *object)
{
        AUTO(secret_done_p) struct secret text = SECRET_INIT;
        struct err err = ERR_INIT;

        json_wipe(TAKE(act->found));
        if (object != NULL && is_of_request(act, object) &&
            (act_secret_text(object, KEY, &text, &err) != 0 ||
             json_parse((const char *)text.data, text.len, &act->found, &err) != 0))
                log_error("saved_state_unreadable", LOG_S("namespace", act->namespace),
                          LOG_S("database", act->database), LOG_ERR(&err));
        act->then(act);
}

void act_saved_load(struct act *act, act_fn *then)
{
        act->then = then;
        get_saved(act, on_loaded);
}

void act_saved_forget(struct act *act)
{
        AUTO(mem_free_p) char *name = name_of(act);
        const struct act_place place = { .group = "v1", .resource = "secrets", .name = name };

        act_delete(act, &place, "", act_next_answered);
}
