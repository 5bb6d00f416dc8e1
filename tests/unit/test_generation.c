// SPDX-License-Identifier: Apache-2.0
/*
 * certs/generation.c: whole generations with the right modes, on a full disk too.
 */
#include "teststore.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <time.h>

#define SKIPPED 77

static void publishes_modes_whatever_the_umask(void **state)
{
        AUTO(generation_close_p) struct store *store = NULL;
        AUTO(mem_free_p) char *path = mem_printf("%s/a/b", (char *)*state);
        AUTO(mem_free_p) char *gen = mem_printf("%s/..data/", path);
        AUTO(mem_free_p) char *key = mem_printf("%s/tls.key", path);
        AUTO(mem_free_p) char *crt = mem_printf("%s/tls.crt", path);
        mode_t old = umask(0);
        struct stat st;
        struct err err;

        teststore_must(generation_open(path, &store, &err), &err);
        (void)umask(0777);
        teststore_must(teststore_stage(store, 1, false, &err), &err);
        teststore_must(generation_publish(store, 1, &err), &err);
        (void)umask(old);
        assert_int_equal(stat(gen, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);
        assert_int_equal(stat(key, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(stat(crt, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
}

static void hands_files_to_another_owner(void **state)
{
        static const struct output output = { .name = "tls.key", .attr = { 0440, 12345, 54321 } };
        AUTO(generation_close_p) struct store *store = NULL;
        AUTO(mem_free_p) char *key = mem_printf("%s/tls.key", (char *)*state);
        struct generation_file file = { &output, BUF_INIT(64) };
        AUTO(json_free_p) cJSON *meta = json_object();
        struct stat st;
        struct err err;

        if (geteuid() != 0)
                skip();
        teststore_must(generation_open(*state, &store, &err), &err);
        buf_add_str(&file.data, "key");
        teststore_must(generation_stage(store, 1, &file, 1, meta, &err), &err);
        buf_done(&file.data);
        teststore_must(generation_publish(store, 1, &err), &err);
        assert_int_equal(stat(key, &st), 0);
        assert_int_equal(st.st_uid, 12345);
        assert_int_equal(st.st_gid, 54321);
        assert_int_equal(st.st_mode & 07777, 0440);
}

static void replaces_foreign_files_but_no_directories(void **state)
{
        AUTO(generation_close_p) struct store *store = NULL;
        struct err err;
        int fd;

        teststore_must(generation_open(*state, &store, &err), &err);
        fd = openat(store->dir, "tls.crt", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0 && close(fd) == 0);
        fd = openat(store->dir, "notes.txt", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0 && close(fd) == 0);
        teststore_must(mkdirat(store->dir, "tls.key", 0700), &err);
        teststore_must(teststore_stage(store, 1, false, &err), &err);
        assert_int_equal(generation_publish(store, 1, &err), -1);
        assert_int_equal(err.kind, ERR_IO);
        assert_non_null(strstr(err.text, "tls.key"));
        assert_false(teststore_exists(*state, "..data") || teststore_exists(*state, "..tmp-tls.crt") ||
                     teststore_exists(*state, "ca.crt"));
        teststore_must(unlinkat(store->dir, "tls.key", AT_REMOVEDIR), &err);
        teststore_must(generation_publish(store, 1, &err), &err);
        assert_int_equal(teststore_shown(*state, "tls.crt"), 1);
        teststore_must(generation_prune(store, 0, &err), &err);
        assert_true(teststore_exists(*state, "notes.txt"));
}

static void refuses_directories_of_others(void **state)
{
        AUTO(generation_close_p) struct store *store = NULL;
        AUTO(mem_free_p) char *data = mem_printf("%s/..data", (char *)*state);
        struct err err;

        teststore_must(symlink("..2026_11_22_10_00_00.123", data), &err);
        assert_int_equal(generation_open(*state, &store, &err), -1);
        assert_int_equal(err.kind, ERR_USAGE);
        teststore_must(unlink(data), &err);
        teststore_must(mkdir(data, 0700), &err);
        assert_int_equal(generation_open(*state, &store, &err), -1);
        assert_int_equal(err.kind, ERR_USAGE);
}

static void keeps_what_it_must(void **state)
{
        AUTO(generation_close_p) struct store *store = NULL;
        AUTO(json_free_p) cJSON *meta = NULL;
        struct err err;
        int64_t current;

        teststore_must(generation_open(*state, &store, &err), &err);
        teststore_must(generation_current(store, &current, &err), &err);
        assert_int_equal(current, 0);
        assert_int_equal(generation_publish(store, 1, &err), -1);
        assert_int_equal(err.kind, ERR_MISSING);
        teststore_must(teststore_stage(store, 1, true, &err), &err);
        teststore_must(generation_publish(store, 1, &err), &err);
        teststore_must(teststore_stage(store, 2, false, &err), &err);
        teststore_must(generation_publish(store, 2, &err), &err);
        teststore_must(teststore_stage(store, 9, false, &err), &err);
        assert_int_equal(store->last, 9);
        assert_int_equal(generation_remove(store, 2, &err), -1);
        assert_int_equal(teststore_stage(store, 2, false, &err), -1);
        assert_int_equal(teststore_shown(*state, "tls.crt"), 2);
        teststore_must(generation_prune(store, 1, &err), &err);
        assert_true(generation_exists(store, 1) && generation_exists(store, 2));
        assert_false(generation_exists(store, 9));
        teststore_must(generation_meta(store, 1, &meta, &err), &err);
        assert_int_equal(json_get_int(meta, "number", 0), 1);
        teststore_must(generation_publish(store, 1, &err), &err);
        teststore_must(generation_publish(store, 1, &err), &err);
        assert_int_equal(teststore_shown(*state, "tls.key"), 1);
        assert_int_equal(teststore_shown(*state, "store.p12"), 1);
        teststore_must(generation_remove(store, 2, &err), &err);
        teststore_must(generation_remove(store, 2, &err), &err);
        generation_close(TAKE(store));
        teststore_must(generation_open(*state, &store, &err), &err);
        assert_int_equal(store->last, 1);
}

/* The names that were renamed into the directory since the last look, one a line. */
static void read_renames(int watch, struct buf *out)
{
        char data[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t n;

        while ((n = read(watch, data, sizeof(data))) > 0) {
                for (char *p = data; p < data + n;) {
                        const struct inotify_event *event = (const struct inotify_event *)(const void *)p;

                        if ((event->mask & IN_MOVED_TO) != 0 && event->name[0] != '.')
                                buf_printf(out, "%s\n", event->name);
                        p += sizeof(*event) + event->len;
                }
        }
}

/* Jetty looks when the key store changes, so the trust store must be there before: forward and back. */
static void renames_plain_files_in_their_order(void **state)
{
        static const char *const names[] = {
                "z", "truststore.jks", "a", "m", "keystore.jks", "b", "0", "last"
        };
        struct output outputs[ARRAY_LEN(names)];
        struct generation_file files[ARRAY_LEN(names)];
        AUTO(generation_close_p) struct store *store = NULL;
        AUTO(json_free_p) cJSON *meta = json_object();
        AUTO(buf_done_p) struct buf want = BUF_INIT(4096);
        AUTO(close_fd_p) int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        struct err err;

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                outputs[i] = (struct output){ .name = names[i],
                                              .attr = { 0600, FS_KEEP, (gid_t)FS_KEEP },
                                              .plain = true };
                files[i] = (struct generation_file){ &outputs[i], BUF_INIT(16) };
                buf_printf(&want, "%s\n", names[i]);
        }
        teststore_must(generation_open(*state, &store, &err), &err);
        teststore_must(generation_stage(store, 1, files, ARRAY_LEN(files), meta, &err), &err);
        teststore_must(generation_stage(store, 2, files, ARRAY_LEN(files), meta, &err), &err);
        teststore_must(generation_publish(store, 1, &err), &err);
        assert_true(inotify_add_watch(watch, *state, IN_MOVED_TO) >= 0);
        for (int64_t number = 2; number > 0; number--) {
                AUTO(buf_done_p) struct buf seen = BUF_INIT(4096);

                teststore_must(generation_publish(store, number, &err), &err);
                read_renames(watch, &seen);
                assert_string_equal(buf_str(&seen), buf_str(&want));
        }
}

static void refuses_bad_names(void **state)
{
        static const char *const bad[] = { "", ".", "..data", "a/b", "generation.json" };
        AUTO(generation_close_p) struct store *store = NULL;
        AUTO(json_free_p) cJSON *meta = json_object();
        struct err err;

        teststore_must(generation_open(*state, &store, &err), &err);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                const struct output output = { .name = bad[i], .attr = { 0600, FS_KEEP, (gid_t)FS_KEEP } };
                const struct generation_file file = { &output, BUF_INIT(1) };

                assert_int_equal(generation_stage(store, 1, &file, 1, meta, &err), -1);
                assert_int_equal(err.kind, ERR_USAGE);
                assert_false(teststore_exists(*state, "..gen-000001") ||
                             teststore_exists(*state, "..half-000001"));
        }
}

/* Runs in a child with a mount namespace of its own, so that nothing is left mounted. */
static int full_disk(const char *dir)
{
        struct store *store;
        struct err err = ERR_INIT;
        int64_t current = 0;

        if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
            mount("none", dir, "tmpfs", 0, "size=24k,nr_inodes=40") == -1)
                return SKIPPED;
        if (generation_open(dir, &store, &err) != 0 || teststore_stage(store, 1, false, &err) != 0 ||
            generation_publish(store, 1, &err) != 0)
                return 1;
        if (teststore_stage(store, 2, false, &err) != -1 || err.kind != ERR_IO || err.sys != ENOSPC)
                return 2;
        if (strstr(err.text, "No space left") == NULL || teststore_exists(dir, "..half-000002") ||
            generation_exists(store, 2))
                return 3;
        if (generation_current(store, &current, &err) != 0 || current != 1 ||
            teststore_shown(dir, "tls.crt") != 1 || teststore_shown(dir, "tls.key") != 1)
                return 4;
        generation_close(store);
        return 0;
}

/* No inode for the links: the publish fails before anything moved. */
static int no_inodes(const char *dir)
{
        static const char *const options[] = { "nr_inodes=6", "nr_inodes=7", "nr_inodes=8", "nr_inodes=9" };
        struct store *store;
        struct err err = ERR_INIT;

        for (size_t i = 0; i < ARRAY_LEN(options); i++) {
                if (mount("none", dir, "tmpfs", 0, options[i]) == -1)
                        return SKIPPED;
                if (generation_open(dir, &store, &err) != 0 || teststore_stage(store, 1, false, &err) != 0)
                        return 5;
                if (generation_publish(store, 1, &err) != -1 || err.sys != ENOSPC)
                        return 6;
                if (teststore_exists(dir, "..data") || teststore_exists(dir, "tls.crt") ||
                    teststore_exists(dir, "..tmp-ca.crt") || teststore_exists(dir, "..tmp-tls.crt") ||
                    teststore_exists(dir, "..tmp-tls.key"))
                        return 7;
                generation_close(store);
        }
        return 0;
}

static void survives_a_full_disk(void **state)
{
        pid_t pid = fork();
        int status = 0;

        if (pid == 0) {
                int r = full_disk(*state);

                _exit(r == 0 ? no_inodes(*state) : r);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == SKIPPED)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

static int64_t micros(void)
{
        struct timespec at;

        (void)clock_gettime(CLOCK_MONOTONIC, &at);
        return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

/* On the hot path between a renewed Secret and its being served. The bound is loose: sanitizers, busy CI. */
static void is_quick(void **state UNUSED)
{
        enum { ROUNDS = 200 };
        char dir[] = "/dev/shm/certrotate-generation-XXXXXX";
        struct store *store;
        struct err err;
        AUTO(json_free_p) cJSON *meta = json_object();
        int64_t spent = 0;

        if (mkdtemp(dir) == NULL)
                skip();
        teststore_must(generation_open(dir, &store, &err), &err);
        for (int64_t i = 1; i <= ROUNDS; i++) {
                struct teststore_files files;
                int64_t start;

                teststore_render(i, false, &files);
                start = micros();
                teststore_must(generation_stage(store, i, files.items, files.n, meta, &err), &err);
                teststore_must(generation_publish(store, i, &err), &err);
                spent += micros() - start;
                teststore_files_done(&files);
                teststore_must(generation_prune(store, i - 1, &err), &err);
        }
        generation_close(store);
        *state = mem_strdup(dir);
        (void)teststore_teardown(state);
        print_message("stage and publish: %lld us\n", (long long)(spent / ROUNDS));
        assert_true(spent / ROUNDS < 20000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(publishes_modes_whatever_the_umask, teststore_setup,
                                                teststore_teardown),
                cmocka_unit_test_setup_teardown(hands_files_to_another_owner, teststore_setup,
                                                teststore_teardown),
                cmocka_unit_test_setup_teardown(replaces_foreign_files_but_no_directories, teststore_setup,
                                                teststore_teardown),
                cmocka_unit_test_setup_teardown(refuses_directories_of_others, teststore_setup,
                                                teststore_teardown),
                cmocka_unit_test_setup_teardown(keeps_what_it_must, teststore_setup, teststore_teardown),
                cmocka_unit_test_setup_teardown(renames_plain_files_in_their_order, teststore_setup,
                                                teststore_teardown),
                cmocka_unit_test_setup_teardown(refuses_bad_names, teststore_setup, teststore_teardown),
                cmocka_unit_test_setup_teardown(survives_a_full_disk, teststore_setup, teststore_teardown),
                cmocka_unit_test(is_quick),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
