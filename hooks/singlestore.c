// SPDX-License-Identifier: Apache-2.0
/*
 * SingleStore 7.6 or newer, one node: master or child aggregator, leaf, or a node alone.
 *
 * Which files, when read: PEM; ssl_cert, ssl_key and ssl_ca of memsql.cnf and of conf.d beside it, section
 * [server], at start and at SSL_RELOAD, which takes new paths too. With cert and key a node serves TLS; with
 * ssl_ca it also reaches other nodes by TLS only and verifies them. It presents no certificate as a client.
 * SSL_RELOAD: right SUPER, one node. Bad files: the old context stays. Connections stay, in pools too. Files
 * that appear in or vanish from the settings take a restart. Ends gracefully on SIGTERM.
 *
 * So the settings name the files of one generation by their own paths, and a reload never reads a torn pair.
 * From off to on a cluster goes by mixed, where nodes take TLS but do not ask for it among themselves.
 */
#include "base/mem.h"
#include "hooks/drivers.h"
#include "hooks/galera.h"
#include "hooks/mysql_custom.h"
#include "hooks/mysql_family.h"
#include "hooks/option_file.h"
#include "hooks/process_end.h"
#include "hooks/singlestore_parts.h"

static const char rights[] = "SUPER, CLUSTER, SHOW METADATA";
static const char *const endpoints[] = { "mysql://127.0.0.1:3306", NULL };
static const char *const sections[] = { "admin", "process", "singlestore", NULL };
static const char *const roles[] = { "leaf", "aggregator", "master", NULL };

