// SPDX-License-Identifier: Apache-2.0
/*
 * Switched off, all of our keys go: Druid's defaults are a plain port and no TLS port.
 *
 * The stores are named by their places in the published directory, not by a generation's: Druid reads the
 * path once and looks at that file ever after.
 */
#include "hooks/druid_settings.h"

#include "base/json.h"
#include "base/mem.h"
#include "hooks/properties.h"

#include <string.h>

#define LIST      "druid.extensions.loadList"
#define EXTENSION "simple-client-sslcontext"
#define KEYS_MAX  20
#define LIST_MAX  ((size_t)64 << 10)

struct edit {
        struct properties_change changes[KEYS_MAX];
        size_t n;
};

static void set(struct edit *edit, bool is_on, const char *key, const char *value)
{
        edit->changes[edit->n++] = (struct properties_change){ key, is_on ? value : NULL };
}

static bool has_extension(const cJSON *list)
{
        const cJSON *item;

        cJSON_ArrayForEach(item, list) if (strcmp(item->valuestring, EXTENSION) == 0) return true;
        return false;
}

static int parse_list(const char *text, size_t len, cJSON **out, struct err *err)
{
        AUTO(json_free_p) cJSON *list = NULL;
        struct err why = ERR_INIT;
        const cJSON *item;

        if (json_parse(text, len, &list, &why) != 0)
                return err_set(err, ERR_PARSE, LIST " is no JSON list: %s", why.text);
        if (!cJSON_IsArray(list) && !cJSON_IsNull(list))
                return err_set(err, ERR_PARSE, LIST " is no JSON list");
        cJSON_ArrayForEach(item, list) if (!cJSON_IsString(item)) return err_set(
                err, ERR_PARSE, LIST " is no JSON list of names");
        *out = TAKE(list);
        return 0;
}

static char *print_list(const cJSON *list, bool with)
{
        struct buf out = BUF_INIT(LIST_MAX);
        const char *comma = "";
        const cJSON *item;

        buf_add_char(&out, '[');
        cJSON_ArrayForEach(item, list)
        {
                if (strcmp(item->valuestring, EXTENSION) == 0)
                        continue;
                buf_add_str(&out, comma);
                buf_add_json(&out, item->valuestring);
                comma = ", ";
        }
        if (with)
                buf_printf(&out, "%s\"" EXTENSION "\"", comma);
        buf_add_char(&out, ']');
        return buf_take(&out);
}

/* The list with the extension, or without; NULL when it is right as it is. */
static int change_list(const char *present, bool with, char **out, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(LIST_MAX / 2);
        AUTO(json_free_p) cJSON *list = NULL;
        bool found = false;

        if (properties_get(present, LIST, &text, &found, err) != 0)
                return -1;
        if (!found)
                return 0;
        if (parse_list(buf_str(&text), text.len, &list, err) != 0)
                return -1;
        if (!cJSON_IsNull(list) && has_extension(list) != with)
                *out = print_list(list, with);
        return 0;
}

static const char *store_type(const char *path)
{
        const char *dot = strrchr(path, '.');

        /* Java reads PKCS#12 as jks too, and KubeDB says jks. */
        return dot != NULL && strcmp(dot, ".jks") == 0 ? "jks" : "pkcs12";
}

static void set_stores(struct edit *edit, bool is_on, const struct output *key, const char *key_path,
                       const char *trust_path, const char *password)
{
        set(edit, is_on, "druid.server.https.certAlias", key->alias == NULL ? "certrotate" : key->alias);
        set(edit, is_on, "druid.server.https.keyStorePath", key_path);
        set(edit, is_on, "druid.server.https.keyStoreType", store_type(key_path));
        set(edit, is_on, "druid.server.https.keyStorePassword", password);
        set(edit, is_on, "druid.client.https.trustStorePath", trust_path);
        set(edit, is_on, "druid.client.https.trustStoreType", store_type(trust_path));
        set(edit, is_on, "druid.client.https.trustStorePassword", password);
        set(edit, is_on, "druid.client.https.validateHostnames", "false");
}

