// SPDX-License-Identifier: Apache-2.0
/*
 * Apache Druid, one node of any role. Its server reads the key store again by itself (Jetty's scanner, since
 * Druid 25 and when reloadSslContext is set); its clients keep the trust store that they started with, so
 * that a changed authority takes a restart.
 *
 * Three traps, all of Jetty: a key store that it cannot read ends TLS until one comes that it can, so every
 * store is read back before it is published; up to Druid 34 it sees no swapped link, so the stores are real
 * files renamed over; it looks when the key store changes and reads the trust store then, so that one is
 * renamed first. And Druid reads passwords once, when it starts.
 */
#include "hooks/druid.h"

#include "base/limits.h"
#include "base/mem.h"
#include "certs/change.h"
#include "certs/pkcs12_check.h"
#include "hooks/drivers.h"
#include "hooks/druid_custom.h"
#include "hooks/druid_health.h"
#include "hooks/druid_lay.h"
#include "hooks/druid_reload.h"
#include "hooks/druid_restart.h"
#include "hooks/druid_settings.h"
#include "hooks/process_end.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define KEEP FS_KEEP, (gid_t)FS_KEEP

static const char *const sections[] = { "admin", "druid", "process", NULL };

/* The key store last: it is what Jetty watches. */
static const struct output outputs[] = {
        { .name = "ca.crt", .content = OUTPUT_CA, .attr = { 0644, KEEP } },
        { .name = "tls.crt", .content = OUTPUT_CHAIN, .attr = { 0644, KEEP } },
        { .name = "tls.key", .content = OUTPUT_KEY, .attr = { 0640, KEEP } },
        { .name = "truststore.jks", .content = OUTPUT_TRUSTSTORE, .attr = { 0644, KEEP }, .plain = true },
        { .name = "keystore.jks",
          .content = OUTPUT_PKCS12,
          .attr = { 0640, KEEP },
          .alias = "druid",
          .plain = true },
};

static int druid_open(const struct hook_settings *settings, struct database **out, struct err *err);

static void druid_close(struct database *database)
{
        struct druid *druid = druid_of(database);

        curl_library_close(druid->curl);
        endpoint_done(&druid->endpoint);
        mem_free(druid->tls_base);
        mem_free(druid->plain_base);
        mem_free(druid->authorities);
        mem_free(druid);
}

static const char *druid_endpoint(const struct hook_settings *settings)
{
        const struct druid_role *role =
                settings->druid.role == NULL ? NULL : druid_role_find(settings->druid.role);

        return role == NULL ? NULL : role->endpoint;
}

static bool is_authority_change(enum change_class change)
{
        return change == CHANGE_AUTHORITIES || change == CHANGE_NEW_AUTHORITY;
}

static bool druid_needs_restart(const struct database *database, enum change_class change)
{
        const struct druid *druid = (const struct druid *)database;

        if (database->mode == TLS_OFF)
                return false;
        return is_authority_change(change) || druid->cannot_reload;
}

/* Druid would go on with the password that it started with, and not open what we write. */
static void check_password(const struct hook_settings *settings, size_t i, struct findings *out)
{
        const char *file = settings->password_files[i];
        AUTO(mem_free_p) char *path = mem_printf("%s/%s", settings->publish, settings->outputs[i].name);
        AUTO(buf_done_p) struct buf store = BUF_INIT(2 * SNAPSHOT_MAX_BYTES);
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        struct err ignored = ERR_INIT;

        /* What cannot be read is found when the store is made. */
        if (fs_read(path, SNAPSHOT_MAX_BYTES, &store, &ignored) != 0 ||
            secret_read(file, &password, &ignored) != 0 ||
            pkcs12_check_password(store.data, store.len, &password) != PKCS12_LOCKED)
                return;
        policy_add(out, settings->policy, FINDING_ENGINE,
                   "the password in '%.120s' is not that of '%.120s': Druid reads its password only when it "
                   "starts and would open no store with another one; put the old password back, or stop "
                   "Druid, remove its stores and start it with the new one",
                   file, path);
}

