// SPDX-License-Identifier: Apache-2.0
/*
 * The table. Keys of one section stand together: config_print writes them in this order.
 */
#include "config/schema.h"

#include "base/limits.h"
#include "base/near.h"
#include "config/files.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define AT(member)     offsetof(struct config, member)
#define FILE_AT(field) offsetof(struct files_entry, field)
#define NAME_MAX_LEN   120
#define PATH_MAX_LEN   (PATH_MAX - 1)
#define SOCKET_MAX_LEN 107 /* sun_path */
#define ARGS_MAX       64
#define SECOND         INT64_C(1000)
#define HOUR           (3600 * SECOND)
#define DAY            (24 * HOUR)

static const struct schema_word authorities_words[] = { { "replace", 0 }, { "keep", 1 }, { NULL, 0 } };
static const struct schema_word apply_words[] = { { "auto", CONFIG_APPLY_AUTO },
                                                  { "reload", CONFIG_APPLY_RELOAD },
                                                  { "restart", CONFIG_APPLY_RESTART },
                                                  { NULL, 0 } };
static const struct schema_word tls_words[] = { { "off", TLS_OFF },
                                                { "mixed", TLS_MIXED },
                                                { "on", TLS_ON },
                                                { "required", TLS_REQUIRED },
                                                { NULL, 0 } };
static const struct schema_word failover_words[] = { { "refuse", MSSQL_FAILOVER_REFUSE },
                                                     { "auto", MSSQL_FAILOVER_AUTO },
                                                     { "external", MSSQL_FAILOVER_EXTERNAL },
                                                     { NULL, 0 } };
static const struct schema_word log_words[] = {
        { "auto", CONFIG_LOG_AUTO }, { "json", CONFIG_LOG_JSON }, { "text", CONFIG_LOG_TEXT }, { NULL, 0 }
};
static const struct schema_word level_words[] = { { "debug", LOG_DEBUG },
                                                  { "info", LOG_INFO },
                                                  { "warn", LOG_WARN },
                                                  { "error", LOG_ERROR },
                                                  { NULL, 0 } };
static const struct schema_word signal_words[] = { { "HUP", SIGHUP },     { "INT", SIGINT },
                                                   { "QUIT", SIGQUIT },   { "TERM", SIGTERM },
                                                   { "USR1", SIGUSR1 },   { "USR2", SIGUSR2 },
                                                   { "WINCH", SIGWINCH }, { NULL, 0 } };
static const struct schema_word method_words[] = {
        { "GET", 0 }, { "POST", 1 }, { "PUT", 2 }, { "PATCH", 3 }, { NULL, 0 }
};
static const struct schema_word druid_role_words[] = { { "historicals", 0 }, { "middleManagers", 0 },
                                                       { "brokers", 0 },     { "routers", 0 },
                                                       { "overlords", 0 },   { "coordinators", 0 },
                                                       { NULL, 0 } };
static const struct schema_word content_words[] = { { "key", OUTPUT_KEY },
                                                    { "key-legacy", OUTPUT_KEY_LEGACY },
                                                    { "leaf", OUTPUT_LEAF },
                                                    { "chain", OUTPUT_CHAIN },
                                                    { "ca", OUTPUT_CA },
                                                    { "combined", OUTPUT_COMBINED },
                                                    { "pkcs12", OUTPUT_PKCS12 },
                                                    { "truststore", OUTPUT_TRUSTSTORE },
                                                    { NULL, 0 } };

