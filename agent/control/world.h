// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the API server has, kept small: one list and watch for each kind of object, an entry for each database
 * (namespace and name). `changed` is called with "namespace/name" for each entry that something was told of:
 * not before the world is whole, and then for each entry once; for all when a definition of databases comes
 * or goes; for those with a request that has not ended when an issuer changes. Pods are labelled with an
 * instance by nearly everybody: those that no agent reports of make no entry that is told or counted by
 * themselves.
 */
#include "control/observed.h"
#include "kube/watch.h"

struct world;
typedef void world_changed_fn(const char *key, void *arg);

struct world_spec {
        const char *namespace; /* NULL: all */
};

struct world *world_open(struct kube_client *client, const struct world_spec *spec, world_changed_fn *changed,
                         void *arg);
void world_close(struct world *world);
AUTO_DEFINE(struct world, world_close)
/* All that must be known has been listed: requests, databases, pods, ConfigMaps, Certificates, issuers (what
 * is not served by this API server counts as listed: no definition, no objects; it is looked for again each
 * minute). Before that nothing may be decided. Not so for some seconds when a definition that was there is
 * not found: what it had is forgotten only when it is missed a second time.
 */
bool world_is_whole(const struct world *world);
/* Why not, or why what it says may be old; NULL: neither. */
const char *world_trouble(const struct world *world);
/* False: there is no such entry. What it points to is valid until the loop turns. */
bool world_observe(struct world *world, const char *key, struct wall now, struct observed *out);
void world_observed_done(struct observed *seen); /* frees the lists, not what is in them */
/* An object that a write of ours has just got back: newer than the watch may be. `changed` is called for it,
 * and not again when the watch tells of the same version. */
void world_note_record(struct world *world, const cJSON *config_map);
void world_note_certificate(struct world *world, const cJSON *certificate);
void world_note_request(struct world *world, const cJSON *request);
/* All keys, for a look at everything. */
void world_each(const struct world *world, world_changed_fn *fn, void *arg);

typedef void world_pod_fn(const char *namespace, const struct observed_pod *pod, void *arg);
/* Pods that ask for injection and were made without. */
void world_each_missed(const struct world *world, world_pod_fn *fn, void *arg);

struct world_counts {
        size_t databases, pods, certificates;
        size_t left;   /* pods that were left behind and have not caught up: record.h */
        size_t missed; /* as world_each_missed tells */
        size_t requests[REQUEST_SKIPPED + 1]; /* by phase */
        size_t expires_within_days[4]; /* databases whose first certificate served ends within 1, 7, 30 days,
                                          later */
        uint64_t events;
};
struct world_counts world_counts(const struct world *world);