/* As with Galera: who does not know yet takes a node with a history for a member of a cluster. */
static void check_authority(const struct database *database, const struct bundle *fresh,
                            const struct bundle *published, struct findings *out)
{
        const struct hook_settings *settings = database->settings;
        const enum change_class change = change_classify(published, fresh);

        if (fresh->authorities.n == 0)
                policy_add(
                        out, settings->policy, FINDING_ENGINE,
                        "there is no authority for Druid's trust store: put ca.crt beside the certificate");
        if (change == CHANGE_NEW_AUTHORITY && database->facts.clustered)
                policy_add(
                        out, settings->policy, FINDING_AUTHORITY_CHANGED,
                        "the leaf is signed by an authority ('%.120s') that other nodes of the cluster may "
                        "not trust: they would refuse this one; first publish old and new authorities on "
                        "every node, then the leaf",
                        bundle_leaf(fresh)->issuer);
        if (is_authority_change(change) && !process_end_is_told(&settings->process))
                policy_add(out, settings->policy, FINDING_ENGINE,
                           "the authorities changed, which takes a restart of Druid, and nothing says how: "
                           "set process.command or process.executable");
}

static void druid_check(const struct database *database, const struct bundle *fresh,
                        const struct bundle *published, struct findings *out)
{
        const struct hook_settings *settings = database->settings;

        for (size_t i = 0; i < settings->n_outputs; i++)
                if (output_is_store(settings->outputs[i].content) && settings->password_files[i] != NULL)
                        check_password(settings, i, out);
        check_authority(database, fresh, published, out);
}

static int druid_settings(const struct database *database, const struct settings_wish *wish,
                          const char *present, struct buf *out, struct err *err)
{
        return druid_settings_render(database->settings, wish, present, out, err);
}

static struct op *druid_reload(struct database *database, int64_t limit_ms)
{
        return druid_reload_start(druid_of(database), limit_ms);
}

static struct op *druid_restart(struct database *database, int64_t limit_ms)
{
        return druid_restart_start(druid_of(database), limit_ms);
}

static struct op *druid_health(struct database *database, int64_t limit_ms)
{
        return druid_health_start(druid_of(database), limit_ms);
}

static struct op *druid_custom_prove(struct database *database, const struct custom_text *files, size_t n,
                                     int64_t limit_ms)
{
        return druid_custom_start(druid_of(database), files, n, limit_ms);
}

static char *druid_custom_place(const struct database *database, const char *settings_file, size_t i)
{
        return druid_lay_place((const struct druid *)database, settings_file, i);
}

static int druid_custom_lay(const struct database *database, size_t i, const struct custom_text *files,
                            size_t n, const char *present, struct buf *out, struct err *err)
{
        return druid_lay_render((const struct druid *)database, i, files, n, present, out, err);
}

const struct hook druid_hook = {
        .name = "druid",
        .summary = "Apache Druid 25 or newer, one node: its own scanner reads the key store again",
        .caps = HOOK_RELOADS | HOOK_CLUSTERED,
        .sections = sections,
        .endpoint = druid_endpoint,
        .outputs = outputs,
        .n_outputs = ARRAY_LEN(outputs),
        .roles = druid_role_names,
        .settings_file = "/opt/druid/conf/druid/cluster/_common/common.runtime.properties",
        .not_reloaded =
                "Druid's clients keep the trust store and passwords that the node started with: changed "
                "authorities take a restart",
        .open = druid_open,
        .close = druid_close,
        .check = druid_check,
        .settings = druid_settings,
        .needs_restart = druid_needs_restart,
        .reload = druid_reload,
        .restart = druid_restart,
        .health = druid_health,
        .custom_check = druid_custom_check,
        .custom_place = druid_custom_place,
        .custom_lay = druid_custom_lay,
        .custom_prove = druid_custom_prove,
};

/* Java's PKCS#12 reader makes aliases lower case, and Jetty then looks for the one it was told in vain. */
static bool has_upper(const char *text)
{
        for (; *text != '\0'; text++)
                if (isupper((unsigned char)*text))
                        return true;
        return false;
}

static int check_passwords(const char *key, const char *trust, struct err *err)
{
        if (key == NULL || trust == NULL)
                return err_set(err, ERR_USAGE,
                               "druid: set store-password-file: Druid reads no store without a password");
        if (strcmp(key, trust) != 0)
                return err_set(
                        err, ERR_USAGE,
                        "druid: key store and trust store need the same password file: Druid is told of "
                        "one");
        return 0;
}

