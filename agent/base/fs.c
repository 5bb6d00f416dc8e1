// SPDX-License-Identifier: Apache-2.0
/*
 * File system helpers. The trap they exist for: a half-written file that already has its final name.
 */
#include "base/fs.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define READ_CHUNK 16384
#define TMP_SUFFIX ".tmp"

int fs_open_dir(const char *path, int *out, struct err *err)
{
        return fs_open_dir_at(AT_FDCWD, path, out, err);
}

int fs_open_dir_at(int dir, const char *name, int *out, struct err *err)
{
        int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd == -1)
                return err_sys(err, errno, "open directory '%s'", name);
        *out = fd;
        return 0;
}

int fs_make_dirs(const char *path, mode_t mode, struct err *err)
{
        AUTO(mem_free_p) char *copy = mem_strdup(path);

        for (char *p = copy + 1; *p != '\0'; p++) {
                if (*p != '/')
                        continue;
                *p = '\0';
                if (mkdir(copy, mode) == -1 && errno != EEXIST)
                        return err_sys(err, errno, "create directory '%s'", copy);
                *p = '/';
        }
        if (mkdir(copy, mode) == -1 && errno != EEXIST)
                return err_sys(err, errno, "create directory '%s'", copy);
        return 0;
}

/* Is there more than was wanted? */
static int expect_end(int fd, const char *name, size_t max, struct err *err)
{
        uint8_t one_too_many = 0;

        if (read(fd, &one_too_many, 1) > 0)
                return err_set(err, ERR_LIMIT, "'%s' is larger than %zu bytes", name, max);
        return 0;
}

static int read_all(int fd, const char *name, size_t max, struct buf *out, struct err *err)
{
        size_t left = max;

        while (left > 0) {
                size_t room = left < READ_CHUNK ? left : READ_CHUNK;
                uint8_t *to = buf_reserve(out, room);
                ssize_t n;

                if (to == NULL)
                        return err_set(err, ERR_LIMIT, "'%s' is larger than its buffer", name);
                n = read(fd, to, room);
                if (n == -1 && errno == EINTR)
                        continue;
                if (n == -1)
                        return err_sys(err, errno, "read '%s'", name);
                if (n == 0)
                        return 0;
                left -= (size_t)n;
                out->len += (size_t)n;
                out->data[out->len] = 0;
        }
        return expect_end(fd, name, max, err);
}

int fs_read_at(int dir, const char *name, size_t max, struct buf *out, struct err *err)
{
        AUTO(close_fd_p) int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;

        if (fd == -1)
                return err_sys(err, errno, "open '%s'", name);
        if (fstat(fd, &st) == -1)
                return err_sys(err, errno, "stat '%s'", name);
        if (!S_ISREG(st.st_mode))
                return err_set(err, ERR_IO, "'%s' is not a regular file", name);
        return read_all(fd, name, max, out, err);
}

int fs_read(const char *path, size_t max, struct buf *out, struct err *err)
{
        return fs_read_at(AT_FDCWD, path, max, out, err);
}

static int write_all(int fd, const uint8_t *data, size_t len, const char *name, struct err *err)
{
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n == -1 && errno == EINTR)
                        continue;
                if (n == -1)
                        return err_sys(err, errno, "write '%s'", name);
                data += n;
                len -= (size_t)n;
        }
        return 0;
}

static int create(int dir, const char *name, const void *data, size_t len, const struct fs_attr *attr,
                  bool sync, struct err *err)
{
        AUTO(close_fd_p)
        int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (fd == -1)
                return err_sys(err, errno, "create '%s'", name);
        if ((attr->uid != FS_KEEP || attr->gid != (gid_t)FS_KEEP) && fchown(fd, attr->uid, attr->gid) == -1)
                return err_sys(err, errno, "set owner %d:%d of '%s'", (int)attr->uid, (int)attr->gid, name);
        if (fchmod(fd, attr->mode) == -1)
                return err_sys(err, errno, "set mode %04o of '%s'", (unsigned)attr->mode, name);
        if (write_all(fd, data, len, name, err) != 0)
                return -1;
        if (sync && fsync(fd) == -1)
                return err_sys(err, errno, "sync '%s'", name);
        return 0;
}

int fs_create_at(int dir, const char *name, const void *data, size_t len, const struct fs_attr *attr,
                 struct err *err)
{
        return create(dir, name, data, len, attr, true, err);
}

