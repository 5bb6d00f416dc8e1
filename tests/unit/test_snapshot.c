// SPDX-License-Identifier: Apache-2.0
/*
 * certs/snapshot.c: one generation or none. The torture: another process swaps as fast as it can, and no
 * snapshot may ever hold files of two generations.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "certs/snapshot.h"
#include "testca.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define SWAPS      1000
#define TORN_BYTES 4096

static char *below(const char *dir, const char *name)
{
        return mem_printf("%s/%s", dir, name);
}

static void a_secret_volume(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        const struct testca_file first[] = { TESTCA_TEXT("tls.key", "k"), TESTCA_TEXT("ca.crt", "") };
        const struct testca_file second[] = { TESTCA_TEXT("tls.key", "K"), TESTCA_TEXT("ca.crt", "") };
        AUTO(snapshot_free_p) struct snapshot *one = NULL;
        AUTO(snapshot_free_p) struct snapshot *same = NULL;
        AUTO(snapshot_free_p) struct snapshot *other = NULL;
        struct err err = ERR_INIT;

        testca_volume_write(dir, first, 2);
        assert_int_equal(snapshot_read(dir, &one, &err), 0);
        assert_true(one->atomic);
        assert_int_equal(one->n, 2);
        assert_string_equal(one->files[0].name, "ca.crt");
        assert_int_equal(one->files[0].data.len, 0);
        assert_memory_equal(snapshot_find(one, "tls.key")->data.data, "k", 2);
        assert_null(snapshot_find(one, "tls.crt"));
        testca_volume_write(dir, first, 2);
        assert_int_equal(snapshot_read(dir, &same, &err), 0);
        assert_true(hex_fingerprint_equal(&one->content, &same->content));
        testca_volume_write(dir, second, 2);
        assert_int_equal(snapshot_read(dir, &other, &err), 0);
        assert_false(hex_fingerprint_equal(&one->content, &other->content));
}

static void a_plain_directory(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *link = below(dir, "link.pem");
        AUTO(mem_free_p) char *loose = below(dir, "loose.pem");
        AUTO(mem_free_p) char *sub = below(dir, "sub");
        AUTO(mem_free_p) char *fifo = below(dir, "fifo");
        AUTO(snapshot_free_p) struct snapshot *snapshot = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(snapshot_read(dir, &snapshot, &err), -1);
        assert_int_equal(err.kind, ERR_MISSING);
        testca_write(dir, "b", "2", 1);
        testca_write(dir, "a", "1", 1);
        testca_write(dir, ".hidden", "3", 1);
        assert_int_equal(symlink("a", link), 0);
        assert_int_equal(symlink("nowhere", loose), 0);
        assert_int_equal(mkdir(sub, 0755), 0);
        assert_int_equal(mkfifo(fifo, 0644), 0);
        assert_int_equal(snapshot_read(dir, &snapshot, &err), 0);
        assert_false(snapshot->atomic);
        assert_int_equal(snapshot->n, 3);
        assert_string_equal(snapshot->files[2].name, "link.pem");
}

static void what_cannot_be_read(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *none = below(dir, "none");
        AUTO(mem_free_p) char *data = below(dir, "..data");
        AUTO(mem_free_p) char *big = mem_new(SNAPSHOT_MAX_BYTES);
        AUTO(snapshot_free_p) struct snapshot *snapshot = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(snapshot_read(none, &snapshot, &err), -1);
        assert_int_equal(err.kind, ERR_MISSING);
        assert_int_equal(symlink("..2026_gone", data), 0);
        assert_int_equal(snapshot_read(dir, &snapshot, &err), -1);
        assert_int_equal(err.kind, ERR_MISSING);
        assert_non_null(strstr(err.text, "leads nowhere"));
        assert_int_equal(unlink(data), 0);
        testca_write(dir, "a", "1", 1);
        testca_write(dir, "b", big, SNAPSHOT_MAX_BYTES);
        assert_int_equal(snapshot_read(dir, &snapshot, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        testca_write(dir, "b", "2", 1);
        for (int i = 0; i < SNAPSHOT_MAX_FILES - 1; i++) {
                AUTO(mem_free_p) char *name = mem_printf("f%d", i);

                testca_write(dir, name, "", 0);
        }
        assert_int_equal(snapshot_read(dir, &snapshot, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
}

static void files_by_path(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *a = below(dir, "a");
        AUTO(mem_free_p) char *b = below(dir, "b");
        AUTO(mem_free_p) char *none = below(dir, "none");
        const char *const both[] = { b, a };
        const char *const twice[] = { a, a };
        const char *const missing[] = { a, none };
        AUTO(snapshot_free_p) struct snapshot *snapshot = NULL;
        struct err err = ERR_INIT;

        testca_write(dir, "a", "1", 1);
        testca_write(dir, "b", "2", 1);
        assert_int_equal(snapshot_read_files(twice, 2, &snapshot, &err), -1);
        assert_int_equal(snapshot_read_files(missing, 2, &snapshot, &err), -1);
        assert_int_equal(err.kind, ERR_MISSING);
        assert_int_equal(snapshot_read_files(both, 2, &snapshot, &err), 0);
        assert_string_equal(snapshot->files[0].name, "a");
}

/* Three files whose every byte is the generation's letter. */
static void swap_forever(const char *dir, int swaps)
{
        char text[TORN_BYTES];
        const struct testca_file files[] = { { "ca.crt", text, sizeof(text) },
                                             { "tls.crt", text, sizeof(text) },
                                             { "tls.key", text, sizeof(text) } };

        for (int i = 0; i < swaps; i++) {
                memset(text, 'a' + i % 26, sizeof(text));
                testca_volume_write(dir, files, ARRAY_LEN(files));
        }
}