static int check_outputs(const struct hook_settings *settings, struct err *err)
{
        const struct output *key = output_find(settings->outputs, settings->n_outputs, OUTPUT_PKCS12);
        const struct output *trust = output_find(settings->outputs, settings->n_outputs, OUTPUT_TRUSTSTORE);

        if (key == NULL || trust == NULL)
                return err_set(err, ERR_USAGE, "druid: files needs one of content %s: Druid reads no PEM",
                               key == NULL ? "pkcs12" : "truststore");
        if (trust > key)
                return err_set(
                        err, ERR_USAGE,
                        "druid: files must name '%.60s' before '%.60s': Druid looks when the key store "
                        "changes, and then reads the trust store",
                        trust->name, key->name);
        if (key->alias != NULL && has_upper(key->alias))
                return err_set(err, ERR_USAGE,
                               "druid: the alias '%.60s' must be in lower case: Java knows it under no other",
                               key->alias);
        return check_passwords(settings->password_files[key - settings->outputs],
                               settings->password_files[trust - settings->outputs], err);
}

/* It goes into Druid's settings as it is. */
static bool is_variable(const char *text)
{
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

        return text[0] != '\0' && !isdigit((unsigned char)text[0]) && text[strspn(text, letters)] == '\0';
}

static int check_settings(const struct hook_settings *settings, struct err *err)
{
        if (settings->admin.socket != NULL || settings->admin.host != NULL || settings->admin.port != 0)
                return err_set(
                        err, ERR_USAGE,
                        "druid: admin.socket, admin.host and admin.port mean nothing here: the node is "
                        "asked at its endpoint, and at druid.plain-port");
        if (settings->endpoints == NULL || settings->endpoints[0] == NULL)
                return err_set(err, ERR_USAGE,
                               "druid: set druid.role, from which the port follows, or endpoints");
        if (!is_variable(settings->druid.password_variable))
                return err_set(err, ERR_USAGE,
                               "druid: password-variable: '%.60s' is no name of an environment variable",
                               settings->druid.password_variable);
        return check_outputs(settings, err);
}

static void set_bases(struct druid *druid)
{
        const struct hook_settings *settings = druid->database.settings;
        const char *host = druid->endpoint.host;
        const char *open = strchr(host, ':') != NULL ? "[" : "";
        const char *shut = *open != '\0' ? "]" : "";
        int plain = settings->druid.plain_port;

        if (plain == 0 && druid->role != NULL)
                plain = druid->role->plain_port;
        druid->tls_base = mem_printf("https://%s%s%s:%d", open, host, shut, druid->endpoint.port);
        if (plain != 0)
                druid->plain_base = mem_printf("http://%s%s%s:%d", open, host, shut, plain);
        druid->authorities = mem_printf("%s/ca.crt", settings->publish);
}

static int druid_open(const struct hook_settings *settings, struct database **out, struct err *err)
{
        struct druid *druid;
        struct endpoint endpoint;

        if (check_settings(settings, err) != 0 || endpoint_parse(settings->endpoints[0], &endpoint, err) != 0)
                return -1;
        if (endpoint.port == 0 || endpoint.preamble != NULL) {
                (void)err_set(err, ERR_USAGE,
                              "druid: the first of endpoints is '%.120s', and not https://HOST:PORT",
                              endpoint.url);
                endpoint_done(&endpoint);
                return -1;
        }
        druid = MEM_NEW(struct druid);
        druid->database.hook = &druid_hook;
        druid->database.settings = settings;
        druid->endpoint = endpoint;
        druid->role = settings->druid.role == NULL ? NULL : druid_role_find(settings->druid.role);
        /* Known without asking: a database that was never switched to TLS is not asked anything yet, and its
         * nodes have their turns in the order of their roles all the same. */
        (void)snprintf(druid->database.facts.role, sizeof(druid->database.facts.role), "%s",
                       druid->role == NULL ? "" : druid->role->name);
        set_bases(druid);
        *out = &druid->database;
        return 0;
}
