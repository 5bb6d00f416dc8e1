// SPDX-License-Identifier: Apache-2.0
/*
 * From a file and options to one const struct: options go over the tree, the tree is checked key by key
 * against the schema, defaults are added to it, then keys are checked against each other.
 */
#include "config/config.h"

#include "base/limits.h"
#include "base/mem.h"
#include "config/config_check.h"
#include "config/files.h"
#include "config/text.h"
#include "config/value.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define KEY_PATH_MAX 200
#define STATE_NAME   "..state.json"
#define CONTROL_NAME "..control.sock"
#define END_LEAST_MS INT64_C(60000)

static void draft_done_p(struct draft *draft)
{
        if (draft->config != NULL)
                config_free(draft->config);
        json_free(draft->dropped);
        yaml_done(&draft->doc);
}

static void put_text(struct draft *draft, const char *path, const char *text)
{
        cJSON *node;

        if (text == NULL)
                return;
        node = cJSON_CreateString(text);
        if (node == NULL)
                abort();
        draft_put(draft, path, node);
}

static void put_overrides(struct draft *draft, const struct config_overrides *overrides)
{
        cJSON *list;

        put_text(draft, "source", overrides->source);
        put_text(draft, "publish", overrides->publish);
        put_text(draft, "database", overrides->database);
        put_text(draft, "listen", overrides->listen);
        put_text(draft, "kubernetes.pod", overrides->pod);
        put_text(draft, "kubernetes.pod-uid", overrides->pod_uid);
        put_text(draft, "log-format", overrides->log_format);
        put_text(draft, "log-level", overrides->log_level);
        if (overrides->n_endpoints == 0)
                return;
        list = json_array();
        for (size_t i = 0; i < overrides->n_endpoints; i++)
                json_append_str(list, overrides->endpoints[i]);
        draft_put(draft, "endpoints", list);
}

/* The depth is that of the schema: an unknown section is refused before it is entered. */
static int read_section(const struct draft *draft, cJSON *section, const char *prefix)
{
        for (cJSON *node = section->child; node != NULL; node = node->next) {
                char path[KEY_PATH_MAX];
                const struct schema_key as_section = { .path = path };
                const struct schema_key *key;
                int result = 0;

                (void)snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix == '\0' ? "" : ".",
                               node->string);
                if (strchr(node->string, '.') != NULL)
                        return draft_fail(draft, &as_section, node, "write it as a section, 'a: {b: value}'");
                key = schema_find(schema_top(), path);
                if (key == NULL && !schema_has_section(schema_top(), path))
                        return draft_fail_unknown(draft, schema_top(), path, node);
                if (key != NULL && key->type == SCHEMA_FILES)
                        result = files_read(draft, key, node);
                else if (key != NULL)
                        result = value_set(draft, key, node, draft->config);
                else if (cJSON_IsObject(node))
                        result = read_section(draft, node, path);
                else if (!cJSON_IsNull(node))
                        result = draft_fail(draft, &as_section, node, "is a section: keys go below it");
                if (result != 0)
                        return -1;
        }
        return 0;
}

static int add_defaults(struct draft *draft)
{
        const struct schema *schema = schema_top();

        for (size_t i = 0; i < schema->n; i++) {
                const struct schema_key *key = &schema->keys[i];
                cJSON *node;

                if (key->fallback == NULL || !schema_applies(key->path, draft->config->database) ||
                    schema_node(draft->doc.root, key->path) != NULL)
                        continue;
                node = value_node(key, key->fallback);
                draft_put(draft, key->path, node);
                if (value_set(draft, key, node, draft->config) != 0)
                        return -1;
        }
        return 0;
}

/* A text that follows from other keys; stays when it was configured. */
static void derive_text(struct draft *draft, const char *path, const char **field, const char *directory,
                        const char *name)
{
        AUTO(mem_free_p) char *text = NULL;

        if (*field != NULL)
                return;
        text = mem_printf("%s%s%s", directory == NULL ? "" : directory, directory == NULL ? "" : "/", name);
        put_text(draft, path, text);
        *field = schema_node(draft->doc.root, path)->valuestring;
}

