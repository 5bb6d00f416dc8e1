// SPDX-License-Identifier: Apache-2.0
/*
 * Reading a source so that its files belong together.
 *
 * Kubelet swaps ..data first and removes the old directory afterwards, file by file. So a listing is whole
 * when ..data still led to the listed directory once the listing was done, and from then on a file that is
 * gone shows as ENOENT. Both mean: start over. (The descriptor keeps the inode number from being used again.)
 */
#include "certs/snapshot.h"

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "certs/ossl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

#define DATA_LINK  "..data"
#define TRIES      3
#define READ_SLACK ((size_t)64 << 10) /* fs_read_at reads ahead by a chunk */

/* One name of a listing, with what tells a plain file from another one of the same name. */
struct entry {
        char *name;
        dev_t dev;
        ino_t ino;
        off_t size;
        struct timespec mtime;
        struct timespec ctime;
};

struct listing {
        struct entry *entries; /* sorted by name */
        size_t n;
};

static void listing_done_p(struct listing *listing)
{
        for (size_t i = 0; i < listing->n; i++)
                mem_free(listing->entries[i].name);
        mem_free(listing->entries);
}

static void close_dir_p(DIR **dir)
{
        if (*dir != NULL)
                (void)closedir(*dir);
}

static int by_entry_name(const void *a, const void *b)
{
        return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int by_file_name(const void *a, const void *b)
{
        return strcmp(((const struct snapshot_file *)a)->name, ((const struct snapshot_file *)b)->name);
}

/* A name that vanished between readdir and here makes ERR_MISSING, like one that vanishes before it is read.
 */
static int list_entry(int dir, const char *name, struct listing *list, struct err *err)
{
        struct stat st;

        if (fstatat(dir, name, &st, 0) == -1) {
                int sys = errno;

                /* A link into nothing is no file; should it get a target meanwhile, the next listing differs.
                 */
                if (sys == ENOENT && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                        return 0;
                return err_sys(err, sys, "stat '%s'", name);
        }
        if (!S_ISREG(st.st_mode))
                return 0;
        if (list->n == SNAPSHOT_MAX_FILES)
                return err_set(err, ERR_LIMIT, "more than %d files", SNAPSHOT_MAX_FILES);
        list->entries = mem_grow(list->entries, list->n + 1, sizeof(*list->entries));
        list->entries[list->n++] =
                (struct entry){ mem_strdup(name), st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim };
        return 0;
}

static int list_dir(int dir, struct listing *out, struct err *err)
{
        AUTO(close_fd_p) int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        AUTO(close_dir_p) DIR *entries = NULL;
        struct dirent *entry;

        if (fd == -1)
                return err_sys(err, errno, "open the directory");
        entries = fdopendir(fd);
        if (entries == NULL)
                return err_sys(err, errno, "list the directory");
        (void)take_fd(&fd);
        while ((errno = 0, entry = readdir(entries)) != NULL)
                if (entry->d_name[0] != '.' && list_entry(dir, entry->d_name, out, err) != 0)
                        return -1;
        if (errno != 0)
                return err_sys(err, errno, "list the directory");
        if (out->n > 0)
                qsort(out->entries, out->n, sizeof(*out->entries), by_entry_name);
        return 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_listing(const struct listing *a, const struct listing *b)
{
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++) {
                const struct entry *x = &a->entries[i];
                const struct entry *y = &b->entries[i];

                if (strcmp(x->name, y->name) != 0 || x->dev != y->dev || x->ino != y->ino ||
                    x->size != y->size || !same_time(&x->mtime, &y->mtime) ||
                    !same_time(&x->ctime, &y->ctime))
                        return false;
        }
        return true;
}

static void hash_part(EVP_MD_CTX *ctx, const void *data, size_t len)
{
        uint64_t size = len;

        (void)EVP_DigestUpdate(ctx, &size, sizeof(size));
        (void)EVP_DigestUpdate(ctx, data, len);
}

static int hash_files(struct snapshot *snapshot, struct err *err)
{
        AUTO(EVP_MD_CTX_free_p) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

        if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
                return err_set(err, ERR_INTERNAL, "OpenSSL cannot hash");
        for (size_t i = 0; i < snapshot->n; i++) {
                hash_part(ctx, snapshot->files[i].name, strlen(snapshot->files[i].name));
                hash_part(ctx, snapshot->files[i].data.data, snapshot->files[i].data.len);
        }
        if (EVP_DigestFinal_ex(ctx, snapshot->content.sha256, NULL) != 1)
                return err_set(err, ERR_INTERNAL, "OpenSSL cannot hash");
        return 0;
}

/* path is read below dir and filed under `name`. */
static int read_file(int dir, const char *path, const char *name, struct snapshot *to, struct err *err)
{
        AUTO(buf_done_p) struct buf buf = BUF_INIT(SNAPSHOT_MAX_BYTES + READ_SLACK);
        size_t left = SNAPSHOT_MAX_BYTES;
        struct snapshot_file *file;

        for (size_t i = 0; i < to->n; i++)
                left -= to->files[i].data.len;
        if (fs_read_at(dir, path, left, &buf, err) != 0) {
                if (err->kind == ERR_LIMIT)
                        return err_set(err, ERR_LIMIT,
                                       "'%s' and the files before it are larger than %zu bytes", path,
                                       SNAPSHOT_MAX_BYTES);
                return -1;
        }
        to->files = mem_grow(to->files, to->n + 1, sizeof(*to->files));
        file = &to->files[to->n++];
        file->name = mem_strdup(name);
        file->data.len = buf.len;
        file->data.data = (uint8_t *)buf_take(&buf);
        return 0;
}

static int read_listed(int dir, const struct listing *list, struct snapshot *to, struct err *err)
{
        if (list->n == 0)
                return err_set(err, ERR_MISSING, "the directory is empty");
        for (size_t i = 0; i < list->n; i++)
                if (read_file(dir, list->entries[i].name, list->entries[i].name, to, err) != 0)
                        return -1;
        return hash_files(to, err);
}

static int changed(struct err *err)
{
        return err_set(err, ERR_CHANGED, "it changed while it was read, %d times in a row", TRIES);
}

/* ENOENT is movement here: ERR_CHANGED, so that the caller starts over. */
static int moved_on(struct err *err)
{
        return err->kind == ERR_MISSING && err->sys == ENOENT ? changed(err) : -1;
}

/* When the link was made: the swap is a rename, which changes the time of status. */
static int64_t swap_time(int volume)
{
        struct stat link;

        if (fstatat(volume, DATA_LINK, &link, AT_SYMLINK_NOFOLLOW) == -1)
                return 0;
        return (int64_t)link.st_ctim.tv_sec * 1000000 + link.st_ctim.tv_nsec / 1000;
}

static int read_atomic(int volume, int data, struct snapshot *to, struct err *err)
{
        AUTO(listing_done_p) struct listing list = { NULL, 0 };
        struct stat held;
        struct stat now;

        if (list_dir(data, &list, err) != 0)
                return moved_on(err);
        if (fstat(data, &held) == -1)
                return err_sys(err, errno, "stat '%s'", DATA_LINK);
        if (fstatat(volume, DATA_LINK, &now, 0) == -1 || now.st_dev != held.st_dev ||
            now.st_ino != held.st_ino)
                return changed(err);
        to->atomic = true;
        to->swapped_us = swap_time(volume);
        return read_listed(data, &list, to, err) == 0 ? 0 : moved_on(err);
}

static int read_plain(int dir, struct snapshot *to, struct err *err)
{
        AUTO(listing_done_p) struct listing before = { NULL, 0 };
        AUTO(listing_done_p) struct listing after = { NULL, 0 };

        if (list_dir(dir, &before, err) != 0 || read_listed(dir, &before, to, err) != 0 ||
            list_dir(dir, &after, err) != 0)
                return moved_on(err);
        return same_listing(&before, &after) ? 0 : changed(err);
}

/*
 * Was ..data swapped away under the open, or does it lead nowhere for good? Kubelet never uses a name twice:
 * when the link reads the same before and after, its target was missing in between.
 */
static int explain_loose_link(int dir, struct err *err)
{
        AUTO(mem_free_p) char *before = NULL;
        AUTO(mem_free_p) char *after = NULL;
        struct stat st;

        if (fs_readlink_at(dir, DATA_LINK, &before, err) != 0)
                return moved_on(err);
        if (fstatat(dir, DATA_LINK, &st, 0) == 0)
                return changed(err);
        if (fs_readlink_at(dir, DATA_LINK, &after, err) != 0)
                return moved_on(err);
        if (strcmp(before, after) != 0)
                return changed(err);
        return err_set(err, ERR_MISSING, "its link " DATA_LINK " leads nowhere: '%.200s' is missing", before);
}

static int try_read(int dir, struct snapshot *to, struct err *err)
{
        AUTO(close_fd_p) int data = openat(dir, DATA_LINK, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int sys = errno;
        struct stat st;

        if (data != -1)
                return read_atomic(dir, data, to, err);
        if (sys != ENOENT)
                return err_sys(err, sys, "open '%s'", DATA_LINK);
        if (fstatat(dir, DATA_LINK, &st, AT_SYMLINK_NOFOLLOW) == -1)
                return read_plain(dir, to, err);
        return explain_loose_link(dir, err);
}

int snapshot_read(const char *dir, struct snapshot **out, struct err *err)
{
        AUTO(close_fd_p) int fd = -1;

        if (fs_open_dir(dir, &fd, err) != 0)
                return -1;
        for (int i = 0; i < TRIES; i++) {
                AUTO(snapshot_free_p) struct snapshot *snapshot = MEM_NEW(struct snapshot);

                if (try_read(fd, snapshot, err) == 0) {
                        *out = TAKE(snapshot);
                        return 0;
                }
                if (err->kind != ERR_CHANGED)
                        break;
        }
        return err_wrap(err, "read '%s'", dir);
}

int snapshot_read_files(const char *const *paths, size_t n, struct snapshot **out, struct err *err)
{
        AUTO(snapshot_free_p) struct snapshot *snapshot = MEM_NEW(struct snapshot);

        if (n > SNAPSHOT_MAX_FILES)
                return err_set(err, ERR_LIMIT, "more than %d files", SNAPSHOT_MAX_FILES);
        for (size_t i = 0; i < n; i++) {
                const char *slash = strrchr(paths[i], '/');
                const char *name = slash == NULL ? paths[i] : slash + 1;

                if (snapshot_find(snapshot, name) != NULL)
                        return err_set(err, ERR_USAGE, "two files are named '%s': give one of them", name);
                if (read_file(AT_FDCWD, paths[i], name, snapshot, err) != 0)
                        return -1;
        }
        if (snapshot_seal(snapshot, err) != 0)
                return -1;
        *out = TAKE(snapshot);
        return 0;
}

int snapshot_seal(struct snapshot *snapshot, struct err *err)
{
        if (snapshot->n > 0)
                qsort(snapshot->files, snapshot->n, sizeof(*snapshot->files), by_file_name);
        return hash_files(snapshot, err);
}

struct snapshot *snapshot_copy(const struct snapshot *snapshot)
{
        struct snapshot *copy = mem_dup(snapshot, sizeof(*snapshot));

        copy->files = mem_array(snapshot->n, sizeof(*copy->files));
        for (size_t i = 0; i < snapshot->n; i++) {
                copy->files[i].name = mem_strdup(snapshot->files[i].name);
                secret_set(&copy->files[i].data, snapshot->files[i].data.data, snapshot->files[i].data.len);
        }
        return copy;
}

const struct snapshot_file *snapshot_find(const struct snapshot *snapshot, const char *name)
{
        for (size_t i = 0; i < snapshot->n; i++)
                if (strcmp(snapshot->files[i].name, name) == 0)
                        return &snapshot->files[i];
        return NULL;
}

void snapshot_free(struct snapshot *snapshot)
{
        if (snapshot == NULL)
                return;
        for (size_t i = 0; i < snapshot->n; i++) {
                mem_free(snapshot->files[i].name);
                secret_done(&snapshot->files[i].data);
        }
        mem_free(snapshot->files);
        mem_free(snapshot);
}
