// SPDX-License-Identifier: Apache-2.0
/*
 * Entries: one a database, made by the first object that names it and freed with the last.
 */
#include "control/world_state.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define ROOM_MIN 16
#define KEY_MAX  (2 * (KUBE_NAME_MAX + 1))

static bool find(const struct world *world, const char *namespace, const char *name, size_t *at)
{
        size_t low = 0, high = world->n;

        while (low < high) {
                const size_t middle = low + (high - low) / 2;
                const struct world_entry *entry = world->entries[middle];
                int order = strcmp(entry->namespace, namespace);

                if (order == 0)
                        order = strcmp(entry->name, name);
                if (order == 0) {
                        *at = middle;
                        return true;
                }
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *at = low;
        return false;
}

struct world_entry *world_entry_find(const struct world *world, const char *namespace, const char *name)
{
        size_t at;

        return find(world, namespace, name, &at) ? world->entries[at] : NULL;
}

struct world_entry *world_entry_get(struct world *world, const char *namespace, const char *name)
{
        const size_t space = strlen(namespace) + 1, len = strlen(name) + 1;
        struct world_entry *entry;
        size_t at;

        if (find(world, namespace, name, &at))
                return world->entries[at];
        if (world->n == world->room) {
                world->room = world->room == 0 ? ROOM_MIN : world->room + world->room / 2;
                world->entries = mem_grow(world->entries, world->room, sizeof(struct world_entry *));
        }
        entry = mem_new(sizeof(*entry) + space + len);
        memcpy(entry->namespace, namespace, space);
        memcpy(entry->namespace + space, name, len);
        entry->name = entry->namespace + space;
        memmove(world->entries + at + 1, world->entries + at, (world->n - at) * sizeof(struct world_entry *));
        world->entries[at] = entry;
        world->n++;
        return entry;
}

void world_entry_tidy(struct world *world, struct world_entry *entry)
{
        size_t at;

        if (entry->n_requests > 0 || entry->n_pods > 0 || entry->n_certificates > 0 ||
            entry->databases != NULL || entry->record != NULL ||
            !find(world, entry->namespace, entry->name, &at))
                return;
        world->n--;
        memmove(world->entries + at, world->entries + at + 1, (world->n - at) * sizeof(struct world_entry *));
        mem_free(entry->requests);
        mem_free(entry->pods);
        mem_free(entry->certificates);
        mem_free(entry);
}

bool world_entry_is_ours(const struct world_entry *entry)
{
        if (entry->n_requests > 0 || entry->n_certificates > 0 || entry->databases != NULL ||
            entry->record != NULL)
                return true;
        for (uint32_t i = 0; i < entry->n_pods; i++)
                if (entry->pods[i]->has_agent || entry->pods[i]->trouble != NULL)
                        return true;
        return false;
}

bool world_entry_is_asked(const struct world_entry *entry)
{
        for (uint32_t i = 0; i < entry->n_requests; i++)
                if (!request_has_ended(entry->requests[i]))
                        return true;
        return false;
}

static void tell(const struct world_entry *entry, world_changed_fn *fn, void *arg)
{
        char key[KEY_MAX];

        (void)snprintf(key, sizeof(key), "%s/%s", entry->namespace, entry->name);
        fn(key, arg);
}

void world_entry_tell(struct world *world, const struct world_entry *entry)
{
        if (world->is_whole)
                tell(entry, world->changed, world->arg);
}

void world_each(const struct world *world, world_changed_fn *fn, void *arg)
{
        for (size_t i = 0; i < world->n; i++)
                if (world_entry_is_ours(world->entries[i]))
                        tell(world->entries[i], fn, arg);
}

/* Of the request under way, else of the oldest that has not ended, else of the object, else of the last. */
const struct kind *world_entry_kind(const struct world_entry *entry)
{
        const struct kind *kind = entry->record == NULL || entry->record->record.kind == NULL
                                          ? NULL
                                          : kind_of_request(entry->record->record.kind);

        if (kind != NULL)
                return kind;
        for (uint32_t i = 0; i < entry->n_requests; i++)
                if (!request_has_ended(entry->requests[i]))
                        return entry->requests[i]->kind;
        if (entry->databases != NULL)
                return entry->databases->kind;
        return entry->n_requests == 0 ? NULL : entry->requests[entry->n_requests - 1]->kind;
}

static const struct observed_issuer *issuer(const void *arg, const char *namespace, const char *kind,
                                            const char *name)
{
        static const struct observed_issuer none = { .exists = false };
        const struct world *world = arg;
        const bool is_cluster = strcmp(kind, "ClusterIssuer") == 0;

        if (!is_cluster && strcmp(kind, "Issuer") != 0)
                return NULL;
        for (size_t i = 0; i < world->n_sources; i++) {
                const struct world_source *source = &world->sources[i];
                const struct world_item *item;

                if (source->type != &world_issuers || source->is_cluster != is_cluster)
                        continue;
                item = world_index_find(&source->index, is_cluster ? "" : namespace, name);
                return item == NULL ? &none : &((const struct world_issuer *)item->object)->seen;
        }
        return NULL;
}

static void *list(const void *from, size_t n)
{
        return n == 0 ? NULL : mem_dup(from, n * sizeof(void *));
}

static void observe(struct world *world, const struct world_entry *entry, struct observed *out)
{
        const struct kind *kind = world_entry_kind(entry);
        const struct world_source *source =
                kind == NULL ? NULL : world_source_of(world, &world_databases, kind);

        out->namespace = entry->namespace;
        out->name = entry->name;
        out->requests = list(entry->requests, entry->n_requests);
        out->n_requests = entry->n_requests;
        out->pods = list(entry->pods, entry->n_pods);
        out->n_pods = entry->n_pods;
        out->certificates = list(entry->certificates, entry->n_certificates);
        out->n_certificates = entry->n_certificates;
        out->database_known = source != NULL && source->is_listed && !source->is_missing;
        for (const struct world_database *one = entry->databases; one != NULL; one = one->next)
                if (one->kind == kind)
                        out->database = &one->seen;
        if (entry->record != NULL) {
                out->record = entry->record->problem == NULL ? &entry->record->record : NULL;
                out->record_problem = entry->record->problem;
                out->record_version = entry->record->version;
        }
        if (out->database != NULL)
                out->schedule = &out->database->schedule;
        else if (entry->record != NULL)
                out->schedule = &entry->record->schedule;
}

bool world_observe(struct world *world, const char *key, struct wall now, struct observed *out)
{
        const char *slash = strchr(key, '/');
        char namespace[KUBE_NAME_MAX + 1];
        const struct world_entry *entry;

        if (slash == NULL || (size_t)(slash - key) >= sizeof(namespace))
                return false;
        (void)snprintf(namespace, sizeof(namespace), "%.*s", (int)(slash - key), key);
        entry = world_entry_find(world, namespace, slash + 1);
        if (entry == NULL)
                return false;
        *out = (struct observed){ .issuer = issuer, .world = world, .now = now };
        observe(world, entry, out);
        return true;
}

void world_observed_done(struct observed *seen)
{
        mem_free(seen->requests);
        mem_free(seen->pods);
        mem_free(seen->certificates);
        seen->requests = NULL;
        seen->pods = NULL;
        seen->certificates = NULL;
}
