// SPDX-License-Identifier: Apache-2.0
/*
 * Values by type. Fields are written by memcpy, since the table knows their kind, not their exact C type.
 */
#include "config/value.h"

#include "base/mem.h"
#include "base/near.h"
#include "base/num.h"
#include "config/text.h"
#include "hooks/endpoint.h"

#include <limits.h>
#include <string.h>

#define WORDS_TEXT_MAX        160

#define PUT(base, key, value) put((base), (key)->offset, &(value), sizeof(value))

static void put(void *base, size_t offset, const void *value, size_t size)
{
        memcpy((char *)base + offset, value, size);
}

static const char *list_words(const struct schema_word *words, char out[static WORDS_TEXT_MAX])
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(WORDS_TEXT_MAX - 1);

        for (size_t i = 0; words[i].name != NULL; i++)
                buf_printf(&text, "%s%s", i == 0 ? "" : ", ", words[i].name);
        memcpy(out, buf_str(&text), text.len + 1);
        return out;
}

static int fail_word(const struct draft *draft, const struct schema_key *key, const cJSON *node)
{
        struct near near = NEAR_INIT;
        char words[WORDS_TEXT_MAX];

        for (size_t i = 0; key->words[i].name != NULL; i++)
                near_try(&near, node->valuestring, key->words[i].name);
        if (near.best != NULL)
                return draft_fail(draft, key, node, "'%.60s' is not known, did you mean '%s'?",
                                  node->valuestring, near.best);
        return draft_fail(draft, key, node, "'%.60s' is not one of %s", node->valuestring,
                          list_words(key->words, words));
}

static int check_path(const struct draft *draft, const struct schema_key *key, const cJSON *node)
{
        if (*node->valuestring == '\0' && key->min == 0)
                return 0;
        if (*node->valuestring != '/')
                return draft_fail(
                        draft, key, node,
                        "'%.100s' is a relative path: write it from '/', a daemon's working directory "
                        "is anywhere",
                        node->valuestring);
        if (text_has_parent_step(node->valuestring) && yaml_place(&draft->doc, node) != NULL)
                return draft_fail(draft, key, node, "'%.100s' contains '..': write the path without it",
                                  node->valuestring);
        text_normalize_path(node->valuestring);
        return 0;
}

static int check_endpoint(const struct draft *draft, const struct schema_key *key, const cJSON *node)
{
        struct endpoint endpoint = { 0 };
        struct err err = ERR_INIT;

        if (endpoint_parse(node->valuestring, &endpoint, &err) != 0)
                return draft_fail(draft, key, node, "%s", err.text);
        endpoint_done(&endpoint);
        return 0;
}

static int check_address(const struct draft *draft, const struct schema_key *key, const cJSON *node)
{
        const char *text = node->valuestring;

        if (*text == '\0' || *text == '/' || text_is_host_port(text, true, true))
                return 0;
        return draft_fail(
                draft, key, node,
                "'%.60s' is not an address such as 127.0.0.1:9533, [::1]:9533, :9533 or /path/of/a/socket",
                text);
}

/* What the type asks of one text; the node is a string. */
static int check_text(const struct draft *draft, const struct schema_key *key, const cJSON *node)
{
        const char *text = node->valuestring;

        switch (key->type) {
        case SCHEMA_PATH:
                return check_path(draft, key, node);
        case SCHEMA_NAME:
                if (!text_is_file_name(text))
                        return draft_fail(draft, key, node,
                                          "'%.60s' is not a file name: no '/', not starting with '..'", text);
                return 0;
        case SCHEMA_OBJECT:
                if (!text_is_object_name(text))
                        return draft_fail(
                                draft, key, node,
                                "'%.60s' is not a name of Kubernetes: lower-case letters, digits, '-' and "
                                "'.' in between",
                                text);
                return 0;
        case SCHEMA_ADDRESS:
                return check_address(draft, key, node);
        case SCHEMA_HOST:
        case SCHEMA_HOSTS:
                if (!text_is_host_port(text, false, false))
                        return draft_fail(draft, key, node, "'%.60s' is not HOST:PORT", text);
                return 0;
        case SCHEMA_URL:
                if (!text_is_url(text))
                        return draft_fail(
                                draft, key, node,
                                "'%.60s' is not a URL such as http://127.0.0.1:9000/-/reload (without "
                                "user and password)",
                                text);
                return 0;
        case SCHEMA_CHOICE:
                return schema_word(key->words, text) < 0 ? fail_word(draft, key, node) : 0;
        case SCHEMA_DNS_NAMES:
                if (!text_is_dns_name(text))
                        return draft_fail(draft, key, node, "'%.60s' is neither a DNS name nor an address",
                                          text);
                return 0;
        case SCHEMA_ENDPOINTS:
                return check_endpoint(draft, key, node);
        case SCHEMA_STRING:
        case SCHEMA_STRINGS:
        case SCHEMA_BOOL:
        case SCHEMA_WORD:
        case SCHEMA_INT:
        case SCHEMA_MODE:
        case SCHEMA_DURATION:
        case SCHEMA_FILES:
        case SCHEMA_POLICY:
                return 0;
        }
        return 0;
}