/* clang-format off */
static const struct schema_key top_keys[] = {
        /* path, type, offset, count offset, min, max, words, fallback, unset, flag, help */
        { "database", SCHEMA_STRING, AT(database), 0, 1, NAME_MAX_LEN, NULL, NULL, "must be given", "database",
          "the driver: how the database takes new certificates" },
        { "instance", SCHEMA_STRING, AT(instance), 0, 1, NAME_MAX_LEN, NULL, NULL, "kubernetes.pod, else the name of the driver",
          NULL,
          "name in logs, metrics and status" },
        { "alias", SCHEMA_STRING, AT(alias), 0, 1, 60, NULL, "server", NULL, NULL, "name of the bundle" },
        { "source", SCHEMA_PATH, AT(source), 0, 1, PATH_MAX_LEN, NULL, NULL,
          "kubernetes.secret alone; one of the two must be given", "source",
          "directory watched for new certificates" },
        { "publish", SCHEMA_PATH, AT(publish), 0, 1, PATH_MAX_LEN, NULL, NULL, "must be given", "publish",
          "directory written for the database" },
        { "state", SCHEMA_PATH, AT(state), 0, 1, PATH_MAX_LEN, NULL, NULL, "..state.json in the publish directory",
          NULL, "file that keeps the state over restarts" },
        { "plan", SCHEMA_PATH, AT(plan), 0, 1, PATH_MAX_LEN, NULL, NULL, "the agent is on its own", NULL,
          "file that says whose turn it is, for the members of a cluster" },
        { "endpoints", SCHEMA_ENDPOINTS, AT(endpoints), AT(n_endpoints), 1, ENDPOINTS_MAX, NULL, NULL,
          "those of the driver", "endpoint", "listeners to prove by handshake" },
        { "names", SCHEMA_DNS_NAMES, AT(server_names), AT(n_server_names), 0, CERT_MAX_NAMES, NULL, NULL,
          "those of the certificate served", NULL, "names that clients use and a certificate must cover" },
        { "listen", SCHEMA_ADDRESS, AT(listen), 0, 0, SOCKET_MAX_LEN, NULL, NULL, "off", "listen",
          "address of health probes and metrics" },
        { "control", SCHEMA_PATH, AT(control), 0, 0, SOCKET_MAX_LEN, NULL, NULL,
          "..control.sock in the publish directory", NULL, "socket that certrotate status asks" },
        { "key-password-file", SCHEMA_PATH, AT(key_password_file), 0, 1, PATH_MAX_LEN, NULL, NULL,
          "the key is not encrypted", NULL, "file with the password of the private key in the source" },
        { "store-password-file", SCHEMA_PATH, AT(store_password_file), 0, 1, PATH_MAX_LEN, NULL, NULL, "no password",
          NULL, "file with the password of every store that has none of its own" },
        { "authorities", SCHEMA_BOOL, AT(keep_authorities), 0, 0, 0, authorities_words, "keep", NULL, NULL,
          "what becomes of old authorities" },
        { "apply", SCHEMA_WORD, AT(apply), 0, 0, 0, apply_words, "auto", NULL, NULL,
          "how the database takes what was published" },
        { "tls", SCHEMA_WORD, AT(tls), 0, 0, 0, tls_words, NULL, "the database's own settings are not touched", NULL,
          "whether the database is to speak TLS" },
        { "settings-file", SCHEMA_PATH, AT(settings_file), 0, 1, PATH_MAX_LEN, NULL, NULL, "that of the driver", NULL,
          "the database's settings, where TLS is switched" },
        { "rescan", SCHEMA_DURATION, AT(rescan_ms), 0, SECOND, DAY, NULL, "60s", NULL, NULL,
          "time between two scans of the source without an event" },
        { "settle", SCHEMA_DURATION, AT(settle_ms), 0, 0, 60 * SECOND, NULL, "100ms", NULL, NULL,
          "wait for the rest of a plain directory's files" },
        { "reverify", SCHEMA_DURATION, AT(reverify_ms), 0, 0, 30 * DAY, NULL, "10m", NULL, NULL,
          "time between two proofs of what is served without a change; 0 never" },
        { "verify-limit", SCHEMA_DURATION, AT(verify_limit_ms), 0, 100, HOUR, NULL, "30s", NULL, NULL,
          "time within which the new certificate must be served" },
        { "restart-limit", SCHEMA_DURATION, AT(restart_limit_ms), 0, 100, DAY, NULL, "5m", NULL, NULL,
          "the same after a restart" },
        { "retry-min", SCHEMA_DURATION, AT(retry_min_ms), 0, 100, DAY, NULL, "2s", NULL, NULL,
          "first pause after a failure that may pass" },
        { "retry-max", SCHEMA_DURATION, AT(retry_max_ms), 0, 100, DAY, NULL, "5m", NULL, NULL,
          "longest pause between two tries" },
        { "grace", SCHEMA_DURATION, AT(grace_ms), 0, 0, HOUR, NULL, "20s", NULL, NULL,
          "time to finish a rotation after SIGTERM" },
        { "log-format", SCHEMA_WORD, AT(log), 0, 0, 0, log_words, "auto", NULL, "log-format",
          "form of the log lines" },
        { "log-level", SCHEMA_WORD, AT(log_level), 0, 0, 0, level_words, "info", NULL, "log-level",
          "least level logged" },
        { "source-files.certificate", SCHEMA_NAME, AT(names.certificate), 0, 1, NAME_MAX_LEN, NULL, NULL,
          "tls.crt, else cert.pem, else fullchain.pem", NULL, "file with the certificate and its chain" },
        { "source-files.key", SCHEMA_NAME, AT(names.key), 0, 1, NAME_MAX_LEN, NULL, NULL,
          "tls.key, else key.pem, else privkey.pem", NULL, "file with the private key" },
        { "source-files.authorities", SCHEMA_NAME, AT(names.authorities), 0, 1, NAME_MAX_LEN, NULL, NULL,
          "ca.crt, else ca.pem, else chain.pem", NULL, "file with the authorities" },
        { "source-files.combined", SCHEMA_NAME, AT(names.combined), 0, 1, NAME_MAX_LEN, NULL, NULL,
          "tls-combined.pem where there is no key file", NULL, "one file with key and chain" },
        { "files", SCHEMA_FILES, AT(outputs), AT(n_outputs), 1, 32, NULL, NULL, "those of the driver", NULL,
          "what is published, in which form and under which name" },
        { "policy", SCHEMA_POLICY, AT(policy), 0, 0, 0, NULL, NULL, "each finding has its own", NULL,
          "severity of findings" },
        { "kubernetes.kubeconfig", SCHEMA_PATH, AT(kube.kubeconfig), 0, 1, PATH_MAX_LEN, NULL, NULL,
          "the service account of the pod", NULL, "file that says how to reach the API server" },
        { "kubernetes.namespace", SCHEMA_OBJECT, AT(kube.namespace), 0, 1, 63, NULL, NULL, "that of the account", NULL,
          "where all that is named in this section lies" },
        { "kubernetes.pod", SCHEMA_OBJECT, AT(kube.pod), 0, 1, 253, NULL, NULL, "nothing is reported", "pod",
          "own pod: it gets the report and the Events" },
        { "kubernetes.pod-uid", SCHEMA_STRING, AT(kube.pod_uid), 0, 1, 63, NULL, NULL, "any pod of that name", "pod-uid",
          "of the own pod: another one that has its name by now gets nothing" },
        { "kubernetes.secret", SCHEMA_OBJECT, AT(kube.secret), 0, 1, 253, NULL, NULL, "the source directory alone", NULL,
          "Secret watched through the API, beside the source directory or without one" },
        { "kubernetes.plan", SCHEMA_OBJECT, AT(kube.plan), 0, 1, 253, NULL, NULL, "no plan through the API", NULL,
          "ConfigMap with the plan, under plan.json" },
        { "kubernetes.lease", SCHEMA_OBJECT, AT(kube.lease), 0, 1, 253, NULL, NULL, "no turns without a plan", NULL,
          "Lease that must be held to act, where there is no plan" },
        { "kubernetes.lease-duration", SCHEMA_DURATION, AT(kube.lease_ms), 0, 3 * SECOND, HOUR, NULL, "30s", NULL, NULL,
          "time after which a holder that says nothing is taken for gone" },
        { "kubernetes.nudge", SCHEMA_BOOL, AT(kube.nudge), 0, 0, 0, NULL, "true", NULL, NULL,
          "make the kubelet refresh the volume when a renewal is due and the Secret may not be read" },
        { "custom.secret", SCHEMA_OBJECT, AT(custom.secret), 0, 1, 253, NULL, NULL, "the source directory alone", NULL,
          "Secret with the database's own configuration files, by the name that plans use" },
        { "custom.source", SCHEMA_PATH, AT(custom.source), 0, 1, PATH_MAX_LEN, NULL, NULL, "through the API alone", NULL,
          "directory with those files, a mounted volume" },
        { "custom.publish", SCHEMA_PATH, AT(custom.publish), 0, 1, PATH_MAX_LEN, NULL, NULL,
          "there are no such files", NULL, "directory that the database includes, written with those files" },
        { "custom.mode", SCHEMA_MODE, AT(custom.mode), 0, 0, 0, NULL, NULL, "0644", NULL,
          "permissions of those files" },
        { "admin.socket", SCHEMA_PATH, AT(hook.admin.socket), 0, 1, SOCKET_MAX_LEN, NULL, NULL,
          "admin.host and admin.port", NULL, "unix socket to log in through" },
        { "admin.host", SCHEMA_STRING, AT(hook.admin.host), 0, 1, 253, NULL, NULL, "127.0.0.1", NULL,
          "host to log in at, over TLS" },
        { "admin.port", SCHEMA_INT, AT(hook.admin.port), 0, 1, 65535, NULL, NULL, "that of the engine", NULL,
          "port to log in at" },
        { "admin.user", SCHEMA_STRING, AT(hook.admin.user), 0, 1, 128, NULL, NULL, "that of the engine", NULL,
          "account to log in as" },
        { "admin.password-file", SCHEMA_PATH, AT(hook.admin.password_file), 0, 1, PATH_MAX_LEN, NULL, NULL,
          "no password", NULL, "file with the password of the account" },
        { "galera.group-address", SCHEMA_HOST, AT(hook.galera.group_address), 0, 1, 270, NULL, NULL,
          "from the wsrep variables", NULL, "own host:port of the Galera group link" },
        { "galera.peers", SCHEMA_HOSTS, AT(hook.galera.peers), AT(hook.galera.n_peers), 0, PEERS_MAX, NULL, NULL,
          "from the wsrep variables", NULL, "host:port of the other members' group links" },
        { "galera.encrypt", SCHEMA_BOOL, AT(hook.galera.encrypt), 0, 0, 0, NULL, "false", NULL, NULL,
          "whether tls switches the link between members, too" },
        { "galera.provider-options", SCHEMA_STRING, AT(hook.galera.provider_options), 0, 1, 2000, NULL, NULL, "none",
          NULL, "wsrep_provider_options of your own, written together with those of TLS" },
        { "druid.role", SCHEMA_CHOICE, AT(hook.druid.role), 0, 1, 16, druid_role_words, NULL,
          "unknown: endpoints must be given, and ready is what lives", NULL,
          "kind of node: its ports, and when it is ready" },
        { "druid.directory", SCHEMA_PATH, AT(hook.druid.directory), 0, 1, PATH_MAX_LEN, NULL, NULL, "that of the role",
          NULL, "directory of runtime.properties and jvm.config of the role" },
        { "druid.plain-port", SCHEMA_INT, AT(hook.druid.plain_port), 0, 1, 65535, NULL, NULL, "that of the role", NULL,
          "port without TLS, asked when the TLS port does not answer" },
        { "druid.password-variable", SCHEMA_STRING, AT(hook.druid.password_variable), 0, 1, 120, NULL,
          "DRUID_KEY_STORE_PASSWORD", NULL, NULL, "environment variable of Druid with the password of its stores" },
        { "druid.client-extension", SCHEMA_BOOL, AT(hook.druid.client_extension), 0, 0, 0, NULL, "true", NULL, NULL,
          "whether the extension that verifies other nodes is put into the list of extensions" },
        { "druid.reload-interval", SCHEMA_DURATION, AT(hook.druid.reload_interval_ms), 0, SECOND, HOUR, NULL, "5s",
          NULL, NULL, "time between two looks of Druid at its key store" },
        { "druid.drain-limit", SCHEMA_DURATION, AT(hook.druid.drain_limit_ms), 0, 0, DAY, NULL, "10m", NULL, NULL,
          "time for the tasks of a middleManager to finish before it ends" },
        { "mssql.failover", SCHEMA_WORD, AT(hook.mssql.failover), 0, 0, 0, failover_words, "refuse", NULL, NULL,
          "what is done before the primary of an availability group is restarted" },
        { "mssql.tls-protocols", SCHEMA_STRING, AT(hook.mssql.tls_protocols), 0, 1, 60, NULL, NULL,
          "what mssql.conf says, else 1.2,1.1,1.0", NULL, "tlsprotocols in mssql.conf" },
        { "process.command", SCHEMA_STRINGS, AT(hook.process.command), 0, 1, ARGS_MAX, NULL, NULL, "not used", NULL,
          "program and arguments that end the database, for its supervisor to start it again; no shell" },
        { "process.signal", SCHEMA_WORD, AT(hook.process.signal), 0, 0, 0, signal_words, NULL, "TERM", NULL,
          "signal that ends it, when there is no command" },
        { "process.pid-file", SCHEMA_PATH, AT(hook.process.pid_file), 0, 1, PATH_MAX_LEN, NULL, NULL,
          "the one that is that program", NULL, "file with the number of the process" },
        { "process.executable", SCHEMA_STRING, AT(hook.process.executable), 0, 1, PATH_MAX_LEN, NULL, NULL,
          "needed for the signal", NULL, "program of the process to signal" },
        { "singlestore.leaves", SCHEMA_HOSTS, AT(hook.singlestore.leaves), AT(hook.singlestore.n_leaves), 0, PEERS_MAX,
          NULL, NULL, "those of SHOW LEAVES", NULL, "host:port of the leaves that an aggregator must reach" },
        { "singlestore.aggregator", SCHEMA_HOST, AT(hook.singlestore.aggregator), 0, 1, 270, NULL, NULL,
          "leaves with a pair are not restarted", NULL, "host:port of an aggregator to ask before a leaf is restarted" },
        { "singlestore.node", SCHEMA_HOST, AT(hook.singlestore.node), 0, 1, 270, NULL, NULL,
          "found by host name and port", NULL, "host:port that SHOW LEAVES names this leaf by" },
        { "singlestore.may-go-offline", SCHEMA_BOOL, AT(hook.singlestore.may_go_offline), 0, 0, 0, NULL, "false", NULL,
          NULL, "restart a leaf although nobody else has its data" },
        { "generic.reload.command", SCHEMA_STRINGS, AT(hook.generic.reload_command), 0, 1, ARGS_MAX, NULL, NULL,
          "not used", NULL, "program and arguments that reload; no shell" },
        { "generic.reload.signal", SCHEMA_WORD, AT(hook.generic.reload_signal), 0, 0, 0, signal_words, NULL,
          "not used", NULL, "signal that reloads" },
        { "generic.reload.http.url", SCHEMA_URL, AT(hook.generic.reload_url), 0, 1, 1024, NULL, NULL, "not used",
          NULL, "URL whose call reloads" },
        { "generic.reload.http.method", SCHEMA_CHOICE, AT(hook.generic.reload_method), 0, 1, 16, method_words,
          "POST", NULL, NULL, "method of that call" },
        { "generic.reload.http.status", SCHEMA_INT, AT(hook.generic.reload_status), 0, 200, 599, NULL, NULL,
          "any 2xx", NULL, "status that means success" },
        { "generic.restart.command", SCHEMA_STRINGS, AT(hook.generic.restart_command), 0, 1, ARGS_MAX, NULL, NULL,
          "not used", NULL, "program and arguments that restart; no shell" },
        { "generic.restart.signal", SCHEMA_WORD, AT(hook.generic.restart_signal), 0, 0, 0, signal_words, NULL,
          "not used", NULL, "signal that ends the process, for its supervisor to start it again" },
        { "generic.pid-file", SCHEMA_PATH, AT(hook.generic.pid_file), 0, 1, PATH_MAX_LEN, NULL, NULL,
          "the one that is that program", NULL, "file with the number of the process to signal, in its first line" },
        { "generic.executable", SCHEMA_STRING, AT(hook.generic.executable), 0, 1, PATH_MAX_LEN, NULL, NULL,
          "needed for signals", NULL, "program of the process to signal" },
        { "generic.command-limit", SCHEMA_DURATION, AT(hook.generic.command_limit_ms), 0, 100, HOUR, NULL, "60s",
          NULL, NULL, "time after which a command is killed" },
};

