// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Files below a directory descriptor. Everything is close-on-exec from birth; nothing is ever rewritten in
 * place: a file is complete and synced before it gets its name.
 */
#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

#define FS_KEEP ((uid_t)-1) /* leave owner or group as the process creates it */

struct fs_attr {
        mode_t mode;
        uid_t uid;
        gid_t gid;
};

/* A directory for openat; follows symlinks. Returns the descriptor in out. */
int fs_open_dir(const char *path, int *out, struct err *err) MUST_CHECK;
int fs_open_dir_at(int dir, const char *name, int *out, struct err *err) MUST_CHECK;
/* mkdir -p. Existing directories are left as they are. */
int fs_make_dirs(const char *path, mode_t mode, struct err *err) MUST_CHECK;

/*
 * Append a regular file's content to out; never waits on a FIFO or device.
 * ERR_LIMIT larger than max, ERR_MISSING not there, ERR_IO not a regular file or unreadable.
 */
int fs_read_at(int dir, const char *name, size_t max, struct buf *out, struct err *err) MUST_CHECK;
int fs_read(const char *path, size_t max, struct buf *out, struct err *err) MUST_CHECK;

/* Create a new file (it must not exist) with its mode and owner set before content, and fsync it. */
int fs_create_at(int dir, const char *name, const void *data, size_t len, const struct fs_attr *attr,
                 struct err *err) MUST_CHECK;
/* The same under a temporary name, then one rename over `name`, then fsync of the directory. */
int fs_replace_at(int dir, const char *name, const void *data, size_t len, const struct fs_attr *attr,
                  struct err *err) MUST_CHECK;
/* The same for a path; "-" writes to standard output. */
int fs_replace(const char *path, const void *data, size_t len, const struct fs_attr *attr,
               struct err *err) MUST_CHECK;
/* For a path, without fsync: survives a killed process, but perhaps not a power cut. */
int fs_replace_unsynced(const char *path, const void *data, size_t len, const struct fs_attr *attr,
                        struct err *err) MUST_CHECK;
/* Make the symlink `name` point to target by one rename, then fsync the directory. */
int fs_link_at(int dir, const char *name, const char *target, struct err *err) MUST_CHECK;
/* The target of a symlink (mem_free). ERR_MISSING when there is none. */
int fs_readlink_at(int dir, const char *name, char **out, struct err *err) MUST_CHECK;
/* Remove a directory and the files in it (two levels at most); fine when it is not there. */
int fs_remove_dir_at(int dir, const char *name, struct err *err) MUST_CHECK;
int fs_sync_dir(int dir, struct err *err) MUST_CHECK;
