// SPDX-License-Identifier: Apache-2.0
/*
 * Kubelet's atomic writer, step by step, so that the rename can be timed alone.
 */
#include "volume.h"

#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FILE_MAX 65536
#define LINK_TMP "..data_tmp"
#define LINK     "..data"

static const char *const file_names[VOLUME_FILES] = { "ca.crt", "tls.crt", "tls.key" };

int volume_open(const char *path, struct volume *volume, struct err *err)
{
        (void)memset(volume, 0, sizeof(*volume));
        volume->dir = -1;
        if (fs_open_dir(path, &volume->dir, err) != 0)
                return -1;
        return fs_readlink_at(volume->dir, LINK, &volume->old, err);
}

void volume_done(struct volume *volume)
{
        close_fd_p(&volume->dir);
        volume->dir = -1;
        mem_free(TAKE(volume->old));
}

/* The first certificate of tls.crt is the leaf. */
static int read_leaf(const struct buf *pem, struct buf *out, struct err *err)
{
        BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
        X509 *leaf = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
        int len = leaf == NULL ? 0 : i2d_X509(leaf, NULL);
        uint8_t *to = len <= 0 ? NULL : buf_reserve(out, (size_t)len);

        if (to != NULL)
                out->len = (size_t)i2d_X509(leaf, &to);
        X509_free(leaf);
        (void)BIO_free(bio);
        if (out->len == 0)
                return err_set(err, ERR_PARSE, "no certificate in tls.crt");
        return 0;
}

int volume_load(const char *path, struct volume_bundle *bundle, struct err *err)
{
        AUTO(close_fd_p) int dir = -1;

        (void)memset(bundle, 0, sizeof(*bundle));
        bundle->leaf.max = FILE_MAX;
        if (fs_open_dir(path, &dir, err) != 0)
                return -1;
        for (size_t i = 0; i < VOLUME_FILES; i++) {
                bundle->files[i].max = FILE_MAX;
                if (fs_read_at(dir, file_names[i], FILE_MAX - 1, &bundle->files[i], err) != 0)
                        return err_wrap(err, "bundle '%s'", path);
        }
        if (read_leaf(&bundle->files[1], &bundle->leaf, err) != 0)
                return err_wrap(err, "bundle '%s'", path);
        return 0;
}

void volume_unload(struct volume_bundle *bundle)
{
        for (size_t i = 0; i < VOLUME_FILES; i++)
                buf_done(&bundle->files[i]);
        buf_done(&bundle->leaf);
}

int volume_prepare(struct volume *volume, const struct volume_bundle *bundle, struct err *err)
{
        AUTO(close_fd_p) int dir = -1;
        const struct fs_attr attr = { .mode = 0644, .uid = FS_KEEP, .gid = (gid_t)FS_KEEP };
        struct timespec now;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        (void)snprintf(volume->next, sizeof(volume->next), "..%lld_%09ld", (long long)now.tv_sec,
                       now.tv_nsec);
        if (mkdirat(volume->dir, volume->next, 0755) == -1)
                return err_sys(err, errno, "create directory '%s'", volume->next);
        if (fs_open_dir_at(volume->dir, volume->next, &dir, err) != 0)
                return -1;
        for (size_t i = 0; i < VOLUME_FILES; i++)
                if (fs_create_at(dir, file_names[i], bundle->files[i].data, bundle->files[i].len, &attr,
                                 err) != 0)
                        return -1;
        if (symlinkat(volume->next, volume->dir, LINK_TMP) == -1)
                return err_sys(err, errno, "create symlink '%s'", LINK_TMP);
        return 0;
}

int volume_swap(struct volume *volume, struct err *err)
{
        if (renameat(volume->dir, LINK_TMP, volume->dir, LINK) == -1)
                return err_sys(err, errno, "rename '%s' to '%s'", LINK_TMP, LINK);
        return 0;
}

int volume_clean(struct volume *volume, struct err *err)
{
        AUTO(mem_free_p) char *old = TAKE(volume->old);

        volume->old = mem_strdup(volume->next);
        return fs_remove_dir_at(volume->dir, old, err);
}
