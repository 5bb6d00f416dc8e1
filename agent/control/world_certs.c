// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates and issuers of cert-manager, and our own ConfigMaps.
 */
#include "control/world_state.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "kube/names.h"

static const char *text_of(const cJSON *object, const char *key)
{
        const char *text = json_get_str(object, key);

        return text == NULL ? "" : text;
}

static void *read_certificate(struct world *world UNUSED, const struct world_source *source UNUSED,
                              const cJSON *object, char database[static KUBE_NAME_MAX + 1])
{
        struct certificate *certificate = NULL;
        struct err err = ERR_INIT;

        if (certificate_read(object, &certificate, &err) != 0) {
                log_warn("certificate_unreadable", LOG_ERR(&err));
                return NULL;
        }
        if (!kube_names_is_subdomain(certificate->database)) {
                certificate_free(certificate);
                return NULL;
        }
        memcpy(database, certificate->database, strlen(certificate->database) + 1);
        return certificate;
}

static void drop_certificate(struct world *world UNUSED, void *object)
{
        certificate_free(object);
}

static void attach_certificate(struct world_entry *entry, void *object)
{
        struct certificate *certificate = object;
        uint32_t at = entry->n_certificates;

        entry->certificates =
                mem_grow(entry->certificates, entry->n_certificates + 1U, sizeof(struct certificate *));
        for (; at > 0 && strcmp(entry->certificates[at - 1]->name, certificate->name) > 0; at--)
                entry->certificates[at] = entry->certificates[at - 1];
        entry->certificates[at] = certificate;
        entry->n_certificates++;
}

static void detach_certificate(struct world_entry *entry, const void *object)
{
        uint32_t kept = 0;

        for (uint32_t i = 0; i < entry->n_certificates; i++)
                if (entry->certificates[i] != object)
                        entry->certificates[kept++] = entry->certificates[i];
        entry->n_certificates = kept;
}

static const char *name_of_certificate(const void *object)
{
        return ((const struct certificate *)object)->name;
}

const struct world_type world_certificates = { read_certificate, drop_certificate, attach_certificate,
                                               detach_certificate, name_of_certificate };

/* Issuers: of no database. */

static void *read_issuer(struct world *world UNUSED, const struct world_source *source UNUSED,
                         const cJSON *object, char database[static KUBE_NAME_MAX + 1])
{
        const cJSON *meta = json_get(object, "metadata");
        struct world_issuer *issuer = MEM_NEW(struct world_issuer);
        const cJSON *one;

        issuer->namespace = mem_strdup(text_of(meta, "namespace"));
        issuer->name = mem_strdup(text_of(meta, "name"));
        issuer->seen.exists = true;
        cJSON_ArrayForEach(one, json_get(json_get(object, "status"), "conditions"))
        {
                if (strcmp(text_of(one, "type"), "Ready") != 0)
                        continue;
                issuer->seen.is_ready = strcmp(text_of(one, "status"), "True") == 0;
                if (!issuer->seen.is_ready)
                        issuer->seen.problem = mem_printf("%.200s", text_of(one, "message"));
                break;
        }
        database[0] = '\0';
        return issuer;
}

static void drop_issuer(struct world *world UNUSED, void *object)
{
        struct world_issuer *issuer = object;

        mem_free(issuer->namespace);
        mem_free(issuer->name);
        mem_free(issuer->seen.problem);
        mem_free(issuer);
}

static const char *name_of_issuer(const void *object)
{
        return ((const struct world_issuer *)object)->name;
}

const struct world_type world_issuers = { read_issuer, drop_issuer, NULL, NULL, name_of_issuer };

/* ConfigMaps: the name says which database, and that it is a record. */

static void *read_record(struct world *world UNUSED, const struct world_source *source UNUSED,
                         const cJSON *object, char database[static KUBE_NAME_MAX + 1])
{
        static const size_t suffix = sizeof(RECORD_SUFFIX) - 1;
        const cJSON *meta = json_get(object, "metadata");
        const char *name = text_of(meta, "name");
        const char *text = json_get_str(json_get(object, "data"), RECORD_KEY);
        const size_t len = strlen(name);
        struct world_record *out;
        struct err err = ERR_INIT;

        if (len <= suffix || len > KUBE_NAME_MAX || strcmp(name + len - suffix, RECORD_SUFFIX) != 0)
                return NULL;
        out = MEM_NEW(struct world_record);
        out->name = mem_strdup(name);
        out->version = mem_strdup(text_of(meta, "resourceVersion"));
        record_init(&out->record);
        schedule_texts_read(json_get(meta, "annotations"), &out->schedule);
        if (text == NULL)
                out->problem = mem_strdup("the ConfigMap has no " RECORD_KEY);
        else if (record_parse(text, strlen(text), &out->record, &err) != 0)
                out->problem = mem_strdup(err.text);
        memcpy(database, name, len - suffix);
        database[len - suffix] = '\0';
        return out;
}

static void drop_record(struct world *world UNUSED, void *object)
{
        struct world_record *record = object;

        record_done(&record->record);
        schedule_texts_done(&record->schedule);
        mem_free(record->name);
        mem_free(record->version);
        mem_free(record->problem);
        mem_free(record);
}

static void attach_record(struct world_entry *entry, void *object)
{
        entry->record = object;
}

static void detach_record(struct world_entry *entry, const void *object)
{
        if (entry->record == object)
                entry->record = NULL;
}

static const char *name_of_record(const void *object)
{
        return ((const struct world_record *)object)->name;
}

const struct world_type world_records = { read_record, drop_record, attach_record, detach_record,
                                          name_of_record };