/* A string without surprises, of the length that the key allows. */
static int check_string(const struct draft *draft, const struct schema_key *key, const cJSON *node,
                        int64_t min, int64_t max)
{
        size_t len;

        if (cJSON_IsNumber(node) || cJSON_IsBool(node))
                return draft_fail(draft, key, node, "must be text: put it into quotes");
        if (!cJSON_IsString(node))
                return draft_fail(draft, key, node, "must be %s", schema_type_text(key->type));
        len = strlen(node->valuestring);
        if ((int64_t)len < min)
                return draft_fail(draft, key, node, "must not be empty");
        if ((int64_t)len > max)
                return draft_fail(draft, key, node, "is longer than %lld bytes", (long long)max);
        if (text_has_control(node->valuestring))
                return draft_fail(draft, key, node, "contains a control character");
        return check_text(draft, key, node);
}

static int set_string(const struct draft *draft, const struct schema_key *key, const cJSON *node, void *base)
{
        const char *text = node->valuestring;

        if (check_string(draft, key, node, key->min, key->max) != 0)
                return -1;
        PUT(base, key, text);
        return 0;
}

static int set_list(const struct draft *draft, const struct schema_key *key, const cJSON *list, void *base)
{
        AUTO(mem_free_p) const char **items = NULL;
        size_t n = 0;

        if (!cJSON_IsArray(list))
                return draft_fail(draft, key, list, "must be a list: [one, two]");
        if (cJSON_GetArraySize(list) < key->min)
                return draft_fail(draft, key, list, "must not be empty");
        if (cJSON_GetArraySize(list) > key->max)
                return draft_fail(draft, key, list, "has more than %lld items", (long long)key->max);
        items = mem_array((size_t)cJSON_GetArraySize(list) + 1, sizeof(*items));
        for (const cJSON *node = list->child; node != NULL; node = node->next) {
                if (check_string(draft, key, node, key->type != SCHEMA_STRINGS, PATH_MAX) != 0)
                        return -1;
                items[n++] = node->valuestring;
        }
        if (key->count_offset != 0)
                put(base, key->count_offset, &n, sizeof(n));
        PUT(base, key, items);
        items = NULL;
        return 0;
}

static int set_bool(const struct draft *draft, const struct schema_key *key, const cJSON *node, void *base)
{
        bool value = cJSON_IsTrue(node);

        if (key->words != NULL) {
                if (!cJSON_IsString(node))
                        return draft_fail(draft, key, node, "must be '%s' or '%s'", key->words[0].name,
                                          key->words[1].name);
                if (schema_word(key->words, node->valuestring) < 0)
                        return fail_word(draft, key, node);
                value = schema_word(key->words, node->valuestring) == 1;
        } else if (cJSON_IsString(node)) {
                return draft_fail(draft, key, node, "'%.60s' is text: use true or false", node->valuestring);
        } else if (!cJSON_IsBool(node)) {
                return draft_fail(draft, key, node, "use true or false");
        }
        PUT(base, key, value);
        return 0;
}

static int set_word(const struct draft *draft, const struct schema_key *key, const cJSON *node, void *base)
{
        int value;

        if (!cJSON_IsString(node)) {
                char words[WORDS_TEXT_MAX];

                return draft_fail(draft, key, node, "must be one of %s", list_words(key->words, words));
        }
        value = schema_word(key->words, node->valuestring);
        if (value < 0)
                return fail_word(draft, key, node);
        PUT(base, key, value);
        return 0;
}

static int set_int(const struct draft *draft, const struct schema_key *key, const cJSON *node, void *base)
{
        int value;

        if (!cJSON_IsNumber(node))
                return draft_fail(draft, key, node, "must be a number%s",
                                  cJSON_IsString(node) ? ", in plain digits and without quotes" : "");
        if (node->valuedouble < (double)key->min || node->valuedouble > (double)key->max)
                return draft_fail(draft, key, node, "%.0f is not between %lld and %lld", node->valuedouble,
                                  (long long)key->min, (long long)key->max);
        value = (int)node->valuedouble;
        PUT(base, key, value);
        return 0;
}

