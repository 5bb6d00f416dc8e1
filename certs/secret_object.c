// SPDX-License-Identifier: Apache-2.0
#include "certs/secret_object.h"

#include "base/limits.h"
#include "base/mem.h"
#include "certs/base64.h"

#include <string.h>

#define KEY_MAX 253

/* What the API allows as a key of a Secret; kubelet's own files begin with two dots and are left out. */
static bool is_file_name(const char *key)
{
        size_t len = strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

        return len > 0 && len <= KEY_MAX && key[len] == '\0';
}

static int add(struct snapshot *to, const cJSON *member, size_t *left, struct err *err)
{
        const char *text = cJSON_GetStringValue(member);

        if (!is_file_name(member->string))
                return err_set(err, ERR_PARSE, "key '%.60s' is no file name", member->string);
        if (member->string[0] == '.')
                return 0;
        if (to->n == SNAPSHOT_MAX_FILES)
                return err_set(err, ERR_LIMIT, "more than %d keys", SNAPSHOT_MAX_FILES);
        if (text == NULL)
                return err_set(err, ERR_PARSE, "key '%.60s' has no text", member->string);
        if (strlen(text) / 4 * 3 > *left)
                return err_set(err, ERR_LIMIT, "its values are larger than %zu bytes", SNAPSHOT_MAX_BYTES);
        *left -= strlen(text) / 4 * 3;
        to->files = mem_grow(to->files, to->n + 1, sizeof(*to->files));
        to->files[to->n] = (struct snapshot_file){ mem_strdup(member->string), SECRET_INIT };
        to->n++;
        if (base64_decode(text, &to->files[to->n - 1].data, err) != 0)
                return err_wrap(err, "key '%.60s'", member->string);
        return 0;
}

int secret_object_read(const cJSON *object, struct snapshot **out, struct err *err)
{
        AUTO(snapshot_free_p) struct snapshot *snapshot = MEM_NEW(struct snapshot);
        const cJSON *data = json_get(object, "data");
        size_t left = SNAPSHOT_MAX_BYTES;

        if (data == NULL || cJSON_IsNull(data))
                return err_set(err, ERR_MISSING, "it has no data");
        if (!cJSON_IsObject(data))
                return err_set(err, ERR_PARSE, "its data is no object");
        for (const cJSON *member = data->child; member != NULL; member = member->next)
                if (add(snapshot, member, &left, err) != 0)
                        return -1;
        if (snapshot->n == 0)
                return err_set(err, ERR_MISSING, "it has no data");
        snapshot->atomic = true;
        if (snapshot_seal(snapshot, err) != 0)
                return -1;
        *out = TAKE(snapshot);
        return 0;
}