static const struct schema_key file_keys[] = {
        { "name", SCHEMA_NAME, FILE_AT(output.name), 0, 1, NAME_MAX_LEN, NULL, NULL, "must be given", NULL,
          "file name" },
        { "content", SCHEMA_WORD, FILE_AT(content), 0, 0, 0, content_words, NULL, "must be given", NULL,
          "what is in it" },
        { "mode", SCHEMA_MODE, FILE_AT(output.attr.mode), 0, 0, 0, NULL, NULL, "0640 with a key in it, else 0644",
          NULL, "permissions" },
        { "owner", SCHEMA_STRING, FILE_AT(file.owner), 0, 1, NAME_MAX_LEN, NULL, NULL, "that of the agent", NULL,
          "owner, name or number" },
        { "group", SCHEMA_STRING, FILE_AT(file.group), 0, 1, NAME_MAX_LEN, NULL, NULL, "that of the agent", NULL,
          "group, name or number" },
        { "alias", SCHEMA_STRING, FILE_AT(output.alias), 0, 1, NAME_MAX_LEN, NULL, NULL, "certrotate", NULL,
          "name of the entry in a key store" },
        { "password-file", SCHEMA_PATH, FILE_AT(file.password_file), 0, 1, PATH_MAX_LEN, NULL, NULL, "no password",
          NULL, "file with the password of a store" },
        { "plain", SCHEMA_BOOL, FILE_AT(output.plain), 0, 0, 0, NULL, "false", NULL, NULL,
          "a real file instead of a link, for readers that cannot follow one" },
};
/* clang-format on */

