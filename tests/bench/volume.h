// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A Secret volume as kubelet writes it: a new directory with the files, `..data_tmp` pointing at it, one
 * rename to `..data`, and the directory before is removed at once.
 */
#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define VOLUME_FILES    3
#define VOLUME_NAME_MAX 64

struct volume {
        int dir;
        char *old;                  /* directory that ..data points to */
        char next[VOLUME_NAME_MAX]; /* prepared, not yet current */
};

/* The content of one bundle, read ahead of the swap. */
struct volume_bundle {
        struct buf files[VOLUME_FILES];
        struct buf leaf; /* DER */
};

int volume_open(const char *path, struct volume *volume, struct err *err) MUST_CHECK;
void volume_done(struct volume *volume);

/* ca.crt, tls.crt and tls.key of a directory. */
int volume_load(const char *path, struct volume_bundle *bundle, struct err *err) MUST_CHECK;
void volume_unload(struct volume_bundle *bundle);

/* Everything up to the rename. */
int volume_prepare(struct volume *volume, const struct volume_bundle *bundle, struct err *err) MUST_CHECK;
/* The rename. */
int volume_swap(struct volume *volume, struct err *err) MUST_CHECK;
/* What kubelet does after it. */
int volume_clean(struct volume *volume, struct err *err) MUST_CHECK;
