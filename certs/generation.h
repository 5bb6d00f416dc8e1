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
 * has happened before. The generation before it stays for rollback. A kill between any two system calls
 * leaves the old or the new one published, whole; the next publish finishes what is missing and the next
 * prune sweeps the litter.
 *
 * The directory is ours: a file of another origin that stands in the place of a link (a tls.crt from before)
 * is replaced by rename, without a backup. Names that no generation has are never touched.
 */
#include "base/json.h"
#include "certs/output.h"
#include "certs/places.h"

#define GENERATION_META PLACES_META

struct store {
        char *path;
        int dir;      /* descriptor of path */
        int64_t last; /* highest number seen in the directory, 0 when none */
};

struct generation_file {
        const struct output *output;
        struct buf data;
};

/*
 * Creates the directory when needed (mode 0755) and looks what is there. ERR_IO; ERR_USAGE when the directory
 * is someone else's: its ..data is not ours, as in a Secret volume.
 */
int generation_open(const char *path, struct store **out, struct err *err) MUST_CHECK;
void generation_close(struct store *store);
AUTO_DEFINE(struct store, generation_close)

/* Number that ..data points to; 0 when there is none or it points at nothing. */
int generation_current(const struct store *store, int64_t *out, struct err *err) MUST_CHECK;
/* Does ..gen-N exist with its generation.json? */
bool generation_exists(const struct store *store, int64_t number);
/*
 * Writes ..gen-<number> complete: files, meta as generation.json, all synced. A leftover of the same number
 * is removed first. Nothing is visible to the database yet. On failure nothing is left of it.
 *
 * ERR_IO        no space and the like; ERR_MISSING when the directory itself was removed: open it again
 * ERR_USAGE     a file name with a slash, a leading dot, too long, or generation.json
 * ERR_INTERNAL  the number is the published one
 */
int generation_stage(struct store *store, int64_t number, const struct generation_file *files, size_t n,
                     const cJSON *meta, struct err *err) MUST_CHECK;
/*
 * Makes it current: one rename of ..data, then links (or plain files, renamed over) for each file of the
 * generation that has none yet. Idempotent; going back to an older number is the same call. Plain files are
 * renamed behind it one by one, in the order of `files` when it was staged: an engine that needs a pair of
 * them sees a short moment of mixture, and the one it watches for comes last when it stands last.
 *
 * ERR_MISSING  there is no such generation. Before the rename of ..data every failure leaves all as it was.
 */
int generation_publish(struct store *store, int64_t number, struct err *err) MUST_CHECK;
/* Removes one that is not current (ERR_INTERNAL). Fine when it is not there. */
int generation_remove(struct store *store, int64_t number, struct err *err) MUST_CHECK;
/* Removes all but the current one and `keep` (0: none), half-staged ones, and links to files that the current
 * one has not. */
int generation_prune(struct store *store, int64_t keep, struct err *err) MUST_CHECK;
/* Appends a file of one to out; it may hold a key. ERR_MISSING, ERR_LIMIT, ERR_IO. */
int generation_read(const struct store *store, int64_t number, const char *name, size_t max, struct buf *out,
                    struct err *err) MUST_CHECK;
/* The directory of one, whether it is there or not; mem_free. */
char *generation_path(const struct store *store, int64_t number);
/* generation.json of one, json_free. */
int generation_meta(const struct store *store, int64_t number, cJSON **out, struct err *err) MUST_CHECK;
