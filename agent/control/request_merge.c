// SPDX-License-Identifier: Apache-2.0
#include "control/request_merge.h"

#include "base/mem.h"
#include "control/files.h"
#include "control/request_check.h"
#include "control/request_configuration.h"

#include <string.h>

static cJSON *copy(const cJSON *tree)
{
        cJSON *made = cJSON_Duplicate(tree, true);

        if (made == NULL)
                abort();
        return made;
}

/* In the place of what is there under that key. */
static void put(cJSON *object, const char *key, cJSON *value)
{
        cJSON_DeleteItemFromObjectCaseSensitive(object, key);
        json_add(object, key, value);
}

static cJSON *need(cJSON *object, const char *key)
{
        if (!request_check_has(object, key))
                put(object, key, json_object());
        return cJSON_GetObjectItemCaseSensitive(object, key);
}

static int merge_files(const struct kind *kind, const cJSON *files, cJSON *into, struct err *err)
{
        const cJSON *file;

        cJSON_ArrayForEach(file, files)
        {
                AUTO(mem_free_p) char *merged = NULL;
                const char *before = json_get_str(into, file->string);

                if (before != NULL &&
                    files_join(kind, file->string, before, file->valuestring, &merged, err) != 0)
                        return -1;
                cJSON_DeleteItemFromObjectCaseSensitive(into, file->string);
                json_add_str(into, file->string, merged == NULL ? file->valuestring : merged);
        }
        return 0;
}

static const char *restart_of(const cJSON *part)
{
        const char *restart = json_get_str(part, "restart");

        return restart == NULL ? "auto" : restart;
}

/* One ReconfigurationSpec over those before it. */
static int merge_part(const struct kind *kind, const cJSON *part, cJSON *into, struct err *err)
{
        const char *restart = restart_of(part);

        if (strcmp(restart, "auto") == 0 && strcmp(restart_of(into), "true") == 0)
                restart = "true";
        if (json_get_bool(part, "removeCustomConfig")) {
                cJSON_DeleteItemFromObjectCaseSensitive(into, "configSecret");
                cJSON_DeleteItemFromObjectCaseSensitive(into, "applyConfig");
                put(into, "removeCustomConfig", cJSON_CreateTrue());
        }
        if (request_check_has(part, "configSecret"))
                put(into, "configSecret", copy(json_get(part, "configSecret")));
        put(into, "restart", cJSON_CreateString(restart));
        if (!request_check_has(part, "applyConfig"))
                return 0;
        return merge_files(kind, json_get(part, "applyConfig"), need(into, "applyConfig"), err);
}

static int merge_all(const struct request *request, cJSON *into, struct err *err)
{
        const struct kind *kind = request->kind;

        if (kind->config_roles == NULL)
                return merge_part(kind, request->spec, into, err);
        for (const char *const *role = kind->config_roles; *role != NULL; role++)
                if (request_check_has(request->spec, *role) &&
                    merge_part(kind, json_get(request->spec, *role), need(into, *role), err) != 0)
                        return -1;
        return 0;
}

static void add_manner(struct request *const *requests, size_t n, cJSON *spec)
{
        int64_t timeout_ms = 0;
        int retries = 0;

        for (size_t i = 0; i < n; i++) {
                timeout_ms = requests[i]->timeout_ms > timeout_ms ? requests[i]->timeout_ms : timeout_ms;
                retries = requests[i]->max_retries > retries ? requests[i]->max_retries : retries;
        }
        if (timeout_ms > 0) {
                AUTO(mem_free_p) char *timeout = mem_printf("%llds", (long long)(timeout_ms + 999) / 1000);

                json_add_str(spec, "timeout", timeout);
        }
        json_add_str(spec, "apply", requests[0]->apply_always ? "Always" : "IfReady");
        json_add_int(spec, "maxRetries", retries);
}

int request_merge(struct request *const *requests, size_t n, cJSON **out, struct err *err)
{
        AUTO(json_free_p) cJSON *spec = json_object();
        cJSON *database = json_object(), *configuration = json_object();

        json_add_str(spec, "type", "Reconfigure");
        json_add(spec, "databaseRef", database);
        json_add_str(database, "name", requests[0]->database);
        json_add(spec, "configuration", configuration);
        for (size_t i = 0; i < n; i++)
                if (merge_all(requests[i], configuration, err) != 0)
                        return -1;
        if (request_configuration_check(requests[0]->kind, configuration, err) != 0)
                return -1;
        add_manner(requests, n, spec);
        *out = TAKE(spec);
        return 0;
}
