// SPDX-License-Identifier: Apache-2.0
/*
 * What switches TLS in which server, each found out on the real one (MySQL 9.7 and 8.0.15, MariaDB 10.11):
 *
 *   off   MySQL: an empty tls_version; `ssl` is gone since 8.4, and without ssl_cert the server takes the
 *         certificates that it made for itself in its data directory. The administration port has a version
 *         setting of its own. MariaDB: ssl=OFF; an empty tls_version means all versions there.
 *   on    ssl_ca, ssl_cert, ssl_key. require_secure_transport is said only where the mode asks for it: what
 *         the user's own my.cnf says stays otherwise.
 *
 * `loose_` lets a server start that does not know the name: older ones, and those that stand in for another.
 *
 * The paths are those of the published links, not of a generation: a reload reads them again.
 *
 * The group link of Galera is written only when it is ours (galera.encrypt): a member that turns its link on
 * or off on its own cannot join the others. Its mixed mode is socket.dynamic (Galera 26.4.8), which takes
 * both. State transfers (SST) have no mixed mode: they need the same setting at both ends, and read it while
 * the server runs. So members write the file before the first of them restarts (agent/rotate/apply.c).
 */
#include "hooks/mysql_settings.h"

#include "base/mem.h"
#include "hooks/option_file.h"

#include <stdio.h>
#include <string.h>

#define PART_MAX_BYTES ((size_t)64 << 10)
/* The server cuts longer lines of its option files. */
#define LINE_MAX_CHARS 4000

struct paths {
        char *ca;
        char *cert;
        char *key;
};

static void paths_done(struct paths *paths)
{
        mem_free(paths->ca);
        mem_free(paths->cert);
        mem_free(paths->key);
}

static char *path_of(const struct hook_settings *settings, enum output_content content)
{
        const struct output *output = output_find(settings->outputs, settings->n_outputs, content);

        return output == NULL ? NULL : mem_printf("%s/%s", settings->publish, output->name);
}

static int find_paths(const struct hook_settings *settings, struct paths *out, struct err *err)
{
        const char *missing = NULL;

        out->ca = path_of(settings, OUTPUT_CA);
        out->cert = path_of(settings, OUTPUT_CHAIN);
        out->key = path_of(settings, OUTPUT_KEY);
        if (out->key == NULL)
                out->key = path_of(settings, OUTPUT_KEY_LEGACY);
        if (out->ca == NULL)
                missing = "ca";
        else if (out->cert == NULL)
                missing = "chain";
        else if (out->key == NULL)
                missing = "key";
        if (missing == NULL)
                return 0;
        return err_set(err, ERR_USAGE,
                       "files: one with the content '%s' is missing, which the server's "
                       "settings must name",
                       missing);
}

static int add_server(enum mysql_kind kind, enum tls_mode mode, const struct paths *paths, struct buf *out,
                      struct err *err)
{
        if (mode == TLS_OFF) {
                buf_add_str(out, kind == MYSQL_KIND_MARIADB
                                         ? "ssl=OFF\n"
                                         : "tls_version=\nloose_admin_tls_version=\nloose_ssl=OFF\n");
        } else {
                if (kind == MYSQL_KIND_MARIADB)
                        buf_add_str(out, "ssl=ON\n");
                if (option_file_add(out, "ssl_ca", paths->ca, err) == -1 ||
                    option_file_add(out, "ssl_cert", paths->cert, err) == -1 ||
                    option_file_add(out, "ssl_key", paths->key, err) == -1)
                        return -1;
        }
        if (mode == TLS_REQUIRED)
                buf_add_str(out, "require_secure_transport=ON\n");
        else if (mode != TLS_ON)
                buf_add_str(out, "loose_require_secure_transport=OFF\n");
        return 0;
}

/* The provider has no quotes: a path ends at the next semicolon. */
static int add_provider(const struct galera_settings *galera, enum tls_mode mode, const struct paths *paths,
                        struct buf *out, struct err *err)
{
        AUTO(buf_done_p) struct buf value = BUF_INIT(LINE_MAX_CHARS);
        const char *own = galera->provider_options == NULL ? "" : galera->provider_options;
        size_t len = strlen(own);

