// SPDX-License-Identifier: Apache-2.0
/*
 * The rules of cert-manager's policies, as of 1.11 and the same up to 1.21: a revision is compared with the
 * CertificateRequest that it came from, and where that is gone, loosely, with the certificate in the Secret.
 */
#include "control/certificate_compare.h"

#include "base/mem.h"
#include "base/num.h"
#include "control/certificate.h"

#include <string.h>

#define GROUP   "cert-manager.io"
#define KIND    "Issuer"
#define RSA     "RSA"
#define RSA_MIN 2048
#define EC_MIN  256

static const char *text_or(const cJSON *object, const char *key, const char *fallback)
{
        const char *text = json_get_str(object, key);

        return text == NULL || *text == '\0' ? fallback : text;
}

static bool is_text(const cJSON *a, const cJSON *b, const char *key, const char *fallback)
{
        return strcmp(text_or(a, key, fallback), text_or(b, key, fallback)) == 0;
}

static const char *group_of(const cJSON *issuer)
{
        return text_or(issuer, "group", text_or(issuer, "apiGroup", GROUP));
}

bool certificate_compare_issuers(const cJSON *a, const cJSON *b)
{
        return is_text(a, b, "name", "") && is_text(a, b, "kind", KIND) &&
               strcmp(group_of(a), group_of(b)) == 0;
}

bool certificate_compare_durations(const cJSON *a, const cJSON *b)
{
        struct err ignored;
        int64_t a_ms;
        int64_t b_ms;

        if (!cJSON_IsString(a) || !cJSON_IsString(b))
                return !cJSON_IsString(a) && !cJSON_IsString(b);
        if (strcmp(a->valuestring, b->valuestring) == 0)
                return true;
        return num_parse_duration(a->valuestring, &a_ms, &ignored) == 0 &&
               num_parse_duration(b->valuestring, &b_ms, &ignored) == 0 && a_ms == b_ms;
}

struct set {
        const char **items; /* sorted, each once */
        size_t n;
};

static int by_text(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void set_add(struct set *set, const cJSON *list)
{
        const cJSON *item;

        set->items = mem_grow(set->items, set->n + (size_t)cJSON_GetArraySize(list) + 1, sizeof(*set->items));
        cJSON_ArrayForEach(item, list)
        {
                if (cJSON_IsString(item))
                        set->items[set->n++] = item->valuestring;
        }
}

static void set_add_text(struct set *set, const char *text)
{
        set->items = mem_grow(set->items, set->n + 1, sizeof(*set->items));
        if (*text != '\0')
                set->items[set->n++] = text;
}

static void set_sort(struct set *set)
{
        size_t kept = 0;

        if (set->n > 0)
                qsort(set->items, set->n, sizeof(*set->items), by_text);
        for (size_t i = 0; i < set->n; i++)
                if (kept == 0 || strcmp(set->items[kept - 1], set->items[i]) != 0)
                        set->items[kept++] = set->items[i];
        set->n = kept;
}

/* Ends both. */
static bool set_equal(struct set *a, struct set *b)
{
        bool equal;

        set_sort(a);
        set_sort(b);
        equal = a->n == b->n;
        for (size_t i = 0; equal && i < a->n; i++)
                equal = strcmp(a->items[i], b->items[i]) == 0;
        mem_free(a->items);
        mem_free(b->items);
        return equal;
}

bool certificate_compare_sets(const cJSON *a, const cJSON *b)
{
        struct set left = { NULL, 0 };
        struct set right = { NULL, 0 };

        set_add(&left, a);
        set_add(&right, b);
        return set_equal(&left, &right);
}

/* The server leaves out what is empty, or puts it in. */
static bool is_empty(const cJSON *value)
{
        const cJSON *item;

        if (cJSON_IsArray(value))
                return value->child == NULL;
        if (!cJSON_IsObject(value))
                return value == NULL || cJSON_IsNull(value) || cJSON_IsFalse(value) ||
                       (cJSON_IsString(value) && *value->valuestring == '\0');
        cJSON_ArrayForEach(item, value)
        {
                if (!is_empty(item))
                        return false;
        }
        return true;
}

static bool is_like(const cJSON *a, const cJSON *b)
{
        const cJSON *item;

        if (is_empty(a) || is_empty(b))
                return is_empty(a) && is_empty(b);
        if (!cJSON_IsObject(a) || !cJSON_IsObject(b))
                return cJSON_Compare(a, b, true) != 0;
        cJSON_ArrayForEach(item, a)
        {
                if (!is_like(item, json_get(b, item->string)))
                        return false;
        }
        cJSON_ArrayForEach(item, b)
        {
                if (json_get(a, item->string) == NULL && !is_empty(item))
                        return false;
        }
        return true;
}

static const char *const name_lists[] = { "dnsNames", "ipAddresses", "uris", "emailAddresses", "usages" };
static const char *const subject_lists[] = { "organizations", "countries", "organizationalUnits",
                                             "localities",    "provinces", "streetAddresses",
                                             "postalCodes" };

static bool are_sets(const cJSON *a, const cJSON *b, const char *const *keys, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!certificate_compare_sets(json_get(a, keys[i]), json_get(b, keys[i])))
                        return false;
        return true;
}

