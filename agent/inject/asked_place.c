// SPDX-License-Identifier: Apache-2.0
/*
 * Where the database reads its files, and as whom.
 */
#include "inject/asked_parts.h"

#include "base/mem.h"
#include "base/num.h"

#include <string.h>

#define PATH_MAX_BYTES 512

static bool is_path(const char *text)
{
        if (text[0] != '/' || text[1] == '\0' || strlen(text) > PATH_MAX_BYTES ||
            strstr(text, "//") != NULL || text[strlen(text) - 1] == '/' || strstr(text, ":") != NULL)
                return false;
        return strstr(text, "/../") == NULL && strstr(text, "/./") == NULL;
}

static bool is_secret_volume(const cJSON *pod, const char *name)
{
        const cJSON *volume;

        cJSON_ArrayForEach(volume, json_get(json_get(pod, "spec"), "volumes"))
        {
                const char *have = json_get_str(volume, "name");

                if (have != NULL && name != NULL && strcmp(have, name) == 0)
                        return json_get(volume, "secret") != NULL;
        }
        return false;
}

/* What KubeDB mounts there, the Secret itself, is what ours comes in place of. */
static int read_mount(const cJSON *pod, struct asked *out, struct err *err)
{
        const cJSON *container = cJSON_GetArrayItem(asked_containers(pod), (int)out->container);
        const cJSON *mount;
        int64_t i = 0;

        out->mount = -1;
        cJSON_ArrayForEach(mount, json_get(container, "volumeMounts"))
        {
                const char *path = json_get_str(mount, "mountPath");
                const char *name = json_get_str(mount, "name");

                if (path != NULL && strcmp(path, out->publish) == 0) {
                        if (!is_secret_volume(pod, name) || json_get(mount, "subPath") != NULL)
                                return err_set(
                                        err, ERR_REFUSED,
                                        "volume '%.80s' is mounted at %s, where the certificates are to be "
                                        "published: move it, or say where with " INJECT_PREFIX "publish-to",
                                        name == NULL ? "" : name, out->publish);
                        out->mount = i;
                }
                i++;
        }
        return 0;
}

static int read_publish(const cJSON *pod, struct asked *out, struct err *err)
{
        const char *path = asked_annotation(pod, "publish-to");

        if (path == NULL)
                path = out->engine->publish;
        if (path == NULL)
                return err_set(err, ERR_REFUSED,
                               "nothing says where the database reads its certificate: annotate the "
                               "pod with " INJECT_PREFIX "publish-to");
        if (!is_path(path))
                return err_set(err, ERR_REFUSED,
                               INJECT_PREFIX "publish-to: '%.80s' is no absolute path of a folder", path);
        out->publish = mem_strdup(path);
        return read_mount(pod, out, err);
}

static int64_t number(const cJSON *context, const char *key)
{
        return json_get_int(context, key, -1);
}

/* Files that only their owner and group may read have to be readable by the database. */
static int read_user(const cJSON *pod, struct asked *out, struct err *err)
{
        const cJSON *of_pod = json_get(json_get(pod, "spec"), "securityContext");
        const cJSON *of_container =
                json_get(cJSON_GetArrayItem(asked_containers(pod), (int)out->container), "securityContext");
        const char *said = asked_annotation(pod, "run-as-user");

        out->has_fs_group = number(of_pod, "fsGroup") >= 0;
        out->user = number(of_container, "runAsUser");
        out->group = number(of_container, "runAsGroup");
        if (said != NULL) {
                struct err bad = ERR_INIT;

                if (num_parse(said, 1, INT32_MAX, &out->user, &bad) != 0)
                        return err_set(err, ERR_REFUSED,
                                       INJECT_PREFIX "run-as-user: '%.40s' is no number of a user", said);
                return 0;
        }
        if (out->user < 0)
                out->user = number(of_pod, "runAsUser");
        if (out->user < 0 && !out->has_fs_group)
                return err_set(err, ERR_REFUSED,
                               "nothing says as whom the database runs, and only it may read the key: set "
                               "runAsUser or "
                               "fsGroup in the pod's securityContext, or annotate it with " INJECT_PREFIX
                               "run-as-user");
        if (out->user == 0) /* who reads everything */
                out->user = out->group = -1;
        return 0;
}

int asked_place(const cJSON *pod, struct asked *out, struct err *err)
{
        return read_publish(pod, out, err) != 0 ? -1 : read_user(pod, out, err);
}
