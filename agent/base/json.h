// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * cJSON behind one strict door. Refused, because cJSON would take them: duplicate keys, \u0000 in strings,
 * numbers outside the exactly representable integers or not finite, text after the document, nesting deeper
 * than JSON_MAX_DEPTH, input longer than JSON_MAX_BYTES. Lookups are case-sensitive.
 */
#include "base/buf.h"
#include "base/err.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* ERR_PARSE with the byte offset, or ERR_LIMIT. out is freed with json_free. */
int json_parse(const char *text, size_t len, cJSON **out, struct err *err) MUST_CHECK;
static inline UNUSED void json_free(cJSON *tree)
{
        cJSON_Delete(tree);
}
AUTO_DEFINE(cJSON, json_free)
/* Overwrites every text value first: of a tree that holds a Secret. NULL is fine. */
void json_wipe(cJSON *tree);
static inline UNUSED void json_wipe_p(cJSON **tree)
{
        json_wipe(*tree);
}

/* NULL, false or fallback when the member is missing or of another type; the tree may be NULL. */
const cJSON *json_get(const cJSON *object, const char *key);
const char *json_get_str(const cJSON *object, const char *key);
int64_t json_get_int(const cJSON *object, const char *key, int64_t fallback);
bool json_get_bool(const cJSON *object, const char *key);

/* Building: never fails (allocation aborts). NULL text adds null. */
cJSON *json_object(void);
cJSON *json_array(void);
void json_add(cJSON *object, const char *key, cJSON *value);
void json_add_str(cJSON *object, const char *key, const char *value);
void json_add_int(cJSON *object, const char *key, int64_t value);
void json_add_bool(cJSON *object, const char *key, bool value);
void json_append(cJSON *array, cJSON *value);
void json_append_str(cJSON *array, const char *value);
/* Compact or indented text, mem_free. */
char *json_print(const cJSON *tree, bool pretty) MUST_CHECK;
