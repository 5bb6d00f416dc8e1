// SPDX-License-Identifier: Apache-2.0
#include "kube/lease_record.h"

#include <string.h>

#include "base/mem.h"
#include "kube/micro_time.h"

#define DURATION_MAX_S INT64_C(2147483647) /* int32 in the API */

static const char *text_of(const cJSON *object, const char *key)
{
        const char *text = json_get_str(object, key);

        return text == NULL ? "" : text;
}

int kube_lease_record_take(cJSON *object, struct kube_lease_record *out, struct err *err)
{
        AUTO(json_free_p) cJSON *owned = object;
        cJSON *meta = cJSON_GetObjectItemCaseSensitive(object, "metadata");
        const cJSON *spec = json_get(object, "spec");
        const int64_t duration_s = json_get_int(spec, "leaseDurationSeconds", 0);

        if (*text_of(meta, "resourceVersion") == '\0')
                return err_set(err, ERR_PROTOCOL, "the Lease has no metadata.resourceVersion");
        cJSON_DeleteItemFromObjectCaseSensitive(meta, "managedFields");
        *out = (struct kube_lease_record){
                .holder = text_of(spec, "holderIdentity"),
                .renewed = text_of(spec, "renewTime"),
                .version = text_of(meta, "resourceVersion"),
                .uid = text_of(meta, "uid"),
                .duration_ms = duration_s <= 0 || duration_s > DURATION_MAX_S ? 0 : duration_s * 1000,
                .transitions = json_get_int(spec, "leaseTransitions", 0),
                .object = TAKE(owned),
        };
        return 0;
}

int kube_lease_record_parse(const char *text, size_t len, struct kube_lease_record *out, struct err *err)
{
        struct err why = ERR_INIT;
        cJSON *object = NULL;

        if (json_parse(text, len, &object, &why) != 0)
                return err_set(err, ERR_PROTOCOL, "the Lease is %s", why.text);
        return kube_lease_record_take(object, out, err);
}

void kube_lease_record_done(struct kube_lease_record *record)
{
        json_free(record->object);
        *record = (struct kube_lease_record){ .object = NULL };
}

bool kube_lease_record_is_unchanged(const struct kube_lease_record *a, const struct kube_lease_record *b)
{
        if (a->object == NULL || b->object == NULL)
                return a->object == b->object;
        return strcmp(a->holder, b->holder) == 0 && strcmp(a->renewed, b->renewed) == 0 &&
               strcmp(a->uid, b->uid) == 0 && a->duration_ms == b->duration_ms &&
               a->transitions == b->transitions;
}

static void put(cJSON *object, const char *key, cJSON *value)
{
        cJSON_DeleteItemFromObjectCaseSensitive(object, key);
        json_add(object, key, value);
}

static cJSON *base_object(const struct kube_lease_record *seen, const struct kube_lease_claim *claim)
{
        cJSON *object;
        cJSON *meta;

        if (seen->object != NULL) {
                object = cJSON_Duplicate(seen->object, true);
                if (!cJSON_IsObject(json_get(object, "spec")))
                        put(object, "spec", json_object());
                return object;
        }
        object = json_object();
        meta = json_object();
        json_add_str(object, "apiVersion", "coordination.k8s.io/v1");
        json_add_str(object, "kind", "Lease");
        json_add_str(meta, "name", claim->name);
        json_add_str(meta, "namespace", claim->namespace);
        json_add(object, "metadata", meta);
        json_add(object, "spec", json_object());
        return object;
}

char *kube_lease_record_claim(const struct kube_lease_record *seen, const struct kube_lease_claim *claim)
{
        AUTO(json_free_p) cJSON *object = base_object(seen, claim);
        cJSON *spec = cJSON_GetObjectItemCaseSensitive(object, "spec");
        const bool is_free = *claim->holder == '\0';
        const int64_t duration_s = is_free ? 1 : claim->duration_ms / 1000;
        char now[KUBE_MICRO_TIME_MAX];

        (void)kube_micro_time(claim->now_us, now);
        if (seen->object != NULL && strcmp(now, seen->renewed) == 0)
                (void)kube_micro_time(claim->now_us + 1, now);
        put(spec, "holderIdentity", cJSON_CreateString(claim->holder));
        put(spec, "leaseDurationSeconds", cJSON_CreateNumber((double)duration_s));
        put(spec, "renewTime", cJSON_CreateString(now));
        if (seen->object == NULL)
                put(spec, "leaseTransitions", cJSON_CreateNumber(0));
        if (is_free || strcmp(seen->holder, claim->holder) == 0)
                return json_print(object, false);
        put(spec, "acquireTime", cJSON_CreateString(now));
        put(spec, "leaseTransitions", cJSON_CreateNumber((double)(seen->transitions + 1)));
        return json_print(object, false);
}
