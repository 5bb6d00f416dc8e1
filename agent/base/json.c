// SPDX-License-Identifier: Apache-2.0
/*
 * Strict JSON. cJSON builds the tree; what it would wave through is looked for in the text first (depth,
 * \u0000) and in the tree afterwards (duplicate keys, inexact numbers).
 */
#include "base/json.h"

#include "base/limits.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

#define INT_EXACT_MAX 9007199254740992.0 /* 2^53 */

static int scan_text(const char *text, size_t len, struct err *err)
{
        bool in_string = false;
        int depth = 0;

        if (len > JSON_MAX_BYTES)
                return err_set(err, ERR_LIMIT, "JSON is larger than %zu bytes", JSON_MAX_BYTES);
        for (size_t i = 0; i < len; i++) {
                if (text[i] == '\0')
                        return err_set(err, ERR_PARSE, "NUL byte at offset %zu", i);
                if (in_string && text[i] == '\\') {
                        if (len - i > 5 && memcmp(text + i, "\\u0000", 6) == 0)
                                return err_set(err, ERR_PARSE, "\\u0000 at offset %zu", i);
                        i++;
                } else if (text[i] == '"') {
                        in_string = !in_string;
                } else if (!in_string && (text[i] == '{' || text[i] == '[')) {
                        if (++depth > JSON_MAX_DEPTH)
                                return err_set(err, ERR_LIMIT, "nested deeper than %d levels",
                                               JSON_MAX_DEPTH);
                } else if (!in_string && (text[i] == '}' || text[i] == ']')) {
                        depth--;
                }
        }
        return 0;
}

static int compare_keys(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, so that an object of n members costs n log n: cJSON keeps members in a list. */
static int check_keys(const cJSON *object, struct err *err)
{
        size_t n = (size_t)cJSON_GetArraySize(object);
        AUTO(mem_free_p) const char **keys = mem_array(n, sizeof(*keys));
        size_t i = 0;

        for (const cJSON *member = object->child; member != NULL; member = member->next)
                keys[i++] = member->string;
        qsort(keys, n, sizeof(*keys), compare_keys);
        for (i = 1; i < n; i++)
                if (strcmp(keys[i - 1], keys[i]) == 0)
                        return err_set(err, ERR_PARSE, "key '%.60s' appears twice", keys[i]);
        return 0;
}

static int check_tree(const cJSON *node, struct err *err)
{
        if (cJSON_IsNumber(node) && (!isfinite(node->valuedouble) || fabs(node->valuedouble) > INT_EXACT_MAX))
                return err_set(err, ERR_PARSE, "a number is out of range");
        if (cJSON_IsObject(node) && check_keys(node, err) != 0)
                return -1;
        for (const cJSON *child = node->child; child != NULL; child = child->next)
                if (check_tree(child, err) != 0)
                        return -1;
        return 0;
}

int json_parse(const char *text, size_t len, cJSON **out, struct err *err)
{
        AUTO(json_free_p) cJSON *tree = NULL;
        const char *end = NULL;

        if (scan_text(text, len, err) != 0)
                return -1;
        tree = cJSON_ParseWithLengthOpts(text, len, &end, false);
        if (tree == NULL)
                return err_set(err, ERR_PARSE, "not JSON at offset %td",
                               end == NULL ? (ptrdiff_t)0 : end - text);
        for (; end < text + len; end++)
                if (strchr(" \t\r\n", *end) == NULL)
                        return err_set(err, ERR_PARSE, "text after the document at offset %td", end - text);
        if (check_tree(tree, err) != 0)
                return -1;
        *out = TAKE(tree);
        return 0;
}

static void wipe(cJSON *node)
{
        for (; node != NULL; node = node->next) {
                if (cJSON_IsString(node))
                        explicit_bzero(node->valuestring, strlen(node->valuestring));
                wipe(node->child);
        }
}

void json_wipe(cJSON *tree)
{
        wipe(tree);
        json_free(tree);
}

const cJSON *json_get(const cJSON *object, const char *key)
{
        return cJSON_GetObjectItemCaseSensitive(object, key);
}

const char *json_get_str(const cJSON *object, const char *key)
{
        return cJSON_GetStringValue(json_get(object, key));
}

int64_t json_get_int(const cJSON *object, const char *key, int64_t fallback)
{
        const cJSON *member = json_get(object, key);

        return cJSON_IsNumber(member) ? (int64_t)member->valuedouble : fallback;
}

bool json_get_bool(const cJSON *object, const char *key)
{
        return cJSON_IsTrue(json_get(object, key));
}

static cJSON *made(cJSON *node)
{
        if (node == NULL)
                abort();
        return node;
}

cJSON *json_object(void)
{
        return made(cJSON_CreateObject());
}

cJSON *json_array(void)
{
        return made(cJSON_CreateArray());
}

void json_add(cJSON *object, const char *key, cJSON *value)
{
        if (!cJSON_AddItemToObject(object, key, made(value)))
                abort();
}

void json_add_str(cJSON *object, const char *key, const char *value)
{
        json_add(object, key, value == NULL ? cJSON_CreateNull() : cJSON_CreateString(value));
}

void json_add_int(cJSON *object, const char *key, int64_t value)
{
        json_add(object, key, cJSON_CreateNumber((double)value));
}

void json_add_bool(cJSON *object, const char *key, bool value)
{
        json_add(object, key, cJSON_CreateBool(value));
}

void json_append(cJSON *array, cJSON *value)
{
        if (!cJSON_AddItemToArray(array, made(value)))
                abort();
}

void json_append_str(cJSON *array, const char *value)
{
        json_append(array, cJSON_CreateString(value));
}

char *json_print(const cJSON *tree, bool pretty)
{
        char *text = pretty ? cJSON_Print(tree) : cJSON_PrintUnformatted(tree);

        if (text == NULL)
                abort();
        return text;
}
