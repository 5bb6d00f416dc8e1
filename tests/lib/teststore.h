// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * For the tests of certs/generation.c: files that say of which generation they are, and a look at what is
 * published. Memory-backed where the machine has it: these tests sync a lot.
 */
#include "base/mem.h"
#include "certs/generation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define BODY_LEN 3000

static const struct output UNUSED teststore_outputs[] = {
        { .name = "ca.crt", .content = OUTPUT_CA, .attr = { 0644, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "tls.crt", .content = OUTPUT_CHAIN, .attr = { 0644, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "tls.key", .content = OUTPUT_KEY, .attr = { 0600, FS_KEEP, (gid_t)FS_KEEP } },
};
static const struct output UNUSED teststore_plain = { .name = "store.p12",
                                                      .content = OUTPUT_PKCS12,
                                                      .attr = { 0640, FS_KEEP, (gid_t)FS_KEEP },
                                                      .plain = true };

static inline UNUSED int teststore_setup(void **state)
{
        const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        char *dir = mem_printf("%s/certrotate-generation-XXXXXX", root);

        assert_non_null(mkdtemp(dir));
        *state = dir;
        return 0;
}

static inline UNUSED int teststore_teardown(void **state)
{
        AUTO(mem_free_p) char *command = mem_printf("rm -rf '%s'", (char *)*state);
        pid_t pid = fork();

        if (pid == 0) {
                execl("/bin/sh", "sh", "-c", command, (char *)NULL);
                _exit(127);
        }
        (void)waitpid(pid, NULL, 0);
        mem_free(*state);
        return 0;
}

struct teststore_files {
        struct generation_file items[4];
        size_t n;
};

/* Files that say which generation they are of: "<number> <number> …", BODY_LEN bytes. */
static inline UNUSED void teststore_render(int64_t number, bool plain, struct teststore_files *out)
{
        for (out->n = 0; out->n < 3; out->n++)
                out->items[out->n] =
                        (struct generation_file){ &teststore_outputs[out->n], BUF_INIT(1 << 20) };
        if (plain)
                out->items[out->n++] = (struct generation_file){ &teststore_plain, BUF_INIT(1 << 20) };
        for (size_t i = 0; i < out->n; i++)
                while (out->items[i].data.len < BODY_LEN)
                        buf_printf(&out->items[i].data, "%05lld\n", (long long)number);
}

static inline UNUSED void teststore_files_done(struct teststore_files *files)
{
        for (size_t i = 0; i < files->n; i++)
                buf_done(&files->items[i].data);
}

static inline UNUSED int teststore_stage(struct store *store, int64_t number, bool plain, struct err *err)
{
        struct teststore_files files;
        cJSON *meta = json_object();
        int r;

        teststore_render(number, plain, &files);
        json_add_int(meta, "number", number);
        r = generation_stage(store, number, files.items, files.n, meta, err);
        json_free(meta);
        teststore_files_done(&files);
        return r;
}

/* Which generation a visible name shows: 0 when it is not there, -1 when it is torn. */
static inline UNUSED int64_t teststore_shown(const char *dir, const char *name)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(1 << 20);
        AUTO(mem_free_p) char *path = mem_printf("%s/%s", dir, name);
        struct stat st;
        struct err err;
        int64_t number;

        if (lstat(path, &st) == -1)
                return 0;
        if (fs_read(path, 1 << 20, &text, &err) != 0 || text.len != BODY_LEN || text.len % 6 != 0)
                return -1;
        number = strtoll(buf_str(&text), NULL, 10);
        for (size_t i = 0; i < text.len; i += 6)
                if (strtoll(buf_str(&text) + i, NULL, 10) != number)
                        return -1;
        return number;
}

static inline UNUSED bool teststore_exists(const char *dir, const char *name)
{
        AUTO(mem_free_p) char *path = mem_printf("%s/%s", dir, name);
        struct stat st;

        return lstat(path, &st) == 0;
}

static inline UNUSED void teststore_must(int r, const struct err *err)
{
        if (r != 0)
                fail_msg("%s", err->text);
}
