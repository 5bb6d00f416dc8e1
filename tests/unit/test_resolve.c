// SPDX-License-Identifier: Apache-2.0
/*
 * Names: what needs no lookup, what does, and an operation that is dropped while its thread still runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "certs/resolve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <time.h>

static void expect(const struct addrinfo *a, int family, const char *address, int port)
{
        const struct sockaddr_in *v4 = (const void *)a->ai_addr;
        const struct sockaddr_in6 *v6 = (const void *)a->ai_addr;
        char text[INET6_ADDRSTRLEN];

        assert_int_equal(a->ai_family, family);
        assert_int_equal(a->ai_socktype, SOCK_STREAM);
        assert_non_null(inet_ntop(family, family == AF_INET ? (const void *)&v4->sin_addr : &v6->sin6_addr,
                                  text, sizeof(text)));
        assert_string_equal(text, address);
        assert_int_equal(ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port), port);
}

/* One step is enough: nothing is waited for. */
static struct addrinfo *at_once(const char *host)
{
        struct addrinfo *list = NULL;
        struct op *op = resolve_start(host, 3306, &list);
        struct err err = ERR_INIT;

        assert_int_equal(op->type->step(op, 0, clock_mono(), &err), OP_DONE);
        op_free(op);
        assert_non_null(list);
        return list;
}

static void test_addresses(void **state)
{
        struct addrinfo *list = at_once("10.1.2.3");

        (void)state;
        expect(list, AF_INET, "10.1.2.3", 3306);
        assert_null(list->ai_next);
        resolve_free(list);
        list = at_once("2001:db8::1");
        expect(list, AF_INET6, "2001:db8::1", 3306);
        resolve_free(list);
}

static void test_localhost(void **state)
{
        static const char *const names[] = { "localhost", "LocalHost.", "db.localhost" };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                struct addrinfo *list = at_once(names[i]);

                expect(list, AF_INET, "127.0.0.1", 3306);
                expect(list->ai_next, AF_INET6, "::1", 3306);
                assert_null(list->ai_next->ai_next);
                resolve_free(list);
        }
}

static void test_not_localhost(void **state)
{
        struct addrinfo *list = NULL;
        struct op *op = resolve_start("notlocalhost", 1, &list);
        struct err err = ERR_INIT;

        (void)state;
        assert_int_equal(op->type->step(op, 0, clock_mono(), &err), OP_WAIT);
        op_free(op);
        assert_null(list);
}

static void test_unknown_name(void **state)
{
        struct addrinfo *list = NULL;
        struct op *op = resolve_start("no-such-host.invalid", 1, &list);
        struct err err = ERR_INIT;

        (void)state;
        assert_int_equal(op_run(op, 60000, &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
        assert_non_null(strstr(err.text, "no-such-host.invalid"));
        op_free(op);
}

static void test_empty_name(void **state)
{
        struct addrinfo *list = NULL;
        struct op *op = resolve_start("", 1, &list);
        struct err err = ERR_INIT;

        (void)state;
        assert_int_equal(op_run(op, 1000, &err), -1);
        assert_int_equal(err.kind, ERR_USAGE);
        op_free(op);
}

/* The machine's own name is in /etc/hosts or DNS: through the thread. */
static void test_thread_finds(void **state)
{
        char name[256];
        struct addrinfo *list = NULL;
        struct addrinfo *known = NULL;
        struct err err = ERR_INIT;
        struct op *op;

        (void)state;
        assert_int_equal(gethostname(name, sizeof(name)), 0);
        if (getaddrinfo(name, "1", NULL, &known) != 0)
                skip();
        resolve_free(known);
        op = resolve_start(name, 1, &list);
        assert_int_equal(op_run(op, 60000, &err), 0);
        assert_non_null(list);
        op_free(op);
        resolve_free(list);
}

/* Before the thread began, in the middle, and when it just finished: the sanitizer watches. */
static void test_dropped_in_flight(void **state)
{
        (void)state;
        for (int i = 0; i < 40; i++) {
                const struct timespec while_it_runs = { 0, i % 4 * 400000L };
                struct addrinfo *list = NULL;
                struct op *op = resolve_start("no-such-host.invalid", 1, &list);
                struct err err = ERR_INIT;

                (void)op->type->step(op, 0, clock_mono(), &err);
                (void)nanosleep(&while_it_runs, NULL);
                op_free(op);
        }
        (void)nanosleep(&(struct timespec){ 0, 300000000L }, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses),         cmocka_unit_test(test_localhost),
                cmocka_unit_test(test_not_localhost),     cmocka_unit_test(test_unknown_name),
                cmocka_unit_test(test_empty_name),        cmocka_unit_test(test_thread_finds),
                cmocka_unit_test(test_dropped_in_flight),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