static void derive_endpoints(struct draft *draft, const struct hook *hook)
{
        struct config *config = draft->config;
        const char *const own[] = { hook->endpoint == NULL ? NULL : hook->endpoint(&config->hook), NULL };
        const char *const *defaults = own[0] != NULL ? own : hook->endpoints;
        size_t n = 0;

        if (config->endpoints != NULL || defaults == NULL)
                return;
        while (defaults[n] != NULL)
                n++;
        config->endpoints = mem_dup(defaults, (n + 1) * sizeof(*defaults));
        config->n_endpoints = n;
        draft_put(draft, "endpoints", json_array());
        for (size_t i = 0; i < n; i++)
                json_append_str(schema_node(draft->doc.root, "endpoints"), config->endpoints[i]);
}

static void derive_lists(struct draft *draft, const struct hook *hook)
{
        struct config *config = draft->config;

        if (config->outputs == NULL && hook->n_outputs > 0) {
                config->outputs = mem_dup(hook->outputs, hook->n_outputs * sizeof(*hook->outputs));
                config->files = mem_array(hook->n_outputs, sizeof(*config->files));
                config->n_outputs = hook->n_outputs;
        }
        derive_endpoints(draft, hook);
}

/* A store without a password of its own has the common one. */
static void derive_passwords(struct config *config)
{
        config->password_files = mem_array(config->n_outputs, sizeof(*config->password_files));
        for (size_t i = 0; i < config->n_outputs; i++) {
                if (output_is_store(config->outputs[i].content) && config->files[i].password_file == NULL)
                        config->files[i].password_file = config->store_password_file;
                config->password_files[i] = config->files[i].password_file;
        }
}

static void derive(struct draft *draft)
{
        struct config *config = draft->config;
        const struct hook *hook = hook_find(config->database);

        derive_text(draft, "instance", &config->instance, NULL,
                    config->kube.pod != NULL ? config->kube.pod : config->database);
        derive_text(draft, "state", &config->state, config->publish, STATE_NAME);
        derive_text(draft, "control", &config->control, config->publish, CONTROL_NAME);
        /* Beside a volume and without the rest of the API the Secret's name is for plans alone. */
        if (config->custom.source == NULL || kube_is_used(&config->kube))
                config->kube.files = config->custom.secret;
        if (config->custom.mode == 0)
                config->custom.mode = 0644;
        derive_lists(draft, hook);
        derive_passwords(config);
        if ((config->tls != TLS_UNMANAGED || config->plan != NULL) && hook->settings_file != NULL)
                derive_text(draft, "settings-file", &config->settings_file, NULL, hook->settings_file);
        config->log_format = config->log == CONFIG_LOG_TEXT ? LOG_TEXT : LOG_JSON;
        config->hook.publish = config->publish;
        config->hook.policy = &config->policy;
        /* A process that does not heed its signal is to be told again, long before the certificate ends. */
        config->hook.process.limit_ms =
                config->restart_limit_ms < END_LEAST_MS ? END_LEAST_MS : config->restart_limit_ms;
        config->hook.outputs = config->outputs;
        config->hook.n_outputs = config->n_outputs;
        config->hook.password_files = config->password_files;
        config->hook.endpoints = config->endpoints;
}

static int build(struct draft *draft, const char *text, size_t len, const struct config_overrides *overrides)
{
        const struct schema_key whole = { .path = "the file" };
        cJSON *root;

        if (yaml_parse(draft->what == NULL ? "" : draft->what, text == NULL ? "" : text, len, &draft->doc,
                       draft->err) != 0) {
                draft->err->kind = ERR_USAGE;
                return -1;
        }
        draft->config = MEM_NEW(struct config);
        draft->dropped = json_array();
        policy_init(&draft->config->policy);
        root = draft->doc.root;
        if (cJSON_IsNull(root))
                root->type = cJSON_Object;
        if (!cJSON_IsObject(root))
                return draft_fail(draft, &whole, root, "must be a mapping: 'key: value' on each line");
        if (overrides != NULL)
                put_overrides(draft, overrides);
        if (read_section(draft, root, "") != 0 || config_check_mandatory(draft) != 0 ||
            add_defaults(draft) != 0)
                return -1;
        derive(draft);
        return config_check(draft);
}

