// SPDX-License-Identifier: Apache-2.0
/*
 * agent/loop/watch_dir.c on real directories: kubelet's swaps, plain writes, lost directories, overflow.
 */
#include "loop/watch_dir.h"

#include "base/fs.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define SWAPS 1000

struct scene {
        struct loop *loop;
        struct watch_dir *watch;
        struct loop_timer *end;
        char root[64];
        char dir[80];
        int generation; /* written */
        int seen;       /* read through ..data at the last hint */
        int hints[WATCH_LOST + 1];
        enum watch_hint last;
        unsigned seed;
        bool watches_again;
        bool is_racing;
};

static int read_generation(const struct scene *scene)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT((size_t)1 << 20);
        AUTO(mem_free_p) char *path = mem_printf("%s/..data/n", scene->dir);
        struct err err;
        int n = 0;

        if (fs_read(path, 32, &text, &err))
                return -1;
        assert_int_equal(sscanf(buf_str(&text), "%d", &n), 1);
        return n;
}

static void on_hint(enum watch_hint hint, void *arg)
{
        struct scene *scene = arg;
        struct err err;

        scene->hints[hint]++;
        scene->last = hint;
        if (hint == WATCH_LOST && scene->watches_again && watch_dir_set(scene->watch, scene->dir, &err))
                assert_int_equal(err.kind, ERR_MISSING);
        if (hint == WATCH_SWAPPED)
                scene->seen = read_generation(scene);
        if (scene->is_racing && scene->seen == SWAPS)
                loop_stop(scene->loop);
}

static void on_end(void *arg)
{
        loop_stop(((struct scene *)arg)->loop);
}

static void run_for(struct scene *scene, int64_t ms)
{
        loop_timer_set(scene->end, ms);
        loop_run(scene->loop);
}

static void forget(struct scene *scene)
{
        memset(scene->hints, 0, sizeof(scene->hints));
}

