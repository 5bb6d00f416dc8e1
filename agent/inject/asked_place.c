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

static const cJSON *find_by(const cJSON *list, const char *key, const char *value)
{
        const cJSON *item;

        cJSON_ArrayForEach(item, list)
        {
                const char *have = json_get_str(item, key);

                if (have != NULL && value != NULL && strcmp(have, value) == 0)
                        return item;
        }
        return NULL;
}

static int64_t index_of(const cJSON *list, const cJSON *item)
{
        int64_t i = 0;

        for (const cJSON *at = list->child; at != item; at = at->next)
                i++;
        return i;
}

static const cJSON *find_volume(const cJSON *pod, const cJSON *mount)
{
        return find_by(json_get(json_get(pod, "spec"), "volumes"), "name", json_get_str(mount, "name"));
}

static const cJSON *mounts_of(const cJSON *pod, const struct asked *asked)
{
        return json_get(cJSON_GetArrayItem(asked_containers(pod), (int)asked->container), "volumeMounts");
}

/* What KubeDB mounts there, the Secret itself, is what ours comes in place of. */
static int read_mount(const cJSON *pod, struct asked *out, struct err *err)
{
        const cJSON *mount = find_by(mounts_of(pod, out), "mountPath", out->publish);
        const char *name = json_get_str(mount, "name");

        out->mount = -1;
        if (mount == NULL)
                return 0;
        if (json_get(find_volume(pod, mount), "secret") == NULL || json_get(mount, "subPath") != NULL)
                return err_set(err, ERR_REFUSED,
                               "volume '%.80s' is mounted at %s, where the certificates are to be "
                               "published: move it, or say where with " INJECT_PREFIX "publish-to",
                               name == NULL ? "" : name, out->publish);
        out->mount = index_of(mounts_of(pod, out), mount);
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

/* What stands in a volume of its own accord cannot be written. */
static bool may_be_written(const cJSON *volume)
{
        static const char *const filled[] = { "secret", "configMap", "projected", "downwardAPI" };

        for (size_t i = 0; i < ARRAY_LEN(filled); i++)
                if (json_get(volume, filled[i]) != NULL)
                        return false;
        return true;
}

/* The folder that the database includes: its own volume there, or one that both get. */
static int read_settings(const cJSON *pod, struct asked *out, struct err *err)
{
        const char *path = asked_annotation(pod, "settings-to");

        if (path == NULL)
                return 0;
        if (out->engine->settings == NULL)
                return err_set(err, ERR_REFUSED,
                               INJECT_PREFIX
                               "settings-to: %s includes no folder; give settings-file in " INJECT_PREFIX
                               "config, and its volume with " INJECT_PREFIX "patch",
                               out->engine->driver);
        if (!is_path(path) || strcmp(path, out->publish) == 0)
                return err_set(err, ERR_REFUSED,
                               INJECT_PREFIX
                               "settings-to: '%.80s' is no absolute path of a folder of its own",
                               path);
        out->settings = mem_strdup(path);
        out->shared = find_by(mounts_of(pod, out), "mountPath", path);
        if (out->shared != NULL && !may_be_written(find_volume(pod, out->shared)))
                return err_set(err, ERR_REFUSED,
                               INJECT_PREFIX "settings-to: volume '%.80s', which is mounted at %s, cannot be "
                                             "written: take it out, "
                                             "and ask for its files with a Reconfigure request",
                               json_get_str(out->shared, "name"), path);
        return 0;
}

int asked_place(const cJSON *pod, struct asked *out, struct err *err)
{
        if (read_publish(pod, out, err) != 0 || read_settings(pod, out, err) != 0)
                return -1;
        return read_user(pod, out, err);
}
