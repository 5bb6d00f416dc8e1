// SPDX-License-Identifier: Apache-2.0
/*
 * What is told of an object, by a watch or by a write of ours. Both may be late: the version decides which is
 * the newer word.
 */
#include "control/world_state.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

/* 0: no number. The API promises none, but etcd's are, and they grow over all objects of a kind. */
static uint64_t number_of(const char *version)
{
        struct err ignored = ERR_INIT;
        int64_t number = 0;

        if (version == NULL || num_parse(version, 1, INT64_MAX, &number, &ignored) != 0)
                return 0;
        return (uint64_t)number;
}

static bool is_older(uint64_t version, uint64_t than)
{
        return version != 0 && than != 0 && version < than;
}

/* Issuers are of no database: whoever asks for something may have asked for this one. */
static void tell_asking(struct world *world)
{
        for (size_t i = 0; i < world->n; i++)
                if (world_entry_is_asked(world->entries[i]))
                        world_entry_tell(world, world->entries[i]);
}

static void tell(struct world *world, const struct world_entry *entry, bool was_ours)
{
        if (entry == NULL)
                tell_asking(world);
        else if (was_ours || world_entry_is_ours(entry))
                world_entry_tell(world, entry);
}

/* Takes the object out of its entry; is_ours: the entry was. */
static struct world_entry *take_out(struct world_source *source, const struct world_item *item, bool *is_ours)
{
        struct world_entry *entry = item->entry;

        *is_ours = entry != NULL && world_entry_is_ours(entry);
        if (entry != NULL)
                source->type->detach(entry, item->object);
        return entry;
}

static void remove_item(struct world_source *source, const struct world_item *item)
{
        struct world *world = source->world;
        void *object = item->object;
        bool was_ours;
        struct world_entry *entry = take_out(source, item, &was_ours);

        world_index_remove(&source->index, item);
        source->type->drop(world, object);
        tell(world, entry, was_ours);
        if (entry != NULL)
                world_entry_tidy(world, entry);
}

/* The item's object becomes `object`, of entry `entry`, which may be another than before. */
static void put(struct world_source *source, struct world_item *item, const struct world_item *fresh)
{
        struct world *world = source->world;
        struct world_entry *entry = fresh->entry;
        struct world_entry *before = NULL;
        void *old = NULL;
        bool was_ours = false, is_ours = entry != NULL && world_entry_is_ours(entry);

        if (entry != NULL && item == NULL)
                source->type->attach(entry, fresh->object);
        if (item == NULL) {
                world_index_put(&source->index, fresh);
        } else {
                const bool is_noted = item->is_noted && fresh->is_noted;

                before = take_out(source, item, &was_ours);
                old = item->object;
                if (entry != NULL)
                        source->type->attach(entry, fresh->object);
                *item = *fresh;
                item->is_noted = is_noted;
                source->type->drop(world, old);
        }
        if (before != NULL && before != entry) {
                tell(world, before, was_ours);
                world_entry_tidy(world, before);
        }
        tell(world, entry, is_ours);
}

void world_tell_object(struct world_source *source, const cJSON *object, const struct kube_id *id, bool noted)
{
        struct world *world = source->world;
        struct world_item *item = world_index_find(&source->index, id->namespace, id->name);
        const uint64_t version = number_of(id->version);
        char database[KUBE_NAME_MAX + 1];
        struct world_item fresh = { .version = version, .is_noted = noted };

        if (item != NULL && !noted)
                item->is_noted = false;
        if (item != NULL && version != 0 && version <= item->version)
                return;
        fresh.object = source->type->read(world, source, object, database);
        if (fresh.object == NULL) {
                if (item != NULL)
                        remove_item(source, item);
                return;
        }
        fresh.name = source->type->name(fresh.object);
        if (*database == '\0') {
                fresh.namespace = ((const struct world_issuer *)fresh.object)->namespace;
        } else {
                fresh.entry = world_entry_get(world, id->namespace, database);
                fresh.namespace = fresh.entry->namespace;
        }
        put(source, item, &fresh);
}

void world_tell_gone(struct world_source *source, const struct kube_id *id)
{
        const struct world_item *item = world_index_find(&source->index, id->namespace, id->name);

        if (item != NULL && !is_older(number_of(id->version), item->version))
                remove_item(source, item);
}

void world_tell_vanished(struct world_source *source, const char *version)
{
        const uint64_t number = number_of(version);

        /* From the end, where taking out costs nothing. */
        for (size_t i = source->index.n; i-- > 0;) {
                const struct world_item *item = &source->index.items[i];

                if (version == NULL || (item->is_noted && !is_older(number, item->version)))
                        remove_item(source, item);
        }
}

/* What a write of ours has got back. */

static void note(struct world *world, const struct world_type *type, const struct kind *kind,
                 const cJSON *object)
{
        struct err ignored = ERR_INIT;
        struct kube_id id;

        for (size_t i = 0; i < world->n_sources; i++) {
                struct world_source *source = &world->sources[i];

                if (source->type != type || source->kind != kind)
                        continue;
                if (kube_id_read(object, &id, &ignored) == 0)
                        world_tell_object(source, object, &id, true);
                return;
        }
}

void world_note_record(struct world *world, const cJSON *config_map)
{
        note(world, &world_records, NULL, config_map);
}

void world_note_certificate(struct world *world, const cJSON *certificate)
{
        note(world, &world_certificates, NULL, certificate);
}

void world_note_request(struct world *world, const cJSON *request)
{
        const struct kind *kind = kind_of_request(json_get_str(request, "kind"));

        if (kind != NULL)
                note(world, &world_requests, kind, request);
}