static struct config *finish(struct draft *draft)
{
        draft->config->tree = TAKE(draft->doc.root);
        return TAKE(draft->config);
}

int config_parse(const char *what, const char *text, size_t len, const struct config_overrides *overrides,
                 struct config **out, struct err *err)
{
        AUTO(draft_done_p) struct draft draft = { .what = what, .err = err };

        if (build(&draft, text, len, overrides) != 0)
                return -1;
        *out = finish(&draft);
        return 0;
}

/* Links may lead from one directory into the other although the names say nothing of it. */
static int check_real_places(const struct draft *draft)
{
        AUTO(mem_free_p) char *source = NULL;
        AUTO(mem_free_p) char *publish = realpath(draft->config->publish, NULL);

        if (draft->config->source != NULL)
                source = realpath(draft->config->source, NULL);
        if (source == NULL || publish == NULL || !text_is_inside(publish, source))
                return 0;
        return draft_fail(draft, schema_find(schema_top(), "publish"),
                          schema_node(draft->doc.root, "publish"),
                          "leads through links to '%.120s', inside the source: publish elsewhere", publish);
}

static int absolute(const char *path, char **out, struct err *err)
{
        AUTO(mem_free_p) char *here = NULL;

        if (path == NULL || *path == '/' || *path == '\0') {
                *out = mem_strdup(path);
                return 0;
        }
        here = getcwd(NULL, 0);
        if (here == NULL)
                return err_sys(err, errno, "find the working directory for '%.100s'", path);
        *out = mem_printf("%s/%s", here, path);
        return 0;
}

int config_load(const char *path, const struct config_overrides *overrides, struct config **out,
                struct err *err)
{
        AUTO(draft_done_p) struct draft draft = { .what = path, .err = err };
        AUTO(buf_done_p) struct buf text = BUF_INIT(2 * CONFIG_MAX_BYTES);
        AUTO(mem_free_p) char *source = NULL;
        AUTO(mem_free_p) char *publish = NULL;
        struct config_overrides absolute_overrides = { 0 };

        if (overrides != NULL) {
                absolute_overrides = *overrides;
                if (absolute(overrides->source, &source, err) != 0 ||
                    absolute(overrides->publish, &publish, err) != 0)
                        return -1;
                absolute_overrides.source = source;
                absolute_overrides.publish = publish;
        }
        if (path != NULL && fs_read(path, CONFIG_MAX_BYTES, &text, err) != 0) {
                err->kind = ERR_USAGE;
                return -1;
        }
        if (build(&draft, buf_str(&text), text.len, &absolute_overrides) != 0 || files_resolve(&draft) != 0 ||
            check_real_places(&draft) != 0)
                return -1;
        if (draft.config->log == CONFIG_LOG_AUTO && isatty(STDERR_FILENO) == 1)
                draft.config->log_format = LOG_TEXT;
        *out = finish(&draft);
        return 0;
}

void config_free(struct config *config)
{
        const struct schema *schema = schema_top();

        if (config == NULL)
                return;
        for (size_t i = 0; i < schema->n; i++) {
                enum schema_type type = schema->keys[i].type;
                void *list;

                if (type != SCHEMA_STRINGS && type != SCHEMA_HOSTS && type != SCHEMA_DNS_NAMES &&
                    type != SCHEMA_ENDPOINTS)
                        continue;
                memcpy(&list, (char *)config + schema->keys[i].offset, sizeof(list));
                mem_free(list);
        }
        mem_free(config->outputs);
        mem_free(config->files);
        mem_free(config->password_files);
        json_free(config->tree);
        mem_free(config);
}
