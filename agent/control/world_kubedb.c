// SPDX-License-Identifier: Apache-2.0
/*
 * Database objects of KubeDB, and their OpsRequests.
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

static bool is_paused(const cJSON *status)
{
        const cJSON *one;

        cJSON_ArrayForEach(one, json_get(status, "conditions"))
        {
                if (strcmp(text_of(one, "type"), "Paused") == 0)
                        return strcmp(text_of(one, "status"), "True") == 0;
        }
        return false;
}

static char *issuer_of(const cJSON *spec)
{
        const cJSON *issuer = json_get(json_get(spec, "tls"), "issuerRef");
        const char *name = json_get_str(issuer, "name");
        const char *kind = json_get_str(issuer, "kind");

        return name == NULL ? NULL : mem_printf("%s/%s", kind == NULL ? "Issuer" : kind, name);
}

static void *read_database(struct world *world UNUSED, const struct world_source *source, const cJSON *object,
                           char database[static KUBE_NAME_MAX + 1])
{
        const cJSON *meta = json_get(object, "metadata");
        const cJSON *spec = json_get(object, "spec");
        const cJSON *status = json_get(object, "status");
        const char *name = json_get_str(meta, "name");
        struct world_database *out;

        if (!kube_names_is_subdomain(name))
                return NULL;
        out = MEM_NEW(struct world_database);
        out->kind = source->kind;
        out->name = mem_strdup(name);
        out->seen = (struct observed_database){
                .uid = mem_strdup(text_of(meta, "uid")),
                .version = mem_strdup(text_of(meta, "resourceVersion")),
                .phase = mem_strdup(text_of(status, "phase")),
                .is_paused = is_paused(status),
                .is_halted = cJSON_IsTrue(json_get(spec, "halted")) ||
                             strcmp(text_of(status, "phase"), "Halted") == 0,
                .is_leaving = json_get_str(meta, "deletionTimestamp") != NULL,
                .issuer = issuer_of(spec),
        };
        schedule_texts_read(json_get(meta, "annotations"), &out->seen.schedule);
        memcpy(database, name, strlen(name) + 1);
        return out;
}

static void drop_database(struct world *world UNUSED, void *object)
{
        struct world_database *database = object;

        mem_free(database->name);
        mem_free(database->seen.uid);
        mem_free(database->seen.version);
        mem_free(database->seen.phase);
        mem_free(database->seen.issuer);
        schedule_texts_done(&database->seen.schedule);
        mem_free(database);
}

static void attach_database(struct world_entry *entry, void *object)
{
        struct world_database *database = object;
        struct world_database **at = &entry->databases;

        while (*at != NULL && (*at)->kind < database->kind)
                at = &(*at)->next;
        database->next = *at;
        *at = database;
}

static void detach_database(struct world_entry *entry, const void *object)
{
        struct world_database **at = &entry->databases;

        while (*at != NULL && *at != object)
                at = &(*at)->next;
        if (*at != NULL)
                *at = (*at)->next;
}

static const char *name_of_database(const void *object)
{
        return ((const struct world_database *)object)->name;
}

const struct world_type world_databases = { read_database, drop_database, attach_database, detach_database,
                                            name_of_database };

/* Requests. */

static void *read_request(struct world *world UNUSED, const struct world_source *source, const cJSON *object,
                          char database[static KUBE_NAME_MAX + 1])
{
        struct request *request = NULL;
        struct err err = ERR_INIT;

        if (request_read(object, &request, &err) != 0) {
                log_warn("request_unreadable", LOG_S("kind", source->kind->request), LOG_ERR(&err));
                return NULL;
        }
        /* Of no database that could be: nobody would ever answer it, were it left out. */
        if (kube_names_is_subdomain(request->database))
                memcpy(database, request->database, strlen(request->database) + 1);
        else
                memcpy(database, request->name, strlen(request->name) + 1);
        return request;
}

static void drop_request(struct world *world UNUSED, void *object)
{
        request_free(object);
}

static bool is_older(const struct request *a, const struct request *b)
{
        return a->created.s != b->created.s ? a->created.s < b->created.s : strcmp(a->name, b->name) < 0;
}

static void attach_request(struct world_entry *entry, void *object)
{
        struct request *request = object;
        uint32_t at = entry->n_requests;

        entry->requests = mem_grow(entry->requests, entry->n_requests + 1U, sizeof(struct request *));
        for (; at > 0 && is_older(request, entry->requests[at - 1]); at--)
                entry->requests[at] = entry->requests[at - 1];
        entry->requests[at] = request;
        entry->n_requests++;
}

static void detach_request(struct world_entry *entry, const void *object)
{
        uint32_t kept = 0;

        for (uint32_t i = 0; i < entry->n_requests; i++)
                if (entry->requests[i] != object)
                        entry->requests[kept++] = entry->requests[i];
        entry->n_requests = kept;
}

static const char *name_of_request(const void *object)
{
        return ((const struct request *)object)->name;
}

const struct world_type world_requests = { read_request, drop_request, attach_request, detach_request,
                                           name_of_request };
