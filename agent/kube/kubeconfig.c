// SPDX-License-Identifier: Apache-2.0
/*
 * What is refused here would only fail later, and less clearly: programs that fetch credentials, passwords,
 * proxies, acting as somebody else.
 */
#include "kube/kubeconfig.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/near.h"
#include "certs/base64.h"
#include "config/yaml.h"

#define DEFAULT_NAMESPACE "default"
#define SCHEME            "https://"

struct reader {
        const char *path;
        struct yaml_doc doc;
        struct err *err;
};

struct habit {
        const char *key;
        const char *words;
};

static const struct habit user_habits[] = {
        { "exec", "runs a program for its credentials" },
        { "auth-provider", "fetches its credentials from an auth provider" },
        { "username", "logs in with a password" },
        { "password", "logs in with a password" },
        { "as", "acts as somebody else" },
        { "as-uid", "acts as somebody else" },
        { "as-groups", "acts as somebody else" },
        { "as-user-extra", "acts as somebody else" },
};

static void wipe_tree(const cJSON *node)
{
        if (cJSON_IsString(node) && node->valuestring != NULL)
                explicit_bzero(node->valuestring, strlen(node->valuestring));
        for (const cJSON *child = node == NULL ? NULL : node->child; child != NULL; child = child->next)
                wipe_tree(child);
}

static void reader_done_p(struct reader *reader)
{
        wipe_tree(reader->doc.root);
        yaml_done(&reader->doc);
}

void kubeconfig_done(struct kubeconfig *config)
{
        kube_access_free(config->access);
        mem_free(config->certificate_file);
        mem_free(config->key_file);
        *config = (struct kubeconfig)KUBECONFIG_INIT;
}

#define fail(reader, node, ...) (fail_((reader), (node), __VA_ARGS__), -1)

