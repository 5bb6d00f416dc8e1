// SPDX-License-Identifier: Apache-2.0
#include "inject/sidecar.h"

#include "base/mem.h"

#include <string.h>

#define FOLDER       "/etc/certrotate"
#define FILE_NAME    "certrotate.yaml" /* JSON is YAML */
#define TOKEN        "/var/run/secrets/kubernetes.io/serviceaccount"
#define PORT         9533

#define VOLUME(name) INJECT_NAME "-" name

static cJSON *object_of(const char *key, cJSON *value)
{
        cJSON *object = json_object();

        json_add(object, key, value);
        return object;
}

/* --- container */

static void add_mount(cJSON *mounts, const char *name, const char *path, bool writes)
{
        cJSON *mount = json_object();

        json_add_str(mount, "name", name);
        json_add_str(mount, "mountPath", path);
        if (!writes)
                json_add_bool(mount, "readOnly", true);
        json_append(mounts, mount);
}

/* As the database has it, but to be written. */
static cJSON *shared(const cJSON *mount)
{
        cJSON *copy = cJSON_Duplicate(mount, true);

        cJSON_DeleteItemFromObjectCaseSensitive(copy, "readOnly");
        return copy;
}

static cJSON *mounts(const struct asked *asked)
{
        cJSON *list = json_array();

        add_mount(list, VOLUME("config"), FOLDER "/config", false);
        add_mount(list, VOLUME("secret"), FOLDER "/secret", false);
        add_mount(list, VOLUME("token"), TOKEN, false);
        if (asked->auth != NULL)
                add_mount(list, VOLUME("login"), FOLDER "/login", false);
        if (asked->store != NULL)
                add_mount(list, VOLUME("store"), FOLDER "/store", false);
        add_mount(list, SIDECAR_PUBLISHED, asked->publish, true);
        if (asked->shared != NULL)
                json_append(list, shared(asked->shared));
        else if (asked->settings != NULL)
                add_mount(list, SIDECAR_SETTINGS, asked->settings, true);
        return list;
}

static cJSON *probe(const char *path, int64_t period_s, int64_t failures)
{
        cJSON *probe = json_object();
        cJSON *get = json_object();

        json_add_str(get, "path", path);
        json_add_int(get, "port", PORT);
        json_add(probe, "httpGet", get);
        json_add_int(probe, "periodSeconds", period_s);
        json_add_int(probe, "timeoutSeconds", 5);
        json_add_int(probe, "failureThreshold", failures);
        return probe;
}

static cJSON *security(const struct asked *asked)
{
        cJSON *context = json_object();
        cJSON *drop = json_array();

        if (asked->user > 0)
                json_add_int(context, "runAsUser", asked->user);
        if (asked->group > 0)
                json_add_int(context, "runAsGroup", asked->group);
        json_add_bool(context, "runAsNonRoot", true);
        json_add_bool(context, "allowPrivilegeEscalation", false);
        json_add_bool(context, "readOnlyRootFilesystem", true);
        json_append_str(drop, "ALL");
        json_add(context, "capabilities", object_of("drop", drop));
        json_add(context, "seccompProfile", object_of("type", cJSON_CreateString("RuntimeDefault")));
        return context;
}

static cJSON *resources(const struct asked *asked)
{
        cJSON *needs, *limits, *requests;

        if (asked->resources != NULL)
                return cJSON_Duplicate(asked->resources, true);
        needs = json_object();
        requests = json_object();
        limits = json_object();
        json_add_str(requests, "cpu", "5m");
        json_add_str(requests, "memory", "16Mi");
        json_add_str(limits, "memory", "64Mi");
        json_add(needs, "requests", requests);
        json_add(needs, "limits", limits);
        return needs;
}

static cJSON *environment(void)
{
        static const struct {
                const char *name;
                const char *field;
        } all[] = { { "POD_NAME", "metadata.name" }, { "POD_UID", "metadata.uid" } };
        cJSON *list = json_array();

        for (size_t i = 0; i < ARRAY_LEN(all); i++) {
                cJSON *one = json_object();

                json_add_str(one, "name", all[i].name);
                json_add(one, "valueFrom",
                         object_of("fieldRef", object_of("fieldPath", cJSON_CreateString(all[i].field))));
                json_append(list, one);
        }
        return list;
}

cJSON *sidecar_container(const struct inject_settings *settings, const struct asked *asked)
{
        cJSON *container = json_object();
        cJSON *args = json_array();

        json_add_str(container, "name", INJECT_NAME);
        json_add_str(container, "image", asked->image != NULL ? asked->image : settings->image);
        if (settings->pull_policy != NULL)
                json_add_str(container, "imagePullPolicy", settings->pull_policy);
        if (!settings->plain)
                json_add_str(container, "restartPolicy", "Always");
        json_append_str(args, "run");
        json_append_str(args, "--config=" FOLDER "/config/" FILE_NAME);
        json_append_str(args, "--pod=$(POD_NAME)");
        json_append_str(args, "--pod-uid=$(POD_UID)");
        json_add(container, "args", args);
        json_add(container, "env", environment());
        if (!settings->plain) /* ten minutes for a first certificate; before it the database would not start
                               */
                json_add(container, "startupProbe", probe("/startupz", 1, 600));
        json_add(container, "livenessProbe", probe("/livez", 20, 3));
        json_add(container, "readinessProbe", probe("/readyz", 5, 1));
        json_add(container, "resources", resources(asked));
        json_add(container, "securityContext", security(asked));
        json_add(container, "volumeMounts", mounts(asked));
        return container;
}

/* --- volumes */

static void add_volume(cJSON *volumes, const char *name, const char *kind, cJSON *source)
{
        cJSON *volume = json_object();

        json_add_str(volume, "name", name);
        json_add(volume, kind, source);
        json_append(volumes, volume);
}

