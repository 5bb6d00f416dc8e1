// SPDX-License-Identifier: Apache-2.0
/*
 * Cross-checks. Each complaint names the key to change.
 */
#include "config/config_check.h"

#include "base/near.h"
#include "config/text.h"

#include <string.h>

#define SOCKET_MAX_LEN 107 /* sun_path */

/* Complains about a key: at its value where there is one. */
#define fail_at(draft, path, ...)                                                                            \
        draft_fail((draft), schema_find(schema_top(), (path)), schema_node((draft)->doc.root, (path)),       \
                   __VA_ARGS__)

static bool is_given(const struct draft *draft, const char *path)
{
        return schema_node(draft->doc.root, path) != NULL;
}

static void list_databases(char *out, size_t size)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(size - 1);

        for (const struct hook *const *hook = hook_all(); *hook != NULL; hook++)
                buf_printf(&text, "%s%s", hook == hook_all() ? "" : ", ", (*hook)->name);
        memcpy(out, buf_str(&text), text.len + 1);
}

int config_check_mandatory(const struct draft *draft)
{
        const struct config *config = draft->config;
        struct near near = NEAR_INIT;
        char known[200];

        list_databases(known, sizeof(known));
        if (config->database == NULL)
                return fail_at(draft, "database", "is missing: name the driver, one of %s", known);
        if (hook_find(config->database) == NULL) {
                for (const struct hook *const *hook = hook_all(); *hook != NULL; hook++)
                        near_try(&near, config->database, (*hook)->name);
                if (near.best != NULL)
                        return fail_at(draft, "database", "'%.60s' is not known, did you mean '%s'?",
                                       config->database, near.best);
                return fail_at(draft, "database", "'%.60s' is not known: there are %s", config->database,
                               known);
        }
        if (config->source == NULL && config->kube.secret == NULL)
                return fail_at(draft, "source", "is missing: name the directory with the new certificates");
        if (config->publish == NULL)
                return fail_at(draft, "publish", "is missing: name the directory that the database reads");
        return 0;
}

static int check_places(const struct draft *draft)
{
        const struct config *config = draft->config;

        if (config->source != NULL && strcmp(config->source, config->publish) == 0)
                return fail_at(draft, "publish", "is the source: publish to a directory of its own");
        if (strcmp(config->publish, "/") == 0)
                return fail_at(draft, "publish", "is '/': publish to a directory of its own");
        if (config->source != NULL && text_is_inside(config->publish, config->source))
                return fail_at(draft, "publish",
                               "is inside the source, which is only read: publish elsewhere");
        if (strlen(config->control) > SOCKET_MAX_LEN)
                return fail_at(draft, "control",
                               "'%.60s…' is too long for a socket: set control to a path of at most %d bytes",
                               config->control, SOCKET_MAX_LEN);
        if (config->retry_min_ms > config->retry_max_ms)
                return fail_at(draft, "retry-min", "is longer than retry-max");
        return 0;
}

static int check_sections(const struct draft *draft)
{
        const struct config *config = draft->config;

        for (const cJSON *node = draft->doc.root->child; node != NULL; node = node->next) {
                const struct schema_key key = { .path = node->string };

                if (node->child != NULL && !schema_applies(node->string, config->database))
                        return draft_fail(draft, &key, node, "has no effect with database '%.40s': remove it",
                                          config->database);
        }
        if (is_given(draft, "admin.socket") && is_given(draft, "admin.host"))
                return fail_at(draft, "admin.host", "and admin.socket exclude each other: keep one");
        return 0;
}

static int check_generic(const struct draft *draft)
{
        const struct generic_settings *generic = &draft->config->hook.generic;
        int reloads = (generic->reload_command != NULL) + (generic->reload_signal != 0) +
                      (generic->reload_url != NULL);
        int restarts = (generic->restart_command != NULL) + (generic->restart_signal != 0);

        if (reloads + restarts == 0)
                return fail_at(draft, "generic.reload.command",
                               "a reload or a restart is needed: set generic.reload or generic.restart to a "
                               "command, a signal or (reload) an http call");
        if (reloads > 1)
                return fail_at(draft,
                               generic->reload_url != NULL ? "generic.reload.http.url"
                                                           : "generic.reload.signal",
                               "is a second way to reload: keep one of command, signal and http");
        if (restarts > 1)
                return fail_at(draft, "generic.restart.signal", "is a second way to restart: keep one");
        if ((generic->reload_signal != 0 || generic->restart_signal != 0) && generic->executable == NULL)
                return fail_at(draft,
                               generic->reload_signal != 0 ? "generic.reload.signal"
                                                           : "generic.restart.signal",
                               "needs generic.executable: whom to signal");
        if (is_given(draft, "generic.reload.http.status") && generic->reload_url == NULL)
                return fail_at(draft, "generic.reload.http.status", "needs generic.reload.http.url");
        if (draft->config->apply == CONFIG_APPLY_RELOAD && reloads == 0)
                return fail_at(draft, "apply", "'reload' needs generic.reload");
        if (draft->config->apply == CONFIG_APPLY_RESTART && restarts == 0)
                return fail_at(draft, "apply", "'restart' needs generic.restart");
        return 0;
}

