// SPDX-License-Identifier: Apache-2.0
#include "kube/access.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "kube/kubeconfig.h"

#define NAMESPACE_MAX_BYTES 253
#define HOST_MAX            253
#define DEFAULT_NAMESPACE   "default"
#define HOST_VARIABLE       "KUBERNETES_SERVICE_HOST"
#define PORT_VARIABLE       "KUBERNETES_SERVICE_PORT"

void kube_access_free(struct kube_access *access)
{
        if (access == NULL)
                return;
        mem_free(access->server);
        mem_free(access->authorities);
        mem_free(access->authorities_file);
        mem_free(access->server_name);
        mem_free(access->token_file);
        secret_done(&access->token);
        secret_done(&access->certificate);
        secret_done(&access->key);
        mem_free(access->namespace);
        mem_free(access);
}

/* NULL when it is not set, or empty. */
static const char *variable(const char *name)
{
        const char *value = getenv(name);

        return value == NULL || *value == '\0' ? NULL : value;
}

static int server_of_pod(char **out, struct err *err)
{
        const char *host = variable(HOST_VARIABLE);
        const char *port = variable(PORT_VARIABLE);
        bool is_ipv6 = host != NULL && strchr(host, ':') != NULL;
        struct err ignored = ERR_INIT;
        int64_t number;

        if (host == NULL || port == NULL)
                return err_set(err, ERR_MISSING, "%s is not set: this is no pod of a cluster",
                               host == NULL ? HOST_VARIABLE : PORT_VARIABLE);
        for (const char *p = host; *p != '\0'; p++)
                if ((!isalnum((unsigned char)*p) && strchr(".-:", *p) == NULL) || p - host >= HOST_MAX)
                        return err_set(err, ERR_MISSING, "%s is no host: '%.100s'", HOST_VARIABLE, host);
        if (num_parse(port, 1, 65535, &number, &ignored) != 0)
                return err_set(err, ERR_MISSING, "%s is no port: '%.100s'", PORT_VARIABLE, port);
        *out = mem_printf(is_ipv6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
        return 0;
}

static char *namespace_of_pod(const char *dir)
{
        AUTO(mem_free_p) char *path = mem_printf("%s/namespace", dir);
        AUTO(buf_done_p) struct buf text = BUF_INIT(NAMESPACE_MAX_BYTES + 1);
        struct err ignored = ERR_INIT;

        if (fs_read(path, NAMESPACE_MAX_BYTES + 1, &text, &ignored) != 0)
                return mem_strdup(DEFAULT_NAMESPACE);
        if (text.len > 0)
                text.data[strcspn((char *)text.data, " \t\r\n")] = '\0';
        return mem_strdup(*buf_str(&text) != '\0' ? buf_str(&text) : DEFAULT_NAMESPACE);
}

int kube_access_in_pod(const char *dir, struct kube_access **out, struct err *err)
{
        AUTO(kube_access_free_p) struct kube_access *own = MEM_NEW(struct kube_access);
        const char *account = dir != NULL ? dir : KUBE_ACCOUNT_DIR;

        if (server_of_pod(&own->server, err) != 0)
                return -1;
        own->authorities_file = mem_printf("%s/ca.crt", account);
        if (access(own->authorities_file, R_OK) != 0)
                return err_set(err, ERR_MISSING, "'%s' is not there: this pod has no service account mounted",
                               own->authorities_file);
        own->token_file = mem_printf("%s/token", account);
        own->namespace = namespace_of_pod(account);
        *out = TAKE(own);
        return 0;
}

static char *default_path(void)
{
        const char *list = variable("KUBECONFIG");
        const char *home = variable("HOME");

        while (list != NULL && *list == ':')
                list++;
        if (list != NULL && *list != '\0')
                return mem_printf("%.*s", (int)strcspn(list, ":"), list);
        return home != NULL ? mem_printf("%s/.kube/config", home) : NULL;
}

static int read_secret(const char *path, struct secret *out, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(PEM_FILE_MAX_BYTES);

        if (path == NULL)
                return 0;
        if (fs_read(path, PEM_FILE_MAX_BYTES, &text, err) != 0)
                return -1;
        secret_set(out, text.data, text.len);
        return 0;
}

/* What the kubeconfig names must be there: said now, with its name, and not at the first call. */
static int read_files(const char *path, struct kubeconfig *config, struct err *err)
{
        const struct kube_access *access = config->access;
        AUTO(secret_done_p) struct secret unused = SECRET_INIT;

        if (read_secret(config->certificate_file, &config->access->certificate, err) == 0 &&
            read_secret(config->key_file, &config->access->key, err) == 0 &&
            read_secret(access->authorities_file, &unused, err) == 0 &&
            read_secret(access->token_file, &unused, err) == 0)
                return 0;
        err->kind = ERR_USAGE;
        return err_wrap(err, "%.200s", path);
}

int kube_access_from_file(const char *path, const char *context, struct kube_access **out, struct err *err)
{
        AUTO(mem_free_p) char *chosen = path != NULL ? mem_strdup(path) : default_path();
        AUTO(kubeconfig_done_p) struct kubeconfig config = KUBECONFIG_INIT;
        AUTO(buf_done_p) struct buf text = BUF_INIT(CONFIG_MAX_BYTES);

        if (chosen == NULL)
                return err_set(err, ERR_MISSING, "no kubeconfig: neither KUBECONFIG nor HOME is set");
        if (fs_read(chosen, CONFIG_MAX_BYTES, &text, err) != 0) {
                err->kind = err->kind == ERR_MISSING ? ERR_MISSING : ERR_USAGE;
                return err_wrap(err, "kubeconfig");
        }
        if (kubeconfig_parse(chosen, buf_str(&text), text.len, context, &config, err) != 0 ||
            read_files(chosen, &config, err) != 0)
                return -1;
        *out = TAKE(config.access);
        return 0;
}
