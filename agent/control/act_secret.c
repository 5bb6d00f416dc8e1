// SPDX-License-Identifier: Apache-2.0
/*
 * Secrets: read, compared, written whole. Their values are wiped wherever they were.
 */
#include "control/act_parts.h"

#include "base/mem.h"
#include "certs/base64.h"

#include <string.h>

#define TYPE_DEFAULT "Opaque"

static const char *type_of(const cJSON *secret)
{
        const char *type = json_get_str(secret, "type");

        return type == NULL ? TYPE_DEFAULT : type;
}

/* What is not there is empty. */
static bool equal(const cJSON *a, const cJSON *b)
{
        const bool has_a = cJSON_IsObject(a) && a->child != NULL;
        const bool has_b = cJSON_IsObject(b) && b->child != NULL;

        return has_a && has_b ? cJSON_Compare(a, b, true) : has_a == has_b;
}

bool act_secret_is_same(const cJSON *have, const cJSON *want)
{
        const cJSON *meta = json_get(have, "metadata");
        const cJSON *wished = json_get(want, "metadata");

        return have != NULL && json_get(want, "stringData") == NULL &&
               strcmp(type_of(have), type_of(want)) == 0 &&
               equal(json_get(have, "data"), json_get(want, "data")) &&
               equal(json_get(meta, "labels"), json_get(wished, "labels")) &&
               equal(json_get(meta, "annotations"), json_get(wished, "annotations"));
}

static void copy_member(cJSON *to, const cJSON *from, const char *key)
{
        const cJSON *member = json_get(from, key);

        if (member != NULL && !cJSON_IsNull(member))
                json_add(to, key, cJSON_Duplicate(member, true));
}

cJSON *act_secret_save(const cJSON *secret)
{
        cJSON *saved = json_object();

        json_add_str(saved, "type", type_of(secret));
        copy_member(saved, json_get(secret, "metadata"), "labels");
        copy_member(saved, json_get(secret, "metadata"), "annotations");
        copy_member(saved, secret, "data");
        return saved;
}

cJSON *act_secret_renew(const struct act *act, const char *name, const cJSON *saved)
{
        cJSON *secret = act_object(act, "v1", "Secret", name);
        cJSON *meta = act_object_meta(secret);

        cJSON_DeleteItemFromObjectCaseSensitive(meta, "labels");
        copy_member(meta, saved, "labels");
        copy_member(meta, saved, "annotations");
        json_add_str(secret, "type", type_of(saved));
        copy_member(secret, saved, "data");
        return secret;
}

static int decode(const cJSON *value, struct secret *out, struct err *err)
{
        const char *text = cJSON_GetStringValue(value);
        AUTO(secret_done_p) struct secret bytes = SECRET_INIT;

        if (text == NULL || strlen(text) > 2 * ACT_SECRET_MAX)
                return err_set(err, ERR_PARSE, "its key %.253s is no base64", value->string);
        if (base64_decode(text, &bytes, err) != 0)
                return err_wrap(err, "its key %.253s", value->string);
        if (memchr(bytes.data, '\0', bytes.len) != NULL)
                return err_set(err, ERR_PARSE, "its key %.253s is no text", value->string);
        *out = bytes;
        bytes = (struct secret)SECRET_INIT;
        return 0;
}

int act_secret_text(const cJSON *secret, const char *key, struct secret *out, struct err *err)
{
        const cJSON *value = json_get(json_get(secret, "data"), key);

        if (value == NULL)
                return err_set(err, ERR_MISSING, "it has no key %s", key);
        return decode(value, out, err);
}

int act_secret_texts(const cJSON *secret, cJSON **out, struct err *err)
{
        AUTO(json_wipe_p) cJSON *texts = json_object();
        const cJSON *value;

        cJSON_ArrayForEach(value, json_get(secret, "data"))
        {
                AUTO(secret_done_p) struct secret text = SECRET_INIT;

                if (decode(value, &text, err) != 0)
                        return -1;
                json_add_str(texts, value->string, text.len == 0 ? "" : (const char *)text.data);
        }
        *out = TAKE(texts);
        return 0;
}

/* --- written */

static struct act_place place_of(const struct act *act)
{
        return (struct act_place){ "v1", "secrets", json_get_str(json_get(act->secret, "metadata"), "name"),
                                   NULL, NULL };
}

static void go_on(struct act *act)
{
        json_wipe(TAKE(act->secret));
        act->then(act);
}

static void on_written(struct act *act, int status UNUSED, const cJSON *object UNUSED)
{
        go_on(act);
}

static void create(struct act *act)
{
        const struct act_place place = { .group = "v1", .resource = "secrets" };

        act_send(act, "POST", &place, act->secret, 0, on_written);
}

static void on_deleted(struct act *act, int status UNUSED, const cJSON *object UNUSED)
{
        create(act); /* in conflict when it was not gone: looked at again */
}

static void on_read(struct act *act, int status UNUSED, const cJSON *object)
{
        const struct act_place place = place_of(act);
        const char *version = json_get_str(json_get(object, "metadata"), "resourceVersion");

        if (object == NULL) {
                create(act);
        } else if (act_secret_is_same(object, act->secret)) {
                go_on(act);
        } else if (strcmp(type_of(object), type_of(act->secret)) != 0) {
                act_delete(act, &place, act_uid_of(object), on_deleted); /* a type cannot be changed */
        } else {
                json_add_str(act_object_meta(act->secret), "resourceVersion", version);
                act_send(act, "PUT", &place, act->secret, 0, on_written);
        }
}

void act_secret_put(struct act *act, const cJSON *want, act_fn *then)
{
        struct act_place place;

        json_wipe(act->secret);
        act->secret = cJSON_Duplicate(want, true);
        act->then = then;
        place = place_of(act);
        act_get(act, &place, ACT_MISSING, on_read);
}
