// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The published directory, in kubelet's own layout:
 *
 *   <publish>/..gen-000007/   one generation: its files and generation.json
 *   <publish>/..data       -> ..gen-000007
 *   <publish>/tls.crt      -> ..data/tls.crt      one link a file, made once
 *
 * A generation is complete and synced before the one rename of ..data makes it current; whatever can fail
 * has happened before. The generation before it stays for rollback.
 */
#include "base/json.h"
#include "certs/output.h"

#define GENERATION_META "generation.json"

struct store {
        char *path;
        int dir;      /* descriptor of path */
        int64_t last; /* highest number seen in the directory, 0 when none */
};

struct generation_file {
        const struct output *output;
        struct buf data;
};

/* Creates the directory when needed (mode 0755) and looks what is there. ERR_IO. */
int generation_open(const char *path, struct store **out, struct err *err) MUST_CHECK;
void generation_close(struct store *store);
AUTO_DEFINE(struct store, generation_close)

/* Number that ..data points to; 0 when there is none or it points at nothing. */
int generation_current(const struct store *store, int64_t *out, struct err *err) MUST_CHECK;
/* Does ..gen-N exist with its generation.json? */
bool generation_exists(const struct store *store, int64_t number);
/*
 * Writes ..gen-<number> complete: files, meta as generation.json, all synced. A leftover of the same number
 * is removed first. Nothing is visible to the database yet.
 */
int generation_stage(struct store *store, int64_t number, const struct generation_file *files, size_t n,
                     const cJSON *meta, struct err *err) MUST_CHECK;
/*
 * Makes it current: one rename of ..data, then links (or plain files, renamed over) for each file of the
 * generation that has none yet. Idempotent; going back to an older number is the same call.
 */
int generation_publish(struct store *store, int64_t number, struct err *err) MUST_CHECK;
/* Removes one that is not current. Fine when it is not there. */
int generation_remove(struct store *store, int64_t number, struct err *err) MUST_CHECK;
/* Removes all but the current one and `keep` (0: none), half-staged ones, and links to files that the current
 * one has not. */
int generation_prune(struct store *store, int64_t keep, struct err *err) MUST_CHECK;
/* generation.json of one, json_free. */
int generation_meta(const struct store *store, int64_t number, cJSON **out, struct err *err) MUST_CHECK;