        if (mode != TLS_OFF && (strchr(paths->ca, ';') != NULL || strchr(paths->cert, ';') != NULL ||
                                strchr(paths->key, ';') != NULL))
                return err_set(err, ERR_USAGE,
                               "publish: a semicolon in its path cannot be said in wsrep_provider_options");
        while (len > 0 && strchr("; ", own[len - 1]) != NULL)
                len--;
        buf_printf(&value, "%.*s%s", (int)len, own, len > 0 ? ";" : "");
        if (mode == TLS_OFF)
                buf_add_str(&value, "socket.ssl=no");
        else
                buf_printf(&value, "socket.ssl=yes;socket.ssl_ca=%s;socket.ssl_cert=%s;socket.ssl_key=%s%s",
                           paths->ca, paths->cert, paths->key,
                           mode == TLS_MIXED ? ";socket.dynamic=true" : "");
        if (value.overflow)
                return err_set(err, ERR_USAGE, "galera.provider-options: too long for one line of settings");
        return option_file_add(out, "wsrep_provider_options", buf_str(&value), err);
}

static int add_transfer(enum mysql_kind kind, const struct paths *paths, struct buf *out, struct err *err)
{
        bool is_percona = kind == MYSQL_KIND_PERCONA;

        buf_add_str(out, is_percona ? "[sst]\nencrypt=4\n" : "[sst]\nssl-mode=VERIFY_CA\n");
        if (option_file_add(out, is_percona ? "ssl-ca" : "tca", paths->ca, err) == -1 ||
            option_file_add(out, is_percona ? "ssl-cert" : "tcert", paths->cert, err) == -1)
                return -1;
        return option_file_add(out, is_percona ? "ssl-key" : "tkey", paths->key, err);
}

static int add_part(enum mysql_kind kind, const struct galera_settings *galera, enum tls_mode mode,
                    const struct paths *paths, struct buf *out, struct err *err)
{
        bool has_group = kind != MYSQL_KIND_MYSQL && galera->encrypt;

        buf_add_str(out, "[mysqld]\n");
        if (add_server(kind, mode, paths, out, err) == -1)
                return -1;
        if (has_group && kind == MYSQL_KIND_PERCONA)
                buf_printf(out, "loose_pxc_encrypt_cluster_traffic=%s\n", mode == TLS_OFF ? "OFF" : "ON");
        if (has_group && add_provider(galera, mode, paths, out, err) == -1)
                return -1;
        /* Percona's transfers are encrypted with the server's files even where the group link is not. */
        if (mode != TLS_OFF && (has_group || kind == MYSQL_KIND_PERCONA))
                return add_transfer(kind, paths, out, err);
        return 0;
}

int mysql_settings_put(enum mysql_kind kind, const struct hook_settings *settings, enum tls_mode mode,
                       const char *present, struct buf *out, struct err *err)
{
        AUTO(buf_done_p) struct buf part = BUF_INIT(PART_MAX_BYTES);
        struct paths paths = { NULL, NULL, NULL };
        int r = mode == TLS_OFF ? 0 : find_paths(settings, &paths, err);

        if (r == 0)
                r = add_part(kind, &settings->galera, mode, &paths, &part, err);
        paths_done(&paths);
        return r == 0 ? option_file_put(present, buf_str(&part), out, err) : -1;
}

int mysql_settings_check(const struct galera_settings *galera, struct err *err)
{
        static const char *const ours[] = { "socket.ssl", "socket.dynamic" };
        AUTO(buf_done_p) struct buf scratch = BUF_INIT(LINE_MAX_CHARS);

        if (galera->provider_options == NULL)
                return 0;
        if (!galera->encrypt)
                return err_set(err, ERR_USAGE,
                               "galera.provider-options: is only written with galera.encrypt: set that, or "
                               "leave them in the server's own settings");
        for (size_t i = 0; i < ARRAY_LEN(ours); i++)
                if (strstr(galera->provider_options, ours[i]) != NULL)
                        return err_set(err, ERR_USAGE,
                                       "galera.provider-options: %s… is the agent's: remove it", ours[i]);
        return option_file_add(&scratch, "galera.provider-options", galera->provider_options, err);
}