static const struct schema top = { top_keys, ARRAY_LEN(top_keys) };
static const struct schema file = { file_keys, ARRAY_LEN(file_keys) };

const struct schema *schema_top(void)
{
        return &top;
}

const struct schema *schema_file(void)
{
        return &file;
}

const struct schema_key *schema_find(const struct schema *schema, const char *path)
{
        for (size_t i = 0; i < schema->n; i++)
                if (strcmp(schema->keys[i].path, path) == 0)
                        return &schema->keys[i];
        return NULL;
}

bool schema_has_section(const struct schema *schema, const char *path)
{
        size_t len = strlen(path);

        for (size_t i = 0; i < schema->n; i++)
                if (strncmp(schema->keys[i].path, path, len) == 0 && schema->keys[i].path[len] == '.')
                        return true;
        return false;
}

const char *schema_nearest(const struct schema *schema, const char *path, char out[static 64])
{
        const char *last = strrchr(path, '.') == NULL ? path : strrchr(path, '.') + 1;
        size_t prefix = (size_t)(last - path);
        size_t least = SIZE_MAX;

        for (size_t i = 0; i < schema->n; i++) {
                const char *rest = schema->keys[i].path + prefix;
                struct near near = NEAR_INIT;
                char word[64];

                if (strncmp(schema->keys[i].path, path, prefix) != 0)
                        continue;
                (void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(rest, "."), rest);
                near_try(&near, last, word);
                if (near.best == NULL || near.distance >= least)
                        continue;
                least = near.distance;
                memcpy(out, word, sizeof(word));
        }
        return least == SIZE_MAX ? NULL : out;
}