static FORMAT(3, 4) void fail_(const struct reader *reader, const cJSON *node, const char *fmt, ...)
{
        const struct yaml_place *place = yaml_place(&reader->doc, node);
        char text[ERR_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        err_set_(reader->err, ERR_USAGE, "%.200s:%d:%d: %.280s", reader->path,
                 place != NULL ? place->key_line : 1, place != NULL ? place->key_column : 1, text);
}

static bool is_empty(const cJSON *node)
{
        return node == NULL || cJSON_IsNull(node) || cJSON_IsFalse(node) ||
               (cJSON_IsString(node) && node->valuestring[0] == '\0') ||
               ((cJSON_IsArray(node) || cJSON_IsObject(node)) && node->child == NULL);
}

/* NULL when it is not there, or empty. Borrowed. */
static int get_text(const struct reader *reader, const cJSON *object, const char *key, const char **out)
{
        const cJSON *node = json_get(object, key);

        *out = NULL;
        if (is_empty(node))
                return 0;
        if (!cJSON_IsString(node))
                return fail(reader, node, "'%s' wants text: put it in quotes", key);
        *out = node->valuestring;
        return 0;
}

/* The `item` of that name in the list `list`; `from` is where the name stands, NULL: on the command line. */
static int find(const struct reader *reader, const char *list, const char *item, const char *name,
                const cJSON *from, const cJSON **out)
{
        const cJSON *all = json_get(reader->doc.root, list);
        struct near near = NEAR_INIT;
        const cJSON *entry;

        if (!is_empty(all) && !cJSON_IsArray(all))
                return fail(reader, all, "'%s' wants a list", list);
        cJSON_ArrayForEach(entry, all)
        {
                const char *known = json_get_str(entry, "name");

                if (known == NULL)
                        continue;
                if (strcmp(known, name) != 0) {
                        near_try(&near, name, known);
                        continue;
                }
                *out = json_get(entry, item);
                if (!cJSON_IsObject(*out))
                        return fail(reader, entry, "%s '%.60s' is empty", item, name);
                return 0;
        }
        return fail(reader, from != NULL ? from : all, "there is no %s '%.60s'%s%.60s%s", item, name,
                    near.best != NULL ? ", did you mean '" : "", near.best != NULL ? near.best : "",
                    near.best != NULL ? "'?" : "");
}

static char *beside(const struct reader *reader, const char *file)
{
        const char *slash = strrchr(reader->path, '/');

        if (file == NULL)
                return NULL;
        if (*file == '/' || slash == NULL)
                return mem_strdup(file);
        return mem_printf("%.*s/%s", (int)(slash - reader->path), reader->path, file);
}

/* Base64 of a PEM text. Line ends in it are skipped, as kubectl does. */
static int get_pem(const struct reader *reader, const cJSON *object, const char *key, struct secret *out)
{
        AUTO(buf_done_p) struct buf digits = BUF_INIT(CONFIG_MAX_BYTES);
        AUTO(secret_done_p) struct secret bytes = SECRET_INIT;
        struct err why = ERR_INIT;
        const char *text;

        if (get_text(reader, object, key, &text) != 0)
                return -1;
        if (text == NULL)
                return 0;
        for (const char *p = text; *p != '\0'; p++)
                if (strchr(" \t\r\n", *p) == NULL)
                        buf_add_char(&digits, *p);
        if (digits.len == 0 || base64_decode(buf_str(&digits), &bytes, &why) != 0)
                return fail(reader, json_get(object, key), "'%s' is no base64", key);
        if (strlen((const char *)bytes.data) != bytes.len ||
            strstr((const char *)bytes.data, "-----BEGIN ") == NULL)
                return fail(reader, json_get(object, key), "'%s' is no base64 of a PEM text", key);
        secret_set(out, bytes.data, bytes.len);
        return 0;
}

static int take_server(const struct reader *reader, const cJSON *cluster, struct kube_access *access)
{
        const cJSON *node = json_get(cluster, "server");
        const char *server;
        size_t len;

        if (get_text(reader, cluster, "server", &server) != 0)
                return -1;
        if (server == NULL)
                return fail(reader, cluster, "the cluster has no server: give its address, https://…");
        if (strncmp(server, "http://", strlen("http://")) == 0)
                return fail(reader, node,
                            "server '%.100s' is not encrypted: give it an address that begins with https://",
                            server);
        len = strlen(server);
        while (len > 0 && server[len - 1] == '/')
                len--;
        for (const char *p = server; *p != '\0'; p++)
                if (*p <= ' ' || *p > '~' || strchr("@?#\\\"'<>", *p) != NULL)
                        len = 0;
        if (strncmp(server, SCHEME, strlen(SCHEME)) != 0 || len <= strlen(SCHEME))
                return fail(reader, node, "server '%.100s' is no address: give it as https://host:port",
                            server);
        access->server = mem_printf("%.*s", (int)len, server);
        return 0;
}

static int take_server_name(const struct reader *reader, const cJSON *cluster, struct kube_access *access)
{
        const char *name;

        if (get_text(reader, cluster, "tls-server-name", &name) != 0)
                return -1;
        for (const char *p = name; p != NULL && *p != '\0'; p++)
                if (*p <= ' ' || *p > '~' || strchr("/@?#\\\"'<>[]%", *p) != NULL)
                        return fail(reader, json_get(cluster, "tls-server-name"),
                                    "tls-server-name '%.100s' is no host name", name);
        access->server_name = mem_strdup(name);
        return 0;
}

static int take_cluster(const struct reader *reader, const cJSON *cluster, struct kube_access *access)
{
        const cJSON *insecure = json_get(cluster, "insecure-skip-tls-verify");
        AUTO(secret_done_p) struct secret authorities = SECRET_INIT;
        const char *file;

        if (!is_empty(json_get(cluster, "proxy-url")))
                return fail(reader, json_get(cluster, "proxy-url"),
                            "the cluster is behind a proxy (proxy-url), which certrotate does not use: give "
                            "an address that is reached directly");
        if (insecure != NULL && !cJSON_IsBool(insecure))
                return fail(reader, insecure, "insecure-skip-tls-verify wants true or false");
        if (take_server(reader, cluster, access) != 0 || take_server_name(reader, cluster, access) != 0 ||
            get_pem(reader, cluster, "certificate-authority-data", &authorities) != 0 ||
            get_text(reader, cluster, "certificate-authority", &file) != 0)
                return -1;
        access->insecure = cJSON_IsTrue(insecure);
        if (authorities.len > 0)
                access->authorities = mem_strdup((const char *)authorities.data);
        else
                access->authorities_file = beside(reader, file);
        if (access->insecure && (authorities.len > 0 || file != NULL))
                return fail(reader, insecure,
                            "insecure-skip-tls-verify with an authority given: leave out one of them");
        return 0;
}

static int refuse_habits(const struct reader *reader, const char *name, const cJSON *user)
{
        for (size_t i = 0; i < ARRAY_LEN(user_habits); i++) {
                const cJSON *node = json_get(user, user_habits[i].key);

                if (!is_empty(node))
                        return fail(reader, node,
                                    "user '%.60s' %s (%s), which certrotate does not do: give it a token "
                                    "('kubectl create token' makes one) or a client certificate",
                                    name, user_habits[i].words, user_habits[i].key);
        }
        return 0;
}

static int take_user(const struct reader *reader, const char *name, const cJSON *user,
                     struct kubeconfig *config)
{
        struct kube_access *access = config->access;
        const char *token;
        const char *token_file;
        const char *certificate_file;
        const char *key_file;
        bool has_certificate;
        bool has_key;

        if (refuse_habits(reader, name, user) != 0 || get_text(reader, user, "token", &token) != 0 ||
            get_text(reader, user, "tokenFile", &token_file) != 0 ||
            get_text(reader, user, "client-certificate", &certificate_file) != 0 ||
            get_text(reader, user, "client-key", &key_file) != 0 ||
            get_pem(reader, user, "client-certificate-data", &access->certificate) != 0 ||
            get_pem(reader, user, "client-key-data", &access->key) != 0)
                return -1;
        if (access->certificate.len == 0)
                config->certificate_file = beside(reader, certificate_file);
        if (access->key.len == 0)
                config->key_file = beside(reader, key_file);
        access->token_file = beside(reader, token_file);
        if (token_file == NULL && token != NULL)
                secret_set(&access->token, token, strlen(token));
        has_certificate = access->certificate.len > 0 || config->certificate_file != NULL;
        has_key = access->key.len > 0 || config->key_file != NULL;
        if (has_certificate != has_key)
                return fail(reader, user, "user '%.60s' has a client %s, but no client %s", name,
                            has_key ? "key" : "certificate", has_key ? "certificate" : "key");
        if (!has_key && token == NULL && token_file == NULL)
                return fail(reader, user,
                            "user '%.60s' has no credentials: give it a token ('kubectl create token' makes "
                            "one) or a client certificate",
                            name);
        return 0;
}

static int take_context(const struct reader *reader, const char *name, struct kubeconfig *config)
{
        const cJSON *root = reader->doc.root;
        const cJSON *from = NULL;
        const cJSON *context;
        const cJSON *cluster;
        const cJSON *user;
        const char *cluster_name;
        const char *user_name;
        const char *namespace;

        if (name == NULL) {
                from = json_get(root, "current-context");
                if (get_text(reader, root, "current-context", &name) != 0)
                        return -1;
                if (name == NULL)
                        return fail(reader, root,
                                    "there is no current-context: choose one with 'kubectl config "
                                    "use-context'");
        }
        if (find(reader, "contexts", "context", name, from, &context) != 0 ||
            get_text(reader, context, "cluster", &cluster_name) != 0 ||
            get_text(reader, context, "user", &user_name) != 0 ||
            get_text(reader, context, "namespace", &namespace) != 0)
                return -1;
        if (cluster_name == NULL || user_name == NULL)
                return fail(reader, context, "context '%.60s' names no %s", name,
                            cluster_name == NULL ? "cluster" : "user");
        if (find(reader, "clusters", "cluster", cluster_name, json_get(context, "cluster"), &cluster) != 0 ||
            find(reader, "users", "user", user_name, json_get(context, "user"), &user) != 0)
                return -1;
        config->access->namespace = mem_strdup(namespace != NULL ? namespace : DEFAULT_NAMESPACE);
        return take_cluster(reader, cluster, config->access) != 0 ||
                               take_user(reader, user_name, user, config) != 0
                       ? -1
                       : 0;
}

int kubeconfig_parse(const char *path, const char *text, size_t len, const char *context,
                     struct kubeconfig *out, struct err *err)
{
        AUTO(reader_done_p) struct reader reader = { .path = path, .err = err };
        AUTO(kubeconfig_done_p) struct kubeconfig config = KUBECONFIG_INIT;

        config.access = MEM_NEW(struct kube_access);
        if (yaml_parse(path, text, len, &reader.doc, err) != 0) {
                err->kind = ERR_USAGE;
                return -1;
        }
        if (!cJSON_IsObject(reader.doc.root))
                return fail(&reader, reader.doc.root, "this is no kubeconfig: it has no contexts");
        if (take_context(&reader, context, &config) != 0)
                return -1;
        *out = config;
        config = (struct kubeconfig)KUBECONFIG_INIT;
        return 0;
}
