// SPDX-License-Identifier: Apache-2.0
/*
 * Connecting: what refuses, what is not there, what never answers, and a backlog that is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "certs/dial.h"
#include "testca.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static int dial(const char *host, int port, int64_t limit_ms, int *fd, struct err *err)
{
        char address[DIAL_ADDRESS_MAX];
        AUTO(op_free_p) struct op *op = dial_start(host, port, limit_ms, fd, address);

        return op_run(op, limit_ms + 5000, err);
}

static int listen_at(struct sockaddr *address, socklen_t len, int backlog)
{
        int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_not_equal(fd, -1);
        assert_int_equal(bind(fd, address, len), 0);
        assert_int_equal(listen(fd, backlog), 0);
        return fd;
}

/* A loopback port; closed again when open is false, so that nothing listens there. */
static int tcp_port(int family, int *fd)
{
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct sockaddr *address = family == AF_INET ? (void *)&v4 : (void *)&v6;
        socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);

        *fd = listen_at(address, len, 4);
        assert_int_equal(getsockname(*fd, address, &len), 0);
        return ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
}

static void refused(void **state)
{
        int listener = -1;
        int port = tcp_port(AF_INET, &listener);
        struct err err = ERR_INIT;
        char says[96];
        int fd = -1;

        (void)state;
        (void)close(listener);
        assert_int_equal(dial("127.0.0.1", port, 5000, &fd, &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
        (void)snprintf(says, sizeof(says), "connect to 127.0.0.1:%d (127.0.0.1): Connection refused", port);
        assert_string_equal(err.text, says);
        assert_int_equal(fd, -1);
}

static void tries_the_next_address(void **state)
{
        AUTO(close_fd_p) int listener = -1;
        AUTO(close_fd_p) int fd = -1;
        int port = tcp_port(AF_INET6, &listener);
        struct err err = ERR_INIT;

        (void)state;
        assert_int_equal(dial("localhost", port, 5000, &fd, &err), 0);
        assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

static void missing_socket(void **state)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *path = mem_printf("%s/none", dir);
        struct err err = ERR_INIT;
        int fd = -1;

        (void)state;
        assert_int_equal(dial(path, 0, 5000, &fd, &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
        assert_non_null(strstr(err.text, path));
}

static void path_too_long(void **state)
{
        char path[200] = "/";
        struct err err = ERR_INIT;
        int fd = -1;

        (void)state;
        memset(path + 1, 'x', 107);
        assert_int_equal(dial(path, 0, 5000, &fd, &err), -1);
        assert_int_equal(err.kind, ERR_USAGE);
        path[107] = '\0'; /* 107 bytes fit */
        assert_int_equal(dial(path, 0, 5000, &fd, &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
}

/* Fills a backlog; the last connection gets in once one of the first is taken out of it, or runs out of
 * time. */
static void full_backlog(void **state)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *path = mem_printf("%s/s", dir);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        AUTO(close_fd_p) int listener = -1;
        char from[DIAL_ADDRESS_MAX];
        struct err err = ERR_INIT;
        struct op *op;
        int fds[3] = { -1, -1, -1 };
        int taken;

        (void)state;
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        listener = listen_at((void *)&address, sizeof(address), 0);
        assert_int_equal(dial(path, 0, 5000, &fds[0], &err), 0);
        assert_int_equal(dial(path, 0, 100, &fds[1], &err), -1);
        assert_int_equal(err.kind, ERR_TIMEOUT);
        assert_non_null(strstr(err.text, "no answer within 100 ms"));
        op = dial_start(path, 0, 5000, &fds[2], from);
        assert_int_equal(op->type->step(op, 0, clock_mono(), &err), OP_WAIT);
        taken = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        assert_int_equal(op_run(op, 5000, &err), 0);
        op_free(op);
        (void)close(taken);
        (void)close(fds[0]);
        (void)close(fds[2]);
}

/* A listener whose queue is full drops what comes: the SYN is never answered. */
static void no_answer(void **state)
{
        AUTO(close_fd_p) int listener = -1;
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(v4);
        struct mono before = clock_mono();
        int fds[8];
        struct err err = ERR_INIT;
        size_t n = 0;

        (void)state;
        listener = listen_at((void *)&v4, len, 0);
        assert_int_equal(getsockname(listener, (void *)&v4, &len), 0);
        while (n < ARRAY_LEN(fds) && dial("127.0.0.1", ntohs(v4.sin_port), 200, &fds[n], &err) == 0)
                n++;
        assert_int_equal(err.kind, ERR_TIMEOUT);
        assert_true(clock_mono().ms - before.ms < 3000);
        for (size_t i = 0; i < n; i++)
                (void)close(fds[i]);
}

static void where(void **state)
{
        AUTO(mem_free_p) char *name = dial_where("db", 1);
        AUTO(mem_free_p) char *v6 = dial_where("::1", 3306);
        AUTO(mem_free_p) char *path = dial_where("/run/x", 0);

        (void)state;
        assert_string_equal(name, "db:1");
        assert_string_equal(v6, "[::1]:3306");
        assert_string_equal(path, "/run/x");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(refused),       cmocka_unit_test(tries_the_next_address),
                cmocka_unit_test(path_too_long), cmocka_unit_test(missing_socket),
                cmocka_unit_test(full_backlog),  cmocka_unit_test(no_answer),
                cmocka_unit_test(where),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