static bool is_section_of(const struct hook *hook, const char *path)
{
        size_t len = strcspn(path, ".");

        for (const char *const *section = hook->sections; *section != NULL; section++)
                if (strlen(*section) == len && strncmp(*section, path, len) == 0)
                        return true;
        return false;
}

/* A key outside the drivers' sections means something to all of them. */
bool schema_applies(const char *path, const char *database)
{
        bool anybodys = false;

        for (const struct hook *const *hook = hook_all(); *hook != NULL; hook++) {
                bool is_its = is_section_of(*hook, path);

                if (is_its && strcmp((*hook)->name, database) == 0)
                        return true;
                anybodys = anybodys || is_its;
        }
        return !anybodys;
}

int schema_word(const struct schema_word *words, const char *text)
{
        for (; words->name != NULL; words++)
                if (strcmp(words->name, text) == 0)
                        return words->value;
        return -1;
}

const char *schema_word_name(const struct schema_word *words, int value)
{
        for (; words->name != NULL; words++)
                if (words->value == value)
                        return words->name;
        return NULL;
}

const char *schema_type_text(enum schema_type type)
{
        static const char *const texts[] = {
                [SCHEMA_STRING] = "text",
                [SCHEMA_PATH] = "an absolute path",
                [SCHEMA_NAME] = "a file name",
                [SCHEMA_ADDRESS] = "an address to listen on",
                [SCHEMA_OBJECT] = "the name of an object",
                [SCHEMA_HOST] = "HOST:PORT",
                [SCHEMA_URL] = "a URL",
                [SCHEMA_CHOICE] = "a word",
                [SCHEMA_STRINGS] = "a list of texts",
                [SCHEMA_HOSTS] = "a list of HOST:PORT",
                [SCHEMA_DNS_NAMES] = "a list of names",
                [SCHEMA_ENDPOINTS] = "a list of URLs",
                [SCHEMA_BOOL] = "true or false",
                [SCHEMA_WORD] = "a word",
                [SCHEMA_INT] = "a number",
                [SCHEMA_MODE] = "a file mode",
                [SCHEMA_DURATION] = "a duration such as 500ms, 30s, 5m or 24h",
                [SCHEMA_FILES] = "a list of files",
                [SCHEMA_POLICY] = "a mapping of findings",
        };

        return texts[type];
}

cJSON *schema_node(cJSON *tree, const char *path)
{
        for (; tree != NULL; path++) {
                size_t len = strcspn(path, ".");
                char name[64];

                (void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
                tree = cJSON_GetObjectItemCaseSensitive(tree, name);
                path += len;
                if (*path == '\0')
                        break;
        }
        return tree;
}