static void write_file(const char *dir, const char *name, const char *text)
{
        AUTO(mem_free_p) char *path = mem_printf("%s/%s", dir, name);
        AUTO(close_fd_p) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* What kubelet's atomic writer does: directory, ..data_tmp, rename, removal of the old one. */
static void swap(struct scene *scene)
{
        const int n = ++scene->generation;
        AUTO(mem_free_p) char *fresh = mem_printf("%s/..gen.%d", scene->dir, n);
        AUTO(mem_free_p) char *target = mem_printf("..gen.%d", n);
        AUTO(mem_free_p) char *link = mem_printf("%s/..data_tmp", scene->dir);
        AUTO(mem_free_p) char *data = mem_printf("%s/..data", scene->dir);
        AUTO(mem_free_p) char *text = mem_printf("%d\n", n);
        AUTO(mem_free_p) char *old = mem_printf("%s/..gen.%d", scene->dir, n - 1);
        AUTO(mem_free_p) char *old_file = mem_printf("%s/n", old);

        assert_int_equal(mkdir(fresh, 0700), 0);
        write_file(fresh, "n", text);
        assert_int_equal(symlink(target, link), 0);
        assert_int_equal(rename(link, data), 0);
        (void)unlink(old_file);
        (void)rmdir(old);
}

/* In a process of its own, so that swaps fall into every moment of ours: bursts and pauses. */
static pid_t start_swapping(struct scene *scene)
{
        const pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        for (int i = 0; i < SWAPS; i++) {
                swap(scene);
                if (rand_r(&scene->seed) % 3 != 0)
                        (void)usleep((useconds_t)(rand_r(&scene->seed) % 1500));
        }
        _exit(0);
}

static int setup(void **state)
{
        struct scene *scene = MEM_NEW(struct scene);
        struct err err;

        (void)snprintf(scene->root, sizeof(scene->root), "/tmp/test_watch_dir.XXXXXX");
        assert_non_null(mkdtemp(scene->root));
        (void)snprintf(scene->dir, sizeof(scene->dir), "%s/volume", scene->root);
        assert_int_equal(mkdir(scene->dir, 0700), 0);
        scene->loop = loop_new();
        scene->end = loop_timer_new(scene->loop, on_end, scene);
        assert_int_equal(watch_dir_open(scene->loop, on_hint, scene, &scene->watch, &err), 0);
        assert_int_equal(watch_dir_set(scene->watch, scene->dir, &err), 0);
        *state = scene;
        return 0;
}

static int teardown(void **state)
{
        struct scene *scene = *state;
        struct err err;
        int root = -1;

        watch_dir_close(scene->watch);
        loop_timer_free(scene->end);
        loop_free(scene->loop);
        assert_int_equal(fs_open_dir(scene->root, &root, &err), 0);
        (void)unlinkat(root, "volume/..data", 0);
        for (int n = 0; n <= scene->generation; n++) {
                AUTO(mem_free_p) char *name = mem_printf("volume/..gen.%d", n);

                if (fs_remove_dir_at(root, name, &err))
                        fail_msg("%s", err.text);
        }
        (void)unlinkat(root, "link", 0);
        if (fs_remove_dir_at(root, "volume", &err) || fs_remove_dir_at(root, "moved", &err))
                fail_msg("%s", err.text);
        (void)close(root);
        (void)rmdir(scene->root);
        mem_free(scene);
        return 0;
}

/* No sleeping between the rename and the check: the hint itself must lead to the last generation. */
static void every_swap_sequence_ends_seen(void **state)
{
        struct scene *scene = *state;

        pid_t pid;

        scene->seed = 1;
        scene->is_racing = true;
        pid = start_swapping(scene);
        run_for(scene, 60000); /* ended by the hint that shows the last one */
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        scene->generation = SWAPS;
        assert_int_equal(scene->seen, SWAPS);
        assert_int_equal(scene->hints[WATCH_LOST], 0);
        print_message("%d swaps: %d hints swapped, %d touched\n", scene->generation,
                      scene->hints[WATCH_SWAPPED], scene->hints[WATCH_TOUCHED]);
}

static void later_swaps_are_seen_as_the_first(void **state)
{
        struct scene *scene = *state;

        for (int n = 1; n <= 5; n++) {
                forget(scene);
                swap(scene);
                run_for(scene, 10);
                assert_int_equal(scene->hints[WATCH_SWAPPED], 1);
                assert_int_equal(scene->hints[WATCH_TOUCHED], 0); /* scaffolding is not told */
                assert_int_equal(scene->seen, n);
        }
}

static void scaffolding_is_not_told(void **state)
{
        struct scene *scene = *state;
        AUTO(mem_free_p) char *fresh = mem_printf("%s/..gen.1", scene->dir);
        AUTO(mem_free_p) char *link = mem_printf("%s/..data_tmp", scene->dir);
        AUTO(mem_free_p) char *data = mem_printf("%s/..data", scene->dir);

        assert_int_equal(mkdir(fresh, 0700), 0);
        assert_int_equal(symlink("..gen.1", link), 0);
        assert_int_equal(unlink(link), 0);
        run_for(scene, 5);
        assert_int_equal(scene->hints[WATCH_TOUCHED] + scene->hints[WATCH_SWAPPED], 0);
        assert_int_equal(symlink("..gen.1", data), 0); /* not renamed, yet it is the content */
        run_for(scene, 5);
        assert_int_equal(scene->hints[WATCH_TOUCHED], 1);
        scene->generation = 1;
}

static void plain_files_are_touches(void **state)
{
        struct scene *scene = *state;
        AUTO(mem_free_p) char *a = mem_printf("%s/a", scene->dir);
        AUTO(mem_free_p) char *b = mem_printf("%s/b", scene->dir);

        static const char *const acts[] = { "create", "rewrite", "chmod", "rename", "unlink" };

        for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
                forget(scene);
                if (i < 2)
                        write_file(scene->dir, "a", acts[i]);
                else
                        assert_int_equal(i == 2 ? chmod(a, 0640) : i == 3 ? rename(a, b) : unlink(b), 0);
                run_for(scene, 5);
                if (scene->hints[WATCH_TOUCHED] != 1 || scene->hints[WATCH_SWAPPED] != 0)
                        fail_msg("%s: %d touched", acts[i], scene->hints[WATCH_TOUCHED]);
        }
}

static void count_descriptors(int *n)
{
        DIR *dir = opendir("/proc/self/fd");

        assert_non_null(dir);
        for (*n = 0; readdir(dir) != NULL;)
                ++*n;
        (void)closedir(dir);
}

static void a_directory_may_go_and_come_back(void **state)
{
        struct scene *scene = *state;
        AUTO(mem_free_p) char *moved = mem_printf("%s/moved", scene->root);
        struct err err;
        int before;
        int after;

        count_descriptors(&before);
        for (int round = 0; round < 20; round++) {
                forget(scene);
                scene->watches_again = round % 2 == 0;
                assert_int_equal(rmdir(scene->dir), 0);
                run_for(scene, 5);
                assert_int_equal(scene->hints[WATCH_LOST], 1);
                assert_int_equal(watch_dir_set(scene->watch, scene->dir, &err), -1);
                assert_int_equal(err.kind, ERR_MISSING);
                assert_non_null(strstr(err.text, scene->dir));
                assert_int_equal(mkdir(scene->dir, 0700), 0);
                assert_int_equal(watch_dir_set(scene->watch, scene->dir, &err), 0);
                assert_int_equal(watch_dir_set(scene->watch, scene->dir, &err), 0); /* again is fine */
                forget(scene);
                write_file(scene->dir, "a", "x");
                run_for(scene, 5);
                assert_int_equal(scene->hints[WATCH_TOUCHED], 1);
                assert_int_equal(scene->hints[WATCH_LOST], 0);
                AUTO(mem_free_p) char *a = mem_printf("%s/a", scene->dir);
                assert_int_equal(unlink(a), 0);
        }
        /* Set while the news of the removal still waits unread. */
        assert_int_equal(rmdir(scene->dir), 0);
        assert_int_equal(mkdir(scene->dir, 0700), 0);
        assert_int_equal(watch_dir_set(scene->watch, scene->dir, &err), 0);
        forget(scene);
        swap(scene);
        run_for(scene, 10);
        assert_int_equal(scene->hints[WATCH_SWAPPED], 1);
        /* Renamed away: it is no longer the directory of that path. */
        scene->watches_again = false;
        assert_int_equal(rename(scene->dir, moved), 0);
        run_for(scene, 5);
        assert_int_equal(scene->last, WATCH_LOST);
        assert_int_equal(rename(moved, scene->dir), 0);
        count_descriptors(&after);
        assert_int_equal(after, before);
}

