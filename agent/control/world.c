// SPDX-License-Identifier: Apache-2.0
/*
 * The sources: what is listed and watched, and what becomes of one whose definition is not there.
 *
 * The trap: a 404 of a list says that there is no such definition, and so no objects. Of a source that was
 * listed before it says that all of them are gone, which ends requests; so it is asked once more first.
 */
#include "control/world_state.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define INSTANCE_LABEL "app.kubernetes.io%2Finstance"
#define OURS_LABEL     "app.kubernetes.io%2Fmanaged-by%3Dcertrotate"

const struct world_limits world_defaults = {
        .missing_ms = 60000,
        .doubt_ms = 5000,
        .watch = &kube_watch_defaults,
};

static void on_event(const struct kube_watch_event *event, void *arg);

static void set_trouble(struct world_source *source, char *trouble)
{
        mem_free(source->trouble);
        source->trouble = trouble;
}

static void update_whole(struct world *world)
{
        const bool was_whole = world->is_whole;

        world->is_whole = true;
        for (size_t i = 0; i < world->n_sources; i++)
                world->is_whole = world->is_whole && world->sources[i].is_listed;
        if (world->is_whole && !was_whole)
                world_each(world, world->changed, world->arg);
}

static void look(void *arg)
{
        struct world_source *source = arg;
        const struct kube_watch_spec spec = { .collection = source->collection, .labels = source->labels };

        source->watch = kube_watch_open_limited(source->world->client, &spec, source->world->limits->watch,
                                                on_event, source);
}

/* Everybody may have to know that there is now such a definition, or none any more. */
static void set_missing(struct world_source *source, bool is_missing)
{
        struct world *world = source->world;

        if (source->is_missing == is_missing)
                return;
        source->is_missing = is_missing;
        if (world->is_whole && source->type == &world_databases)
                world_each(world, world->changed, world->arg);
}

static void is_lacking(struct world_source *source, const struct err *err)
{
        const struct world_limits *limits = source->world->limits;
        const bool is_doubted = source->is_listed && !source->is_missing;

        kube_watch_close(TAKE(source->watch));
        loop_timer_set(source->timer, is_doubted ? limits->doubt_ms : limits->missing_ms);
        /* The next watch knows nothing of what this one has told. */
        for (size_t i = 0; i < source->index.n; i++)
                source->index.items[i].is_noted = true;
        if (is_doubted) {
                source->is_listed = false;
                set_trouble(source, mem_strdup(err->text));
                source->world->is_whole = false;
                return;
        }
        world_tell_vanished(source, NULL);
        source->is_listed = true;
        set_trouble(source, NULL);
        set_missing(source, true);
        update_whole(source->world);
}

static void is_listed(struct world_source *source, const char *version)
{
        world_tell_vanished(source, version);
        source->is_listed = true;
        set_missing(source, false);
        update_whole(source->world);
}

static void on_event(const struct kube_watch_event *event, void *arg)
{
        struct world_source *source = arg;
        const struct kube_id id = { event->namespace, event->name, event->version };

        if (event->kind == KUBE_LOST && event->err->kind == ERR_MISSING && source->may_lack) {
                is_lacking(source, event->err);
                return;
        }
        if (event->kind == KUBE_LOST) {
                set_trouble(source, mem_strdup(event->err->text));
                return;
        }
        if (source->is_listed || event->kind == KUBE_LISTED)
                set_trouble(source, NULL);
        if (event->kind == KUBE_LISTED) {
                is_listed(source, event->version);
                return;
        }
        source->world->events++;
        if (event->kind == KUBE_OBJECT)
                world_tell_object(source, event->object, &id, false);
        else
                world_tell_gone(source, &id);
}

static struct world_source *add(struct world *world, const struct world_type *type, const char *group,
                                const char *resource)
{
        struct world_source *source = &world->sources[world->n_sources++];
        const bool is_core = strcmp(group, "v1") == 0;
        const bool is_cluster = strcmp(resource, "clusterissuers") == 0;
        const char *namespace = is_cluster ? NULL : world->namespace;

        assert(world->n_sources <= WORLD_SOURCES_MAX);
        *source = (struct world_source){ .world = world, .type = type, .may_lack = !is_core };
        source->is_cluster = is_cluster;
        source->collection = mem_printf("/%s/%s%s%s/%s", is_core ? "api" : "apis", group,
                                        namespace == NULL ? "" : "/namespaces/",
                                        namespace == NULL ? "" : namespace, resource);
        source->trouble = mem_printf("%s were not listed yet", resource);
        source->timer = loop_timer_new(kube_client_loop(world->client), look, source);
        return source;
}

