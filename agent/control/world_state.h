// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Inside of the world: sources (a list and watch each), the objects they told of, and the entries (databases)
 * that these belong to. For the files world*.c and their tests.
 */
#include "control/world.h"

#include "kube/frame.h"
#include "kube/watch_state.h"

/* Strings that repeat from pod to pod, kept once. */
struct world_string;
struct world_strings {
        struct world_string **items;
        size_t n, room;
};
/* NULL in, NULL out. */
char *world_strings_get(struct world_strings *strings, const char *text);
void world_strings_drop(struct world_strings *strings, char *text);
void world_strings_done(struct world_strings *strings);

struct world_database {
        const struct kind *kind;
        char *name;
        struct observed_database seen;
        struct world_database *next; /* of another kind with the same name */
};

struct world_record {
        char *name; /* of the ConfigMap */
        char *version;
        char *problem;
        struct record record;
        struct schedule_texts schedule;
};

struct world_issuer {
        char *namespace, *name;
        struct observed_issuer seen;
};

struct world_entry {
        struct request **requests;
        struct observed_pod **pods;
        struct certificate **certificates;
        uint32_t n_requests, n_pods, n_certificates;
        struct world_database *databases;
        struct world_record *record;
        const char *name; /* of the database, in `namespace` behind its NUL */
        char namespace[];
};

/* An object that a source told of, or that a write of ours got back. */
struct world_item {
        struct world_entry *entry; /* NULL: of no database, an issuer */
        const char *namespace, *name;
        void *object;
        uint64_t version; /* 0: no number */
        bool is_noted;    /* the present watch has not told of it */
};

/* Sorted by namespace, then name. */
struct world_index {
        struct world_item *items;
        size_t n, room;
};
struct world_item *world_index_find(const struct world_index *index, const char *namespace, const char *name);
/* Where there is none of that name so far. */
void world_index_put(struct world_index *index, const struct world_item *item);
void world_index_remove(struct world_index *index, const struct world_item *item);

struct world_source;
/* What differs between the kinds of objects. */
struct world_type {
        /* NULL: of no interest; the name of the database it belongs to, "" of none. */
        void *(*read)(struct world *world, const struct world_source *source, const cJSON *object,
                      char database[static KUBE_NAME_MAX + 1]);
        void (*drop)(struct world *world, void *object);
        void (*attach)(struct world_entry *entry, void *object);
        void (*detach)(struct world_entry *entry, const void *object);
        const char *(*name)(const void *object);
};
extern const struct world_type world_requests, world_databases, world_pods, world_records, world_certificates,
        world_issuers;

struct world_source {
        struct world *world;
        const struct world_type *type;
        const struct kind *kind; /* of requests and databases */
        char *collection;
        const char *labels;
        bool may_lack;   /* its definition need not be there */
        bool is_cluster; /* of ClusterIssuers */
        struct kube_watch *watch;
        struct loop_timer *timer; /* it is tried again then */
        struct world_index index;
        bool is_listed;
        bool is_missing; /* no such definition */
        char *trouble;
};

#define WORLD_SOURCES_MAX 32

struct world_limits {
        int64_t missing_ms; /* a definition that is not there is looked for so often */
        int64_t doubt_ms;   /* one that was there and is not: is it really gone? */
        const struct kube_watch_limits *watch;
};
extern const struct world_limits world_defaults;

struct world {
        struct kube_client *client;
        const struct world_limits *limits;
        char *namespace; /* NULL: all */
        world_changed_fn *changed;
        void *arg;
        struct world_source sources[WORLD_SOURCES_MAX];
        size_t n_sources;
        struct world_entry **entries; /* by namespace, then name */
        size_t n, room;
        struct world_strings strings;
        uint64_t events;
        bool is_whole;
};

/* world_open with limits of its own, which outlive it: for tests. */
struct world *world_open_limited(struct kube_client *client, const struct world_spec *spec,
                                 const struct world_limits *limits, world_changed_fn *changed, void *arg);

struct world_entry *world_entry_find(const struct world *world, const char *namespace, const char *name);
/* Made where there is none. */
struct world_entry *world_entry_get(struct world *world, const char *namespace, const char *name);
/* Freed when nothing is in it any more. */
void world_entry_tidy(struct world *world, struct world_entry *entry);
/* Something of it is ours to look after: pods without an agent alone are anybody's. */
bool world_entry_is_ours(const struct world_entry *entry);
bool world_entry_is_asked(const struct world_entry *entry); /* a request has not ended */
void world_entry_tell(struct world *world, const struct world_entry *entry);
/* Of the database that is asked about; NULL: unknown. */
const struct kind *world_entry_kind(const struct world_entry *entry);

/* The source of that kind. */
const struct world_source *world_source_of(const struct world *world, const struct world_type *type,
                                           const struct kind *kind);
void world_tell_object(struct world_source *source, const cJSON *object, const struct kube_id *id,
                       bool noted);
void world_tell_gone(struct world_source *source, const struct kube_id *id);
/* Everything of the source that the watch has not told of; version NULL: whatever its version. */
void world_tell_vanished(struct world_source *source, const char *version);