static bool is_subject(const cJSON *a, const cJSON *b)
{
        return are_sets(a, b, subject_lists, ARRAY_LEN(subject_lists)) && is_text(a, b, "serialNumber", "");
}

static bool is_listed(const char *key)
{
        for (size_t i = 0; i < ARRAY_LEN(name_lists); i++)
                if (strcmp(key, name_lists[i]) == 0)
                        return true;
        return false;
}

static bool is_member(const cJSON *a, const cJSON *b, const char *key)
{
        a = json_get(a, key);
        b = json_get(b, key);
        if (is_listed(key))
                return certificate_compare_sets(a, b);
        if (strcmp(key, "subject") == 0)
                return is_subject(a, b);
        if (strcmp(key, "issuerRef") == 0)
                return certificate_compare_issuers(a, b);
        if (strcmp(key, "duration") == 0 || strcmp(key, "renewBefore") == 0)
                return certificate_compare_durations(a, b);
        return is_like(a, b);
}

static bool are_members(const cJSON *a, const cJSON *b)
{
        const cJSON *item;

        if (!cJSON_IsObject(a) || !cJSON_IsObject(b))
                return is_like(a, b);
        cJSON_ArrayForEach(item, a)
        {
                if (!is_member(a, b, item->string))
                        return false;
        }
        cJSON_ArrayForEach(item, b)
        {
                if (json_get(a, item->string) == NULL && !is_member(a, b, item->string))
                        return false;
        }
        return true;
}

bool certificate_is_same(const cJSON *have, const cJSON *want)
{
        static const char *const parts[] = { "labels", "annotations", "ownerReferences" };
        const cJSON *old = json_get(have, "metadata");
        const cJSON *new = json_get(want, "metadata");

        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
                if (!is_like(json_get(old, parts[i]), json_get(new, parts[i])))
                        return false;
        return are_members(json_get(have, "spec"), json_get(want, "spec"));
}

/* Of another kind or size than the key in the Secret. */
static bool is_key(const cJSON *a, const cJSON *b)
{
        const char *algorithm;
        int64_t size;

        a = json_get(a, "privateKey");
        b = json_get(b, "privateKey");
        if (!is_text(a, b, "algorithm", RSA))
                return false;
        algorithm = text_or(a, "algorithm", RSA);
        if (strcmp(algorithm, "Ed25519") == 0)
                return true;
        size = strcmp(algorithm, RSA) == 0 ? RSA_MIN : EC_MIN;
        return json_get_int(a, "size", size) == json_get_int(b, "size", size);
}

/* With the certificate alone cert-manager takes a name for the same wherever it stands. */
static bool are_names(const cJSON *a, const cJSON *b, bool loosely)
{
        struct set left = { NULL, 0 };
        struct set right = { NULL, 0 };

        if (!are_sets(a, b, name_lists + 1, 3))
                return false;
        if (!loosely)
                return are_sets(a, b, name_lists, 1) && is_text(a, b, "commonName", "");
        set_add(&left, json_get(a, "dnsNames"));
        set_add(&right, json_get(b, "dnsNames"));
        set_add_text(&left, text_or(a, "commonName", ""));
        set_add_text(&right, text_or(b, "commonName", ""));
        return set_equal(&left, &right);
}

bool certificate_is_reissued(const cJSON *have, const cJSON *want)
{
        const bool has_request = json_get_int(json_get(have, "status"), "revision", 0) > 0;
        const cJSON *old = json_get(have, "spec");
        const cJSON *new = json_get(want, "spec");
        const cJSON *old_time = json_get(old, "duration");
        const cJSON *new_time = json_get(new, "duration");

        if (!is_text(old, new, "secretName", "") || !is_key(old, new) ||
            !certificate_compare_issuers(json_get(old, "issuerRef"), json_get(new, "issuerRef")) ||
            !are_names(old, new, !has_request))
                return true;
        if (!has_request)
                return false;
        if (cJSON_IsString(old_time) && cJSON_IsString(new_time) &&
            !certificate_compare_durations(old_time, new_time))
                return true;
        return !is_subject(json_get(old, "subject"), json_get(new, "subject")) ||
               !are_sets(old, new, name_lists + 4, 1) || !is_text(old, new, "literalSubject", "") ||
               json_get_bool(old, "isCA") != json_get_bool(new, "isCA");
}