static void a_link_to_the_directory_is_followed(void **state)
{
        struct scene *scene = *state;
        AUTO(mem_free_p) char *link = mem_printf("%s/link", scene->root);
        AUTO(mem_free_p) char *file = mem_printf("%s/file", scene->dir);
        struct err err;

        assert_int_equal(symlink("volume", link), 0);
        assert_int_equal(watch_dir_set(scene->watch, link, &err), 0);
        forget(scene);
        swap(scene);
        run_for(scene, 10);
        assert_int_equal(scene->hints[WATCH_SWAPPED], 1);
        write_file(scene->dir, "file", "x");
        assert_int_equal(watch_dir_set(scene->watch, file, &err), -1); /* no directory */
        assert_int_equal(err.kind, ERR_IO);
        assert_int_equal(watch_dir_set(scene->watch, scene->dir, &err), 0);
}

static bool set_limit(const char *name, const char *value, char old[static 32])
{
        AUTO(mem_free_p) char *path = mem_printf("/proc/sys/fs/inotify/%s", name);
        AUTO(close_fd_p) int fd = open(path, O_RDWR | O_CLOEXEC);
        ssize_t len;

        if (fd == -1)
                return false;
        memset(old, 0, 32);
        len = read(fd, old, 31);
        return len > 0 && pwrite(fd, value, strlen(value), 0) == (ssize_t)strlen(value);
}

static void an_overflow_is_a_loss(void **state)
{
        struct scene *scene = *state;
        struct err err;
        char old[32];
        char scratch[32];

        watch_dir_close(scene->watch);
        scene->watch = NULL;
        if (!set_limit("max_queued_events", "8", old))
                skip();
        /* The limit is taken when the instance is made. */
        const int opened = watch_dir_open(scene->loop, on_hint, scene, &scene->watch, &err);
        assert_true(set_limit("max_queued_events", old, scratch));
        assert_int_equal(opened, 0);
        assert_int_equal(watch_dir_set(scene->watch, scene->dir, &err), 0);
        forget(scene);
        for (int i = 0; i < 10; i++)
                swap(scene);
        run_for(scene, 10);
        assert_int_equal(scene->hints[WATCH_LOST], 1);
        assert_int_equal(scene->hints[WATCH_SWAPPED], 0); /* one call, the strongest */
        forget(scene);
        swap(scene);
        run_for(scene, 10);
        assert_int_equal(scene->hints[WATCH_SWAPPED], 1); /* and it goes on */
}

static void no_instance_is_told(void **state)
{
        struct scene *scene = *state;
        struct rlimit old;
        struct rlimit none;
        struct err err;
        int opened;

        watch_dir_close(scene->watch);
        scene->watch = NULL;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
        none = old;
        none.rlim_cur = 3;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        opened = watch_dir_open(scene->loop, on_hint, scene, &scene->watch, &err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        assert_int_equal(opened, -1);
        assert_int_equal(err.kind, ERR_IO);
        assert_null(scene->watch);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_swap_sequence_ends_seen, setup, teardown),
                cmocka_unit_test_setup_teardown(later_swaps_are_seen_as_the_first, setup, teardown),
                cmocka_unit_test_setup_teardown(scaffolding_is_not_told, setup, teardown),
                cmocka_unit_test_setup_teardown(plain_files_are_touches, setup, teardown),
                cmocka_unit_test_setup_teardown(a_directory_may_go_and_come_back, setup, teardown),
                cmocka_unit_test_setup_teardown(a_link_to_the_directory_is_followed, setup, teardown),
                cmocka_unit_test_setup_teardown(an_overflow_is_a_loss, setup, teardown),
                cmocka_unit_test_setup_teardown(no_instance_is_told, setup, teardown),
        };

        return cmocka_run_group_tests_name("watch_dir", tests, NULL, NULL);
}
