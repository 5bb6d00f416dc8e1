// SPDX-License-Identifier: Apache-2.0
#include "inject/asked.h"

#include "base/mem.h"
#include "base/near.h"
#include "inject/asked_parts.h"
#include "kube/names.h"

#include <string.h>

/* Of a pod: what people may write, and what we write. */
static const char *const known[] = {
        "inject",       "database",    "instance",  "container",    "secrets",       "publish-to",
        "settings-to",  "auth-secret", "auth-user", "store-secret", "endpoints",     "reload",
        "run-as-user",  "image",       "config",    "resources",    "patch",         "status",
        "agent-config", "report",      "nudge",     "spread",       "urgent-before", "maintenance-window",
};

const char *asked_annotation(const cJSON *pod, const char *name)
{
        AUTO(mem_free_p) char *key = mem_printf(INJECT_PREFIX "%s", name);

        return json_get_str(json_get(json_get(pod, "metadata"), "annotations"), key);
}

static const char *label(const cJSON *pod, const char *key)
{
        return json_get_str(json_get(json_get(pod, "metadata"), "labels"), key);
}

/* A word mistyped would be a wish that nobody grants. */
static int check_names(const cJSON *pod, struct err *err)
{
        const cJSON *item;

        cJSON_ArrayForEach(item, json_get(json_get(pod, "metadata"), "annotations"))
        {
                struct near near = NEAR_INIT;
                const char *name;
                bool is_known = false;

                if (strncmp(item->string, INJECT_PREFIX, strlen(INJECT_PREFIX)) != 0)
                        continue;
                name = item->string + strlen(INJECT_PREFIX);
                for (size_t i = 0; i < ARRAY_LEN(known); i++) {
                        is_known = is_known || strcmp(name, known[i]) == 0;
                        near_try(&near, name, known[i]);
                }
                if (!is_known)
                        return err_set(err, ERR_REFUSED, "there is no annotation %.100s%s%s%s", item->string,
                                       near.best == NULL ? "" : ": is it " INJECT_PREFIX,
                                       near.best == NULL ? "" : near.best, near.best == NULL ? "" : "?");
                if (!cJSON_IsString(item))
                        return err_set(err, ERR_REFUSED, "annotation %.100s is no text", item->string);
        }
        return 0;
}

static int read_engine(const cJSON *pod, struct asked *out, struct err *err)
{
        const char *driver = asked_annotation(pod, "database");
        const char *kind = label(pod, "app.kubernetes.io/name");

        if (driver != NULL)
                out->engine = engine_of_driver(driver);
        else if (kind != NULL)
                out->engine = engine_of_label(kind);
        if (out->engine == NULL && driver != NULL)
                return err_set(err, ERR_REFUSED, INJECT_PREFIX "database: '%.80s' is none of %s", driver,
                               engine_names());
        if (out->engine == NULL)
                return err_set(err, ERR_REFUSED,
                               "nothing says which database it is: annotate it with " INJECT_PREFIX
                               "database, one of %s",
                               engine_names());
        return 0;
}

static int read_instance(const cJSON *pod, struct asked *out, struct err *err)
{
        out->instance = asked_annotation(pod, "instance");
        if (out->instance == NULL)
                out->instance = label(pod, "app.kubernetes.io/instance");
        if (out->instance == NULL)
                return err_set(err, ERR_REFUSED,
                               "nothing says which database it belongs to: give it the label "
                               "app.kubernetes.io/instance, or the annotation " INJECT_PREFIX "instance");
        if (!kube_names_is_subdomain(out->instance))
                return err_set(err, ERR_REFUSED, "instance '%.80s' is no name of an object", out->instance);
        return 0;
}

/* --- the database's container */

const cJSON *asked_containers(const cJSON *pod)
{
        return json_get(json_get(pod, "spec"), "containers");
}

static int find_named(const cJSON *pod, const char *name, struct asked *out)
{
        const cJSON *item;
        size_t i = 0;

        cJSON_ArrayForEach(item, asked_containers(pod))
        {
                const char *have = json_get_str(item, "name");

                if (have != NULL && strcmp(have, name) == 0) {
                        out->container = i;
                        return 0;
                }
                i++;
        }
        return -1;
}

static int read_container(const cJSON *pod, struct asked *out, struct err *err)
{
        const char *name = asked_annotation(pod, "container");

        if (name != NULL)
                return find_named(pod, name, out) == 0
                               ? 0
                               : err_set(err, ERR_REFUSED,
                                         INJECT_PREFIX "container: the pod has no container '%.80s'", name);
        if (out->engine->container != NULL && find_named(pod, out->engine->container, out) == 0)
                return 0;
        if (cJSON_GetArraySize(asked_containers(pod)) != 1)
                return err_set(err, ERR_REFUSED,
                               "nothing says which of its containers is the database: annotate the pod "
                               "with " INJECT_PREFIX "container");
        out->container = 0;
        return 0;
}

/* --- Secrets and the rest */

static int read_secret_name(const cJSON *pod, const char *name, const char **out, struct err *err)
{
        *out = asked_annotation(pod, name);
        if (*out != NULL && !kube_names_is_subdomain(*out))
                return err_set(err, ERR_REFUSED, INJECT_PREFIX "%s: '%.80s' is no name of a Secret", name,
                               *out);
        return 0;
}