static bool is_torn(const struct snapshot *snapshot)
{
        if (snapshot->n != 3)
                return true;
        for (size_t i = 0; i < snapshot->n; i++) {
                if (snapshot->files[i].data.len != TORN_BYTES)
                        return true;
                for (size_t at = 0; at < TORN_BYTES; at++)
                        if (snapshot->files[i].data.data[at] != snapshot->files[0].data.data[0])
                                return true;
        }
        return false;
}

static void never_torn_while_swapped(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(snapshot_free_p) struct snapshot *last = NULL;
        struct err err = ERR_INIT;
        int whole = 0;
        int changed = 0;
        int status = 0;
        pid_t child;

        swap_forever(dir, 1);
        child = fork();
        assert_int_not_equal(child, -1);
        if (child == 0) {
                swap_forever(dir, SWAPS);
                _exit(0);
        }
        while (waitpid(child, &status, WNOHANG) == 0) {
                AUTO(snapshot_free_p) struct snapshot *snapshot = NULL;

                if (snapshot_read(dir, &snapshot, &err) == 0) {
                        whole++;
                        assert_false(is_torn(snapshot));
                        assert_true(snapshot->atomic);
                } else {
                        changed++;
                        assert_int_equal(err.kind, ERR_CHANGED);
                }
        }
        assert_int_equal(status, 0);
        assert_int_equal(snapshot_read(dir, &last, &err), 0);
        assert_int_equal(last->files[0].data.data[0], 'a' + (SWAPS - 1) % 26);
        print_message("%d whole, %d given up as changing\n", whole, changed);
        assert_true(whole > 0);
}

static void replace(const char *dir, const char *name, int number)
{
        AUTO(mem_free_p) char *from = below(dir, ".new");
        AUTO(mem_free_p) char *to = below(dir, name);
        AUTO(mem_free_p) char *text = mem_printf("%06d", number);

        testca_write(dir, ".new", text, strlen(text));
        assert_int_equal(rename(from, to), 0);
}

/*
 * "a" is always replaced before "b", so that at no moment b is ahead of a; but who reads a, sleeps, and reads
 * b sees just that.
 */
static void plain_directory_in_motion(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        int status = 0;
        pid_t child;

        replace(dir, "a", 0);
        replace(dir, "b", 0);
        child = fork();
        assert_int_not_equal(child, -1);
        if (child == 0) {
                for (int i = 0; i < 10 * SWAPS; i++) {
                        replace(dir, "a", i);
                        replace(dir, "b", i);
                        if (i % 4 == 0)
                                (void)usleep(100);
                }
                _exit(0);
        }
        while (waitpid(child, &status, WNOHANG) == 0) {
                AUTO(snapshot_free_p) struct snapshot *snapshot = NULL;
                struct err err = ERR_INIT;

                if (snapshot_read(dir, &snapshot, &err) != 0) {
                        assert_int_equal(err.kind, ERR_CHANGED);
                        continue;
                }
                assert_int_equal(snapshot->n, 2);
                assert_true(memcmp(snapshot->files[0].data.data, snapshot->files[1].data.data, 6) >= 0);
        }
        assert_int_equal(status, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_secret_volume),          cmocka_unit_test(a_plain_directory),
                cmocka_unit_test(what_cannot_be_read),      cmocka_unit_test(files_by_path),
                cmocka_unit_test(never_torn_while_swapped), cmocka_unit_test(plain_directory_in_motion),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
