// SPDX-License-Identifier: Apache-2.0
/*
 * agent/loop/http_server.c under clients that come in crowds, say nothing, say it slowly, or never listen.
 */
#include "http_client.h"

static void two_hundred_at_once(void **state)
{
        static const char request[] = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        int fds[200];
        char out[4096];

        for (int round = 0; round < 3; round++) {
                for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
                        fds[i] = dial(*state);
                        (void)send(fds[i], request, strlen(request), MSG_NOSIGNAL);
                }
                for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
                        assert_true(read_to_end(fds[i], out, sizeof(out)) > 0);
                        assert_int_equal(status_of(out), 200);
                        (void)close(fds[i]);
                }
        }
        get(*state, "/x");
}

/* Two crowds that say nothing: a third one is served within the limit for crowded places. */
static void silent_crowds_keep_nobody_waiting(void **state)
{
        int fds[2 * HTTP_CONNECTIONS_MAX];
        struct mono began;

        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                fds[i] = dial(*state);
        began = clock_mono();
        get(*state, "/x");
        print_message("served behind %zu silent ones after %lld ms\n", ARRAY_LEN(fds),
                      (long long)(clock_mono().ms - began.ms));
        assert_in_range(clock_mono().ms - began.ms, 500, 5000);
        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                (void)close(fds[i]);
}

/* One byte a second: others are served at once, and it is cut off although it never stops. */
static void slow_bytes_are_cut_off(void **state)
{
        AUTO(close_fd_p) int slow = dial(*state);
        AUTO(close_fd_p) int unread = dial(*state);
        static const char request[] =
                "GET / HTTP/1.1\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        static const char big[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
        const struct mono began = clock_mono();
        bool is_cut = false;

        assert_int_equal(write(unread, big, strlen(big)), strlen(big)); /* and never reads the answer */
        for (size_t i = 0; i < sizeof(request) - 1 && !is_cut; i++) {
                const struct mono before = clock_mono();
                char c;

                is_cut = send(slow, request + i, 1, MSG_NOSIGNAL) == -1;
                get(*state, "/x");
                assert_in_range(clock_mono().ms - before.ms, 0, 2000);
                is_cut = is_cut || recv(slow, &c, 1, MSG_DONTWAIT) == 0;
                (void)usleep(500000);
        }
        assert_true(is_cut);
        assert_in_range(clock_mono().ms - began.ms, 9000, 16000);
}

static void count_fds(const struct scene *scene, int *n)
{
        *n = 0;
        for (int fd = 0; fd < 256; fd++) {
                AUTO(mem_free_p) char *path = mem_printf("/proc/%d/fd/%d", scene->pid, fd);
                struct stat st;

                *n += lstat(path, &st) == 0;
        }
}

static void nothing_stays_open(void **state)
{
        int before;
        int after = -1;

        get(*state, "/x");
        (void)usleep(100000);
        count_fds(*state, &before);
        for (int i = 0; i < 300; i++) {
                AUTO(close_fd_p) int fd = dial(*state);

                if (i % 3 == 1)
                        (void)send(fd, "GET / HT", 8, MSG_NOSIGNAL);
                if (i % 3 == 2) { /* reset instead of a farewell */
                        const struct linger now = { 1, 0 };

                        (void)send(fd, "GET /big HTTP/1.1\r\n\r\n", 21, MSG_NOSIGNAL);
                        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
                }
        }
        for (int i = 0; i < 50 && after != before; i++) {
                (void)usleep(20000);
                count_fds(*state, &after);
        }
        assert_int_equal(after, before);
}

/* Processor time in hundredths of a second. */
static int64_t ticks_used(const struct scene *scene)
{
        AUTO(mem_free_p) char *path = mem_printf("/proc/%d/stat", scene->pid);
        FILE *file = fopen(path, "re");
        unsigned long user = 0;
        unsigned long system = 0;

        assert_non_null(file);
        assert_int_equal(fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                                &user, &system),
                         2);
        (void)fclose(file);
        return (int64_t)(user + system);
}

static void out_of_descriptors_is_a_pause(void **state UNUSED)
{
        struct scene few = { 0 };
        int64_t used;
        int fds[20];
        struct mono began;

        start(&few, "127.0.0.1:0", 16);
        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                fds[i] = dial(&few);
        (void)usleep(100000);
        used = ticks_used(&few);
        (void)usleep(700000);
        assert_in_range(ticks_used(&few) - used, 0, 15); /* of 70 */
        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                (void)close(fds[i]);
        began = clock_mono();
        get(&few, "/x");
        assert_in_range(clock_mono().ms - began.ms, 0, 3000);
        stop(&few);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(two_hundred_at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(silent_crowds_keep_nobody_waiting, setup, teardown),
                cmocka_unit_test_setup_teardown(slow_bytes_are_cut_off, setup, teardown),
                cmocka_unit_test_setup_teardown(nothing_stays_open, setup, teardown),
                cmocka_unit_test_setup_teardown(out_of_descriptors_is_a_pause, setup, teardown),
        };

        return cmocka_run_group_tests_name("http_limits", tests, NULL, NULL);
}