struct world *world_open_limited(struct kube_client *client, const struct world_spec *spec,
                                 const struct world_limits *limits, world_changed_fn *changed, void *arg)
{
        struct world *world = MEM_NEW(struct world);

        world->client = client;
        world->limits = limits;
        world->namespace = mem_strdup(spec->namespace);
        world->changed = changed;
        world->arg = arg;
        for (const struct kind *kind = kinds; kind->request != NULL; kind++) {
                add(world, &world_requests, KIND_OPS_GROUP, kind->requests)->kind = kind;
                add(world, &world_databases, kind->group, kind->databases)->kind = kind;
        }
        add(world, &world_pods, "v1", "pods")->labels = INSTANCE_LABEL;
        add(world, &world_records, "v1", "configmaps")->labels = OURS_LABEL;
        (void)add(world, &world_certificates, CERTIFICATE_GROUP, "certificates");
        (void)add(world, &world_issuers, CERTIFICATE_GROUP, "issuers");
        (void)add(world, &world_issuers, CERTIFICATE_GROUP, "clusterissuers");
        for (size_t i = 0; i < world->n_sources; i++)
                look(&world->sources[i]);
        return world;
}

struct world *world_open(struct kube_client *client, const struct world_spec *spec, world_changed_fn *changed,
                         void *arg)
{
        return world_open_limited(client, spec, &world_defaults, changed, arg);
}

void world_close(struct world *world)
{
        if (world == NULL)
                return;
        world->is_whole = false; /* nobody is told any more */
        for (size_t i = 0; i < world->n_sources; i++) {
                struct world_source *source = &world->sources[i];

                kube_watch_close(source->watch);
                loop_timer_free(source->timer);
                world_tell_vanished(source, NULL);
                mem_free(source->index.items);
                mem_free(source->collection);
                mem_free(source->trouble);
        }
        world_strings_done(&world->strings);
        mem_free(world->entries);
        mem_free(world->namespace);
        mem_free(world);
}

bool world_is_whole(const struct world *world)
{
        return world->is_whole;
}

const char *world_trouble(const struct world *world)
{
        for (size_t i = 0; i < world->n_sources; i++)
                if (world->sources[i].trouble != NULL)
                        return world->sources[i].trouble;
        return NULL;
}

const struct world_source *world_source_of(const struct world *world, const struct world_type *type,
                                           const struct kind *kind)
{
        for (size_t i = 0; i < world->n_sources; i++)
                if (world->sources[i].type == type && world->sources[i].kind == kind)
                        return &world->sources[i];
        return NULL;
}

/* Counts. */

static struct wall first_end(const struct world_entry *entry)
{
        struct wall first = { 0 };

        for (uint32_t i = 0; i < entry->n_pods; i++) {
                const struct wall until = entry->pods[i]->served_until;

                if (until.s != 0 && (first.s == 0 || until.s < first.s))
                        first = until;
        }
        return first;
}

static size_t bucket_of(struct wall until, struct wall now)
{
        static const int64_t days[] = { 1, 7, 30 };
        size_t i = 0;

        while (i < ARRAY_LEN(days) && until.s - now.s > days[i] * 86400)
                i++;
        return i;
}

static size_t count_left(const struct world_entry *entry)
{
        size_t n = 0;

        for (uint32_t i = 0; i < entry->n_pods && entry->record != NULL; i++)
                n += record_lists(entry->record->record.left, entry->pods[i]->name);
        return n;
}

void world_each_missed(const struct world *world, world_pod_fn *fn, void *arg)
{
        for (size_t i = 0; i < world->n; i++) {
                const struct world_entry *entry = world->entries[i];

                for (uint32_t k = 0; k < entry->n_pods; k++)
                        if (entry->pods[k]->is_missed)
                                fn(entry->namespace, entry->pods[k], arg);
        }
}

static void count_one(const char *namespace UNUSED, const struct observed_pod *pod UNUSED, void *arg)
{
        ++*(size_t *)arg;
}

struct world_counts world_counts(const struct world *world)
{
        const struct wall now = clock_wall();
        struct world_counts counts = { .events = world->events };

        world_each_missed(world, count_one, &counts.missed);
        for (size_t i = 0; i < world->n; i++) {
                const struct world_entry *entry = world->entries[i];
                const struct wall until = first_end(entry);

                if (!world_entry_is_ours(entry))
                        continue;
                counts.databases++;
                counts.pods += entry->n_pods;
                counts.certificates += entry->n_certificates;
                counts.left += count_left(entry);
                for (uint32_t k = 0; k < entry->n_requests; k++)
                        counts.requests[entry->requests[k]->phase]++;
                if (until.s != 0)
                        counts.expires_within_days[bucket_of(until, now)]++;
        }
        return counts;
}