/* Optional: the Secret may come later, and a pod without it starts. */
static cJSON *secret(const struct asked *asked, const char *name, bool optional)
{
        cJSON *source = json_object();

        json_add_str(source, "secretName", name);
        if (asked->has_fs_group)
                json_add_int(source, "defaultMode", 0440);
        if (optional)
                json_add_bool(source, "optional", true);
        return source;
}

/* {"items": [a file with that field of the pod]} */
static cJSON *from_pod(const char *path, const char *field)
{
        cJSON *item = json_object();
        cJSON *items = json_array();

        json_add_str(item, "path", path);
        json_add(item, "fieldRef", object_of("fieldPath", cJSON_CreateString(field)));
        json_append(items, item);
        return object_of("items", items);
}

static cJSON *authorities(void)
{
        cJSON *map = json_object();
        cJSON *item = json_object();
        cJSON *items = json_array();

        json_add_str(item, "key", "ca.crt");
        json_add_str(item, "path", "ca.crt");
        json_append(items, item);
        json_add_str(map, "name", "kube-root-ca.crt");
        json_add(map, "items", items);
        return map;
}

/* As the service account's own, but for this container alone. */
static cJSON *token(void)
{
        cJSON *account = json_object();
        cJSON *sources = json_array();

        json_add_str(account, "path", "token");
        json_add_int(account, "expirationSeconds", 3600);
        json_append(sources, object_of("serviceAccountToken", account));
        json_append(sources, object_of("configMap", authorities()));
        json_append(sources, object_of("downwardAPI", from_pod("namespace", "metadata.namespace")));
        return object_of("sources", sources);
}

static cJSON *memory(void)
{
        cJSON *source = json_object();

        json_add_str(source, "medium", "Memory");
        json_add_str(source, "sizeLimit", "4Mi");
        return source;
}

cJSON *sidecar_volumes(const struct asked *asked)
{
        cJSON *list = json_array();

        add_volume(list, VOLUME("config"), "downwardAPI",
                   from_pod(FILE_NAME, "metadata.annotations['" INJECT_CONFIG "']"));
        add_volume(list, VOLUME("secret"), "secret", secret(asked, asked->secret, true));
        add_volume(list, VOLUME("token"), "projected", token());
        if (asked->auth != NULL)
                add_volume(list, VOLUME("login"), "secret", secret(asked, asked->auth, false));
        if (asked->store != NULL)
                add_volume(list, VOLUME("store"), "secret", secret(asked, asked->store, false));
        add_volume(list, SIDECAR_PUBLISHED, "emptyDir", memory());
        if (asked->settings != NULL && asked->shared == NULL)
                add_volume(list, SIDECAR_SETTINGS, "emptyDir", memory());
        return list;
}

/* --- configuration */

static cJSON *endpoints(const char *list)
{
        cJSON *urls = json_array();

        while (*list != '\0') {
                size_t len = strcspn(list, ", ");

                if (len > 0) {
                        AUTO(mem_free_p) char *url = mem_printf("%.*s", (int)len, list);

                        json_append_str(urls, url);
                }
                list += len;
                list += strspn(list, ", ");
        }
        return urls;
}

static void add_login(cJSON *config, const struct asked *asked)
{
        cJSON *admin;

        if (asked->auth == NULL)
                return;
        admin = json_object();
        if (asked->auth_user != NULL)
                json_add_str(admin, "user", asked->auth_user);
        json_add_str(admin, "password-file", FOLDER "/login/password");
        json_add(config, "admin", admin);
}

static void add_settings(cJSON *config, const struct asked *asked)
{
        AUTO(mem_free_p) char *file = NULL;
        AUTO(mem_free_p) char *files = NULL;
        cJSON *custom;

        if (asked->settings == NULL)
                return;
        file = mem_printf("%s/%s", asked->settings, asked->engine->settings);
        json_add_str(config, "settings-file", file);
        if (!asked->engine->has_files)
                return;
        files = mem_printf("%s-certrotate-files", asked->instance);
        custom = json_object();
        json_add_str(custom, "secret", files);
        json_add_str(custom, "publish", asked->settings);
        json_add(config, "custom", custom);
}

cJSON *sidecar_config(const struct asked *asked)
{
        const char *urls = asked->endpoints != NULL ? asked->endpoints : asked->engine->endpoint;
        cJSON *config = json_object();
        cJSON *kubernetes = json_object();
        const cJSON *item;

        json_add_str(config, "database", asked->engine->driver);
        json_add_str(config, "source", FOLDER "/secret");
        json_add_str(config, "publish", asked->publish);
        if (urls != NULL)
                json_add(config, "endpoints", endpoints(urls));
        json_add_str(config, "listen", ":9533");
        json_add_str(config, "log-format", "json");
        if (asked->apply != NULL)
                json_add_str(config, "apply", asked->apply);
        add_login(config, asked);
        add_settings(config, asked);
        if (asked->store != NULL)
                json_add_str(config, "store-password-file", FOLDER "/store/keystore_password");
        if (asked->engine->role != NULL && asked->role != NULL)
                json_add(config, asked->engine->role, object_of("role", cJSON_CreateString(asked->role)));
        json_add_str(kubernetes, "secret", asked->secret);
        json_add_str(kubernetes, "plan", asked->plan);
        json_add(config, "kubernetes", kubernetes);
        cJSON_ArrayForEach(item, asked->config)
        {
                cJSON_DeleteItemFromObjectCaseSensitive(config, item->string);
                if (!cJSON_IsNull(item))
                        json_add(config, item->string, cJSON_Duplicate(item, true));
        }
        return config;
}
