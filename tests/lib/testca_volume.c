// SPDX-License-Identifier: Apache-2.0
/*
 * A Secret volume as kubelet's atomic writer makes it (pkg/volume/util/atomic_writer.go), step by step in
 * its order: new directory, files, ..data_tmp, rename, links, removal of the old directory.
 */
#include "testca.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define need(condition) need_((condition), #condition, __LINE__)

static void need_(bool condition, const char *text, int line)
{
        if (condition)
                return;
        (void)fprintf(stderr, "testca_volume.c:%d: %s: %s\n", line, text, strerror(errno));
        abort();
}

char *testca_temp_dir(void)
{
        char *dir = mem_strdup("/tmp/certrotate-test-XXXXXX");

        need(mkdtemp(dir) != NULL);
        return dir;
}

static void remove_tree(int parent, const char *name)
{
        struct dirent *entry;
        DIR *dir;
        int fd;

        if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
                return;
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        need(fd != -1);
        dir = fdopendir(fd);
        need(dir != NULL);
        while ((entry = readdir(dir)) != NULL)
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        remove_tree(fd, entry->d_name);
        need(closedir(dir) == 0);
        need(unlinkat(parent, name, AT_REMOVEDIR) == 0);
}

void testca_remove_dir(const char *dir)
{
        remove_tree(AT_FDCWD, dir);
}

static void write_at(int dir, const char *name, const void *data, size_t len)
{
        int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        const char *p = data;

        need(fd != -1);
        while (len > 0) {
                ssize_t n = write(fd, p, len);

                need(n > 0);
                p += n;
                len -= (size_t)n;
        }
        need(close(fd) == 0);
}

static int open_dir(int parent, const char *name)
{
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        need(fd != -1);
        return fd;
}

void testca_write(const char *dir, const char *name, const void *data, size_t len)
{
        int fd = open_dir(AT_FDCWD, dir);

        write_at(fd, name, data, len);
        need(close(fd) == 0);
}

static bool is_wanted(const char *name, const struct testca_file *files, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(files[i].name, name) == 0)
                        return true;
        return false;
}

/* One link for each file, none for others; the names that begin with ".." are the writer's own. */
static void fix_links(int volume, const struct testca_file *files, size_t n)
{
        DIR *dir = fdopendir(open_dir(volume, "."));
        struct dirent *entry;

        need(dir != NULL);
        for (size_t i = 0; i < n; i++) {
                AUTO(mem_free_p) char *target = mem_printf("..data/%s", files[i].name);

                need(symlinkat(target, volume, files[i].name) == 0 || errno == EEXIST);
        }
        while ((entry = readdir(dir)) != NULL)
                if (entry->d_name[0] != '.' && !is_wanted(entry->d_name, files, n))
                        need(unlinkat(volume, entry->d_name, 0) == 0);
        need(closedir(dir) == 0);
}

/* "..2026_11_22_10_00_00.123456789": kubelet's time and random suffix, here the nanoseconds. */
static char *generation_name(void)
{
        struct timespec now;
        struct tm tm;
        char text[32];

        need(clock_gettime(CLOCK_REALTIME, &now) == 0 && gmtime_r(&now.tv_sec, &tm) != NULL);
        need(strftime(text, sizeof(text), "%Y_%m_%d_%H_%M_%S", &tm) > 0);
        return mem_printf("..%s.%09ld", text, now.tv_nsec);
}

void testca_volume_write(const char *dir, const struct testca_file *files, size_t n)
{
        AUTO(mem_free_p) char *name = generation_name();
        char old[PATH_MAX];
        ssize_t old_len;
        int volume;
        int generation;

        need(mkdir(dir, 0755) == 0 || errno == EEXIST);
        volume = open_dir(AT_FDCWD, dir);
        old_len = readlinkat(volume, "..data", old, sizeof(old) - 1);
        need(mkdirat(volume, name, 0755) == 0);
        generation = open_dir(volume, name);
        for (size_t i = 0; i < n; i++)
                write_at(generation, files[i].name, files[i].data, files[i].len);
        need(close(generation) == 0);
        need(symlinkat(name, volume, "..data_tmp") == 0);
        need(renameat(volume, "..data_tmp", volume, "..data") == 0);
        fix_links(volume, files, n);
        if (old_len > 0) {
                old[old_len] = '\0';
                remove_tree(volume, old);
        }
        need(close(volume) == 0);
}

void testca_volume_bundle(const char *dir, const struct testca *leaf, const struct testca *intermediate,
                          const struct testca *authority)
{
        const struct testca *list[] = { leaf, intermediate };
        AUTO(mem_free_p) char *chain = testca_chain_pem(list, intermediate == NULL ? 1 : 2);
        AUTO(mem_free_p) char *key = testca_key_pem(leaf, TESTCA_PKCS8, NULL);
        AUTO(mem_free_p) char *ca = authority == NULL ? mem_strdup("") : testca_cert_pem(authority);
        const struct testca_file files[] = { TESTCA_TEXT("tls.crt", chain), TESTCA_TEXT("tls.key", key),
                                             TESTCA_TEXT("ca.crt", ca) };

        testca_volume_write(dir, files, authority == NULL ? 2 : 3);
}