static int check_settings(const struct draft *draft, const struct hook *hook)
{
        const struct config *config = draft->config;

        if (config->tls == TLS_UNMANAGED)
                return config->settings_file == NULL || config->plan != NULL || config->kube.plan != NULL
                               ? 0
                               : fail_at(draft, "settings-file",
                                         "is only written when tls is set: set it to "
                                         "off, mixed, on or required");
        if (hook->settings == NULL)
                return fail_at(draft, "tls", "is nothing that the %s driver can switch: remove it",
                               config->database);
        if (config->settings_file == NULL)
                return fail_at(draft, "settings-file",
                               "is missing: name the file of the database's settings");
        return 0;
}

static int check_kubernetes(const struct draft *draft)
{
        const struct kube_settings *kube = &draft->config->kube;

        if (!kube_is_used(kube) && (kube->kubeconfig != NULL || kube->namespace != NULL))
                return fail_at(draft,
                               kube->kubeconfig != NULL ? "kubernetes.kubeconfig" : "kubernetes.namespace",
                               "has no effect alone: name a pod, secret, plan or lease");
        if (kube->plan != NULL && draft->config->plan != NULL)
                return fail_at(draft, "kubernetes.plan", "and plan exclude each other: keep one");
        if (kube->pod_uid != NULL && kube->pod == NULL)
                return fail_at(draft, "kubernetes.pod-uid", "needs kubernetes.pod: whose uid it is");
        if (kube->lease != NULL && kube->pod == NULL)
                return fail_at(draft, "kubernetes.lease", "needs kubernetes.pod: who holds it");
        return 0;
}

/* Another's directory, or ours for another purpose. */
static int check_custom_publish(const struct draft *draft)
{
        const struct config *config = draft->config;
        const char *publish = config->custom.publish;
        const char *const sources[] = { config->source, config->custom.source };

        for (size_t i = 0; i < ARRAY_LEN(sources); i++)
                if (sources[i] != NULL && text_is_inside(publish, sources[i]))
                        return fail_at(draft, "custom.publish",
                                       "is '%.100s' or inside it, which is only read: publish elsewhere",
                                       sources[i]);
        if (strcmp(publish, config->publish) == 0 || strcmp(publish, "/") == 0)
                return fail_at(draft, "custom.publish", "is '%.100s': publish to a directory of its own",
                               publish);
        return 0;
}

static int check_custom(const struct draft *draft)
{
        const struct custom_settings *custom = &draft->config->custom;
        const struct generic_settings *generic = &draft->config->hook.generic;
        bool is_generic = strcmp(draft->config->database, "generic") == 0;

        if (custom->publish == NULL && custom->secret == NULL && custom->source == NULL)
                return 0;
        if (custom->publish == NULL)
                return fail_at(draft, "custom.publish",
                               "is missing: name the directory that the database "
                               "includes");
        if (custom->secret == NULL && custom->source == NULL)
                return fail_at(draft, "custom.secret",
                               "is missing: name the Secret with the files, or custom.source");
        if (hook_find(draft->config->database)->restart == NULL ||
            (is_generic && generic->restart_command == NULL && generic->restart_signal == 0))
                return fail_at(draft, "custom.publish",
                               "needs a database that is restarted: set generic.restart");
        return check_custom_publish(draft);
}

static int check_process(const struct draft *draft)
{
        const struct process_settings *process = &draft->config->hook.process;

        if (process->command != NULL && process->executable != NULL)
                return fail_at(draft, "process.executable",
                               "and process.command exclude each other: keep one");
        if (process->pid_file != NULL && process->executable == NULL)
                return fail_at(draft, "process.pid-file",
                               "needs process.executable too, so that the signal reaches the right process");
        if (process->signal != 0 && process->executable == NULL)
                return fail_at(draft, "process.signal", "needs process.executable: whom to signal");
        return 0;
}

static int check_driver(const struct draft *draft)
{
        const struct config *config = draft->config;
        const struct hook *hook = hook_find(config->database);

        if ((hook->caps & HOOK_PROVES_ITSELF) && config->n_endpoints > 0)
                return fail_at(draft, "endpoints", "has no effect: the %s driver asks the server, remove it",
                               config->database);
        if (config->n_endpoints == 0 && !(hook->caps & HOOK_PROVES_ITSELF))
                return fail_at(draft, "endpoints",
                               "is missing: the %s driver has none of its own, name the URL to "
                               "prove, such as tls://127.0.0.1:443",
                               config->database);
        if (config->n_outputs == 0)
                return fail_at(draft, "files", "is missing: the %s driver has none of its own",
                               config->database);
        if (config->apply == CONFIG_APPLY_RELOAD && hook->reload == NULL)
                return fail_at(draft, "apply", "'reload' is nothing that the %s driver can",
                               config->database);
        if (config->apply == CONFIG_APPLY_RESTART && hook->restart == NULL)
                return fail_at(draft, "apply", "'restart' is nothing that the %s driver can",
                               config->database);
        if (check_settings(draft, hook) != 0 || check_process(draft) != 0)
                return -1;
        return strcmp(config->database, "generic") == 0 ? check_generic(draft) : 0;
}

int config_check(const struct draft *draft)
{
        if (check_places(draft) != 0 || check_sections(draft) != 0 || check_kubernetes(draft) != 0 ||
            check_custom(draft) != 0)
                return -1;
        return check_driver(draft);
}