/* Leaves no file behind when it fails, not even one that a killed process left. */
static int create_or_nothing(int dir, const char *name, const void *data, size_t len,
                             const struct fs_attr *attr, bool sync, struct err *err)
{
        if (create(dir, name, data, len, attr, sync, err) == 0)
                return 0;
        (void)unlinkat(dir, name, 0);
        return -1;
}

static int replace(int dir, const char *name, const void *data, size_t len, const struct fs_attr *attr,
                   bool sync, struct err *err)
{
        AUTO(mem_free_p) char *tmp = mem_printf("%s" TMP_SUFFIX, name);

        if (create_or_nothing(dir, tmp, data, len, attr, sync, err) != 0 &&
            (err->sys != EEXIST || create_or_nothing(dir, tmp, data, len, attr, sync, err) != 0))
                return -1;
        if (renameat(dir, tmp, dir, name) == -1) {
                const int sys = errno;

                /* It may hold a private key. */
                (void)unlinkat(dir, tmp, 0);
                return err_sys(err, sys, "rename '%s' to '%s'", tmp, name);
        }
        return 0;
}

int fs_replace_at(int dir, const char *name, const void *data, size_t len, const struct fs_attr *attr,
                  struct err *err)
{
        if (replace(dir, name, data, len, attr, true, err) != 0)
                return -1;
        return dir == AT_FDCWD ? 0 : fs_sync_dir(dir, err);
}

int fs_replace(const char *path, const void *data, size_t len, const struct fs_attr *attr, struct err *err)
{
        if (strcmp(path, "-") == 0)
                return write_all(STDOUT_FILENO, data, len, "standard output", err);
        return fs_replace_at(AT_FDCWD, path, data, len, attr, err);
}

int fs_replace_unsynced(const char *path, const void *data, size_t len, const struct fs_attr *attr,
                        struct err *err)
{
        return replace(AT_FDCWD, path, data, len, attr, false, err);
}

int fs_link_at(int dir, const char *name, const char *target, struct err *err)
{
        AUTO(mem_free_p) char *tmp = mem_printf("%s" TMP_SUFFIX, name);

        if (unlinkat(dir, tmp, 0) == -1 && errno != ENOENT)
                return err_sys(err, errno, "remove '%s'", tmp);
        if (symlinkat(target, dir, tmp) == -1)
                return err_sys(err, errno, "create symlink '%s'", tmp);
        if (renameat(dir, tmp, dir, name) == -1)
                return err_sys(err, errno, "rename '%s' to '%s'", tmp, name);
        return fs_sync_dir(dir, err);
}

int fs_readlink_at(int dir, const char *name, char **out, struct err *err)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

        if (n == -1)
                return err_sys(err, errno, "read symlink '%s'", name);
        target[n] = '\0';
        *out = mem_strdup(target);
        return 0;
}

static void close_dir_p(DIR **dir)
{
        if (*dir != NULL)
                (void)closedir(*dir);
}

static int remove_entries(int parent, const char *name, int depth, struct err *err)
{
        AUTO(close_fd_p) int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        AUTO(close_dir_p) DIR *entries = NULL;
        struct dirent *entry;

        if (fd == -1)
                return errno == ENOENT ? 0 : err_sys(err, errno, "open directory '%s'", name);
        entries = fdopendir(fd);
        if (entries == NULL)
                return err_sys(err, errno, "list directory '%s'", name);
        (void)take_fd(&fd);
        while ((entry = readdir(entries)) != NULL) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (unlinkat(dirfd(entries), entry->d_name, 0) == 0)
                        continue;
                if (errno != EISDIR || depth == 0)
                        return err_sys(err, errno, "remove '%s/%s'", name, entry->d_name);
                if (remove_entries(dirfd(entries), entry->d_name, depth - 1, err) != 0)
                        return -1;
        }
        if (unlinkat(parent, name, AT_REMOVEDIR) == -1 && errno != ENOENT)
                return err_sys(err, errno, "remove directory '%s'", name);
        return 0;
}

int fs_remove_dir_at(int dir, const char *name, struct err *err)
{
        return remove_entries(dir, name, 1, err);
}

int fs_sync_dir(int dir, struct err *err)
{
        if (fsync(dir) == -1)
                return err_sys(err, errno, "sync directory");
        return 0;
}