static int set_mode(const struct draft *draft, const struct schema_key *key, const cJSON *node, void *base)
{
        struct err err = ERR_INIT;
        unsigned parsed = 0;
        mode_t mode;

        if (!cJSON_IsString(node))
                return draft_fail(draft, key, node, "write the file mode in octal and quotes: \"0640\"");
        if (num_parse_mode(node->valuestring, &parsed, &err) != 0)
                return draft_fail(draft, key, node, "%s", err.text);
        if ((parsed & 02) != 0 || (parsed & 0400) == 0)
                return draft_fail(draft, key, node, "'%s' %s", node->valuestring,
                                  (parsed & 02) != 0 ? "lets everybody write"
                                                     : "keeps the owner from reading");
        mode = (mode_t)parsed;
        PUT(base, key, mode);
        return 0;
}

static int set_duration(const struct draft *draft, const struct schema_key *key, const cJSON *node,
                        void *base)
{
        struct err err = ERR_INIT;
        char low[NUM_DURATION_MAX];
        char high[NUM_DURATION_MAX];
        int64_t ms = 0;

        if (cJSON_IsNumber(node) && node->valuedouble != 0)
                return draft_fail(draft, key, node, "%.0f has no unit: write 500ms, 30s, 5m or 24h",
                                  node->valuedouble);
        if (!cJSON_IsNumber(node) && !cJSON_IsString(node))
                return draft_fail(draft, key, node, "must be %s", schema_type_text(key->type));
        if (cJSON_IsString(node) && num_parse_duration(node->valuestring, &ms, &err) != 0)
                return draft_fail(draft, key, node, "%s", err.text);
        if (ms < key->min || ms > key->max)
                return draft_fail(draft, key, node, "must be between %s and %s",
                                  num_format_duration(key->min, low), num_format_duration(key->max, high));
        PUT(base, key, ms);
        return 0;
}

static int fail_code(const struct draft *draft, const struct schema_key *key, const cJSON *node)
{
        struct near near = NEAR_INIT;

        for (int i = 0; i < FINDING_CODES; i++)
                near_try(&near, node->string, policy_code_name((enum finding_code)i));
        return draft_fail(draft, key, node, "'%.60s' is no finding%s%s%s", node->string,
                          near.best == NULL ? "" : ", did you mean '", near.best == NULL ? "" : near.best,
                          near.best == NULL ? ": certrotate.conf(5) lists all" : "'?");
}

static int set_policy(const struct draft *draft, const struct schema_key *key, const cJSON *mapping,
                      void *base)
{
        struct policy *policy = (void *)((char *)base + key->offset);

        if (!cJSON_IsObject(mapping))
                return draft_fail(draft, key, mapping, "must be a mapping: {name-dropped: refuse}");
        for (const cJSON *node = mapping->child; node != NULL; node = node->next) {
                int code = policy_parse_code(node->string);
                int severity = cJSON_IsString(node) ? policy_parse_severity(node->valuestring) : -1;

                if (code < 0)
                        return fail_code(draft, key, node);
                if (severity < 0)
                        return draft_fail(draft, key, node, "'%s' must be refuse, warn or ignore",
                                          node->string);
                policy->severity[code] = (enum finding_severity)severity;
        }
        return 0;
}

int value_set(const struct draft *draft, const struct schema_key *key, cJSON *node, void *base)
{
        if (cJSON_IsNull(node) && key->type != SCHEMA_POLICY)
                return draft_fail(draft, key, node, "has no value: give one or remove the line");
        switch (key->type) {
        case SCHEMA_STRING:
        case SCHEMA_PATH:
        case SCHEMA_OBJECT:
        case SCHEMA_NAME:
        case SCHEMA_ADDRESS:
        case SCHEMA_HOST:
        case SCHEMA_URL:
        case SCHEMA_CHOICE:
                return set_string(draft, key, node, base);
        case SCHEMA_STRINGS:
        case SCHEMA_HOSTS:
        case SCHEMA_DNS_NAMES:
        case SCHEMA_ENDPOINTS:
                return set_list(draft, key, node, base);
        case SCHEMA_BOOL:
                return set_bool(draft, key, node, base);
        case SCHEMA_WORD:
                return set_word(draft, key, node, base);
        case SCHEMA_INT:
                return set_int(draft, key, node, base);
        case SCHEMA_MODE:
                return set_mode(draft, key, node, base);
        case SCHEMA_DURATION:
                return set_duration(draft, key, node, base);
        case SCHEMA_POLICY:
                return cJSON_IsNull(node) ? 0 : set_policy(draft, key, node, base);
        case SCHEMA_FILES:
                return 0;
        }
        return 0;
}

cJSON *value_node(const struct schema_key *key, const char *text)
{
        struct err ignored;
        int64_t number = 0;
        cJSON *node;

        if (key->type == SCHEMA_INT && num_parse(text, key->min, key->max, &number, &ignored) == 0)
                node = cJSON_CreateNumber((double)number);
        else if (key->type == SCHEMA_BOOL && key->words == NULL)
                node = cJSON_CreateBool(strcmp(text, "true") == 0);
        else
                node = cJSON_CreateString(text);
        if (node == NULL)
                abort();
        return node;
}