/* As KubeDB mounts them. The first of each kind is what the settings name. */
static const struct output outputs[] = {
        { .name = "ca.crt", .content = OUTPUT_CA, .attr = { 0644, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "server.crt", .content = OUTPUT_CHAIN, .attr = { 0644, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "server.key", .content = OUTPUT_KEY, .attr = { 0640, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "client.crt", .content = OUTPUT_CHAIN, .attr = { 0644, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "client.key", .content = OUTPUT_KEY, .attr = { 0640, FS_KEEP, (gid_t)FS_KEEP } },
};

static struct singlestore *singlestore_of(struct database *database)
{
        return CONTAINER_OF(database, struct singlestore, database);
}

static const struct singlestore *singlestore_at(const struct database *database)
{
        return (const struct singlestore *)(const void *)database; /* its first member */
}

static int open_aggregator(struct singlestore *node, const struct hook_settings *settings, struct err *err)
{
        struct galera_address address;

        if (settings->singlestore.aggregator == NULL)
                return 0;
        if (!galera_parse_address(settings->singlestore.aggregator, &address))
                return err_set(err, ERR_USAGE, "singlestore.aggregator: '%.100s' is not HOST:PORT",
                               settings->singlestore.aggregator);
        node->aggregator_host = mem_strdup(address.host);
        node->aggregator_login = settings->admin;
        node->aggregator_login.socket = NULL;
        node->aggregator_login.host = node->aggregator_host;
        node->aggregator_login.port = address.port;
        return mariadb_session_new(&node->aggregator_login, settings->publish, rights, &node->aggregator,
                                   err);
}

static void singlestore_close(struct database *database)
{
        struct singlestore *node = singlestore_of(database);

        if (node->session != NULL)
                mariadb_session_free(node->session);
        if (node->aggregator != NULL)
                mariadb_session_free(node->aggregator);
        mem_free(node->aggregator_host);
        singlestore_state_done(&node->before);
        mem_free(node);
}

static int singlestore_open(const struct hook_settings *settings, struct database **out, struct err *err)
{
        struct singlestore *node = MEM_NEW(struct singlestore);

        node->database.hook = &singlestore_hook;
        node->database.settings = settings;
        if (mariadb_session_new(&settings->admin, settings->publish, rights, &node->session, err) == -1 ||
            open_aggregator(node, settings, err) == -1) {
                singlestore_close(&node->database);
                return -1;
        }
        *out = &node->database;
        return 0;
}

static void singlestore_check(const struct database *database, const struct bundle *fresh,
                              const struct bundle *published, struct findings *out)
{
        const struct singlestore *node = singlestore_at(database);
        const struct policy *policy = database->settings->policy;
        bool may_be_member = database->facts.known ? database->facts.clustered : published != NULL;
        bool verifies =
                database->mode == TLS_ON || (database->mode == TLS_UNMANAGED && node->tls.authorities);

        mysql_family_check(database, fresh, published, out);
        if (verifies && fresh->authorities.n == 0)
                policy_add(
                        out, policy, FINDING_ENGINE,
                        "there are no authorities (ca.crt), and nodes verify each other with them: without "
                        "them SSL_RELOAD fails; set tls to mixed for TLS without");
        if (may_be_member && change_classify(published, fresh) == CHANGE_NEW_AUTHORITY)
                policy_add(out, policy, FINDING_AUTHORITY_CHANGED,
                           "the leaf is signed by an authority ('%.120s') that other nodes of the cluster "
                           "may not "
                           "trust: they could not reach this one any more; first publish old and new "
                           "authorities "
                           "on every node, then the leaf",
                           bundle_leaf(fresh)->issuer);
}

static int singlestore_settings(const struct database *database, const struct settings_wish *wish,
                                const char *present, struct buf *out, struct err *err)
{
        static const struct {
                const char *name;
                enum output_content content;
        } keys[] = { { "ssl_cert", OUTPUT_CHAIN }, { "ssl_key", OUTPUT_KEY }, { "ssl_ca", OUTPUT_CA } };
        const size_t n = wish->mode == TLS_OFF ? 0 : wish->mode == TLS_MIXED ? 2 : 3;
        const struct hook_settings *settings = database->settings;
        AUTO(buf_done_p) struct buf part = BUF_INIT(OPTION_FILE_MAX_BYTES);

        if (wish->mode == TLS_REQUIRED)
                return err_set(
                        err, ERR_USAGE,
                        "tls: SingleStore has no setting that refuses clients without TLS "
                        "(default_user_require_ssl concerns users created later only): set it to on, and "
                        "ALTER USER … REQUIRE SSL");
        buf_add_str(&part, "[server]\n");
        for (size_t i = 0; i < n; i++) {
                const struct output *output =
                        output_find(settings->outputs, settings->n_outputs, keys[i].content);
                AUTO(mem_free_p) char *path = NULL;

                if (output == NULL)
                        return err_set(err, ERR_USAGE, "files: one with the content '%s' is needed for %s",
                                       output_content_name(keys[i].content), keys[i].name);
                path = mem_printf("%s/%s", wish->generation, output->name);
                if (option_file_add(&part, keys[i].name, path, err) == -1)
                        return -1;
        }
        return option_file_put(present, buf_str(&part), out, err);
}

static bool singlestore_needs_restart(const struct database *database, enum change_class change UNUSED)
{
        const struct singlestore *node = singlestore_at(database);
        /* What it has read as it came back is not known: with the settings of before it is to start once
         * more. */
        if (!node->tls.known)
                return node->ended && database->mode != TLS_UNMANAGED;
        switch (database->mode) {
        case TLS_UNMANAGED:
                return !node->tls.serves && process_end_is_told(&database->settings->process);
        case TLS_OFF:
                return node->tls.serves;
        case TLS_MIXED:
                return !node->tls.serves || node->tls.authorities;
        case TLS_ON:
        case TLS_REQUIRED:
                return !node->tls.serves || !node->tls.authorities;
        case TLS_MODES:
                break;
        }
        return false;
}

static struct op *singlestore_reload(struct database *database, int64_t limit_ms)
{
        return singlestore_reload_start(singlestore_of(database), limit_ms);
}

static struct op *singlestore_restart(struct database *database, int64_t limit_ms)
{
        return singlestore_restart_start(singlestore_of(database), limit_ms);
}

static struct op *singlestore_health(struct database *database, int64_t limit_ms)
{
        return singlestore_health_start(singlestore_of(database), limit_ms);
}

/* Custom files may do without a section. */
static struct op *singlestore_custom_prove(struct database *database, const struct custom_text *files,
                                           size_t n, int64_t limit_ms)
{
        return mysql_custom_start(singlestore_of(database)->session, files, n, true, limit_ms);
}

const struct hook singlestore_hook = {
        .name = "singlestore",
        .summary =
                "SingleStore 7.6 or newer, each node of a cluster: SSL_RELOAD; restart by command or signal",
        .caps = HOOK_RELOADS | HOOK_CLUSTERED,
        .sections = sections,
        .endpoints = endpoints,
        .outputs = outputs,
        .n_outputs = ARRAY_LEN(outputs),
        .roles = roles,
        .settings_file = "/etc/memsql/conf.d/zz-certrotate.cnf",
        .not_reloaded =
                "connections that are open, those among nodes until FLUSH CONNECTION POOLS; TLS or ssl_ca "
                "that appears or vanishes takes a restart",
        .open = singlestore_open,
        .close = singlestore_close,
        .check = singlestore_check,
        .settings = singlestore_settings,
        .needs_restart = singlestore_needs_restart,
        .reload = singlestore_reload,
        .restart = singlestore_restart,
        .health = singlestore_health,
        .custom_prove = singlestore_custom_prove,
};