int druid_settings_render(const struct hook_settings *settings, const struct settings_wish *wish,
                          const char *present, struct buf *out, struct err *err)
{
        const struct output *key = output_find(settings->outputs, settings->n_outputs, OUTPUT_PKCS12);
        const struct output *trust = output_find(settings->outputs, settings->n_outputs, OUTPUT_TRUSTSTORE);
        const bool is_on = wish->mode != TLS_OFF;
        AUTO(mem_free_p) char *key_path = mem_printf("%s/%s", settings->publish, key->name);
        AUTO(mem_free_p) char *trust_path = mem_printf("%s/%s", settings->publish, trust->name);
        AUTO(mem_free_p)
        char *password = mem_printf("{\"type\": \"environment\", \"variable\": \"%s\"}",
                                    settings->druid.password_variable);
        AUTO(mem_free_p)
        char *seconds = mem_printf("%lld", (long long)(settings->druid.reload_interval_ms / 1000));
        AUTO(mem_free_p) char *list = NULL;
        struct edit edit = { .n = 0 };

        if (change_list(present, is_on && settings->druid.client_extension, &list, err) != 0)
                return -1;
        if (list != NULL)
                set(&edit, true, LIST, list);
        set(&edit, is_on, "druid.enablePlaintextPort", wish->mode == TLS_MIXED ? "true" : "false");
        set(&edit, is_on, "druid.enableTlsPort", "true");
        set_stores(&edit, is_on, key, key_path, trust_path, password);
        set(&edit, is_on, "druid.server.https.reloadSslContext", "true");
        set(&edit, is_on, "druid.server.https.reloadSslContextSeconds", seconds);
        return properties_apply(present, edit.changes, edit.n, out, err);
}

bool druid_settings_owns(const char *key)
{
        static const char *const owned[] = {
                "druid.enablePlaintextPort",
                "druid.enableTlsPort",
                "druid.server.https.certAlias",
                "druid.server.https.keyStorePath",
                "druid.server.https.keyStoreType",
                "druid.server.https.keyStorePassword",
                "druid.client.https.trustStorePath",
                "druid.client.https.trustStoreType",
                "druid.client.https.trustStorePassword",
                "druid.client.https.validateHostnames",
                "druid.server.https.reloadSslContext",
                "druid.server.https.reloadSslContextSeconds",
        };

        for (size_t i = 0; i < ARRAY_LEN(owned); i++)
                if (strcmp(key, owned[i]) == 0)
                        return true;
        return false;
}

int druid_settings_keep(const struct hook_settings *settings, const char *present, struct buf *out,
                        struct err *err)
{
        AUTO(buf_done_p) struct buf is_on = BUF_INIT(LIST_MAX);
        AUTO(mem_free_p) char *list = NULL;
        struct edit edit = { .n = 0 };
        struct err why = ERR_INIT;
        bool found = false;

        if (properties_get(present, "druid.enableTlsPort", &is_on, &found, err) != 0)
                return -1;
        if (found && strcmp(buf_str(&is_on), "true") == 0 && settings->druid.client_extension &&
            change_list(present, true, &list, &why) == 0 && list != NULL)
                set(&edit, true, LIST, list);
        return properties_apply(present, edit.changes, edit.n, out, err);
}

bool druid_settings_is_list(const char *key)
{
        return strcmp(key, LIST) == 0;
}

bool druid_settings_same_list(const char *a, const char *b)
{
        AUTO(json_free_p) cJSON *list_a = NULL;
        AUTO(json_free_p) cJSON *list_b = NULL;
        AUTO(mem_free_p) char *text_a = NULL;
        AUTO(mem_free_p) char *text_b = NULL;
        struct err ignored = ERR_INIT;

        if (parse_list(a, strlen(a), &list_a, &ignored) != 0 ||
            parse_list(b, strlen(b), &list_b, &ignored) != 0 || cJSON_IsNull(list_a) != cJSON_IsNull(list_b))
                return strcmp(a, b) == 0;
        text_a = print_list(list_a, false);
        text_b = print_list(list_b, false);
        return strcmp(text_a, text_b) == 0;
}