static int read_secrets(const cJSON *pod, struct asked *out, struct err *err)
{
        const char *secret;
        const char *store;

        if (read_secret_name(pod, "secrets", &secret, err) != 0 ||
            read_secret_name(pod, "auth-secret", &out->auth, err) != 0 ||
            read_secret_name(pod, "store-secret", &store, err) != 0)
                return -1;
        out->secret = secret != NULL ? mem_strdup(secret) : mem_printf("%s-server-cert", out->instance);
        out->plan = mem_printf("%s-certrotate", out->instance);
        if (store != NULL)
                out->store = mem_strdup(store);
        else if (out->engine->store != NULL)
                out->store = mem_printf("%s%s", out->instance, out->engine->store);
        return 0;
}

static int read_json(const cJSON *pod, const char *name, bool array, cJSON **out, struct err *err)
{
        const char *text = asked_annotation(pod, name);

        if (text == NULL)
                return 0;
        if (json_parse(text, strlen(text), out, err) != 0)
                return err_wrap(err, INJECT_PREFIX "%s is no JSON", name);
        if (array ? !cJSON_IsArray(*out) : !cJSON_IsObject(*out))
                return err_set(err, ERR_REFUSED, INJECT_PREFIX "%s has to be %s", name,
                               array ? "a list of operations, as in RFC 6902"
                                     : "an object, {\"key\": value}");
        return 0;
}

static int check_patch(const cJSON *patch, struct err *err)
{
        const cJSON *op;

        cJSON_ArrayForEach(op, patch)
        {
                if (json_get_str(op, "op") == NULL || json_get_str(op, "path") == NULL)
                        return err_set(err, ERR_REFUSED,
                                       INJECT_PREFIX
                                       "patch: each operation has \"op\" and \"path\", as in RFC 6902");
        }
        return 0;
}

static int read_rest(const cJSON *pod, struct asked *out, struct err *err)
{
        static const char *const ways[] = { "auto", "reload", "restart" };
        bool is_way = false;

        out->auth_user = asked_annotation(pod, "auth-user");
        out->endpoints = asked_annotation(pod, "endpoints");
        out->image = asked_annotation(pod, "image");
        out->role = label(pod, "kubedb.com/role");
        out->apply = asked_annotation(pod, "reload");
        for (size_t i = 0; out->apply != NULL && i < ARRAY_LEN(ways); i++)
                is_way = is_way || strcmp(out->apply, ways[i]) == 0;
        if (out->apply != NULL && !is_way)
                return err_set(err, ERR_REFUSED,
                               INJECT_PREFIX "reload: '%.40s' is none of auto, reload, restart", out->apply);
        if (read_json(pod, "config", false, &out->config, err) != 0 ||
            read_json(pod, "resources", false, &out->resources, err) != 0 ||
            read_json(pod, "patch", true, &out->patch, err) != 0)
                return -1;
        return check_patch(out->patch, err);
}

static bool has_container(const cJSON *list)
{
        const cJSON *item;

        cJSON_ArrayForEach(item, list)
        {
                const char *name = json_get_str(item, "name");

                if (name != NULL && strcmp(name, INJECT_NAME) == 0)
                        return true;
        }
        return false;
}

static bool has_sidecar(const cJSON *pod)
{
        return has_container(json_get(json_get(pod, "spec"), "initContainers")) ||
               has_container(asked_containers(pod));
}

/* Nobody restarts it when it has ended. */
static bool is_finite(const cJSON *pod)
{
        const char *policy = json_get_str(json_get(pod, "spec"), "restartPolicy");

        return policy != NULL && strcmp(policy, "Always") != 0;
}

static int read_all(const cJSON *pod, struct asked *out, struct err *err)
{
        if (has_sidecar(pod))
                return err_set(err, ERR_REFUSED,
                               "it has a container '" INJECT_NAME "' of its own: take that out, or "
                               "the annotation " INJECT_PREFIX "inject");
        out->ends = is_finite(pod);
        if (check_names(pod, err) != 0 || read_engine(pod, out, err) != 0 ||
            read_instance(pod, out, err) != 0 || read_container(pod, out, err) != 0 ||
            asked_place(pod, out, err) != 0 || read_secrets(pod, out, err) != 0)
                return -1;
        return read_rest(pod, out, err);
}

enum asked_answer asked_read(const cJSON *pod, struct asked *out, struct err *err)
{
        const char *inject = asked_annotation(pod, "inject");
        const char *status = asked_annotation(pod, "status");

        *out = (struct asked){ .user = -1, .group = -1, .mount = -1 };
        if (inject == NULL || strcmp(inject, "false") == 0)
                return ASKED_NOTHING;
        if (status != NULL && strcmp(status, "injected") == 0 && has_sidecar(pod))
                return ASKED_NOTHING;
        if (strcmp(inject, "true") == 0) {
                if (read_all(pod, out, err) == 0)
                        return ASKED_SIDECAR;
        } else {
                (void)err_set(err, ERR_REFUSED, INJECT_PREFIX "inject: '%.40s' is neither true nor false",
                              inject);
        }
        asked_done(out);
        return ASKED_WRONG;
}

void asked_done(struct asked *asked)
{
        mem_free(asked->secret);
        mem_free(asked->publish);
        mem_free(asked->plan);
        mem_free(asked->store);
        mem_free(asked->settings);
        cJSON_Delete(asked->config);
        cJSON_Delete(asked->resources);
        cJSON_Delete(asked->patch);
        *asked = (struct asked){ 0 };
}
