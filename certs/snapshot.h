// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * All files of one generation of a source directory, read so that they belong together.
 *
 * A Secret volume is read below one descriptor of `..data`: key and certificate then come from the same
 * generation even while kubelet swaps. A plain directory (certbot, step, hand-made) is read twice as far as
 * names, sizes and times go and must not have changed meanwhile.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/secret.h"

#include <stdbool.h>

struct snapshot_file {
        char *name; /* no slash; names that begin with a dot are left out */
        struct secret data;
};

struct snapshot {
        struct snapshot_file *files; /* sorted by name */
        size_t n;
        struct fingerprint content; /* SHA-256 over names, lengths and bytes: equal means nothing changed */
        bool atomic;                /* read below ..data */
        int64_t swapped_us;         /* Unix time in microseconds of the ..data link; 0 when not atomic */
};

/*
 * ERR_MISSING  the directory is not there or empty
 * ERR_CHANGED  it changed while it was read (tried three times)
 * ERR_LIMIT    more than SNAPSHOT_MAX_FILES files or SNAPSHOT_MAX_BYTES bytes
 * ERR_IO       unreadable
 */
int snapshot_read(const char *dir, struct snapshot **out, struct err *err) MUST_CHECK;
/* For files named one by one: `certrotate check FILE…`. The name is the last part of the path. */
int snapshot_read_files(const char *const *paths, size_t n, struct snapshot **out,
                        struct err *err) MUST_CHECK;
/* Sorts and hashes files that came another way. */
int snapshot_seal(struct snapshot *snapshot, struct err *err) MUST_CHECK;
struct snapshot *snapshot_copy(const struct snapshot *snapshot) MUST_CHECK;
/* NULL when there is none of that name. */
const struct snapshot_file *snapshot_find(const struct snapshot *snapshot, const char *name);
void snapshot_free(struct snapshot *snapshot);
AUTO_DEFINE(struct snapshot, snapshot_free)
