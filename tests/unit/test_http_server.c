// SPDX-License-Identifier: Apache-2.0
/*
 * agent/loop/http_server.c over real sockets: requests good and bad, addresses, unix sockets.
 */
#include "http_client.h"

static void requests_and_refusals(void **state)
{
        static const struct {
                const char *request;
                int status;       /* 0: closed without a word */
                const char *tail; /* end of the reply, NULL: any */
        } cases[] = {
                { "GET /livez?verbose HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200,
                  "/livez?verbose" },
                { "GET / HTTP/1.0\r\n\r\n", 200, "/?" },
                { "GET http://somewhere/x?y=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200,
                  "/x?y=1" },
                { "HEAD /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, "\r\n\r\n" },
                { "GET /no HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 503, "/no?" },
                { "GET /too-big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 500, "answer too long\n" },
                { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", 405, "only GET and HEAD\n" },
                { "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "only GET and HEAD\n" },
                { "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "only GET and HEAD\n" },
                { "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 405, "only GET and HEAD\n" },
                { "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405, "only GET and HEAD\n" },
                { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413, NULL },
                { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, NULL },
                { "BREW /coffee HTTP/1.1\r\nHost: a\r\n\r\n", 405, "only GET and HEAD\n" },
                { "GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400, NULL },
                { "GET /\r\n\r\n", 400, NULL },
                { "\x16\x03\x01\x02\x01\x01\x01\x01\xfc\x03\x03 tls\r\n", 400, NULL },
                { "GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, NULL },
                { "GET / HTTP/1.1\r\nHost: a\r\n", 0, NULL },
                { "", 0, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p) char *reply = exchange(*state, cases[i].request, strlen(cases[i].request));
                const size_t tail_len = cases[i].tail != NULL ? strlen(cases[i].tail) : 0;

                if (status_of(reply) != cases[i].status || strlen(reply) < tail_len ||
                    (tail_len > 0 && strcmp(reply + strlen(reply) - tail_len, cases[i].tail) != 0))
                        fail_msg("%s -> %s", cases[i].request, reply);
        }
}

static void headers_are_what_they_should(void **state)
{
        static const char request[] = "HEAD /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        AUTO(mem_free_p) char *reply = exchange(*state, request, strlen(request));

        assert_non_null(strstr(reply, "\r\nContent-Length: 7\r\n"));
        assert_non_null(strstr(reply, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
        assert_non_null(strstr(reply, "\r\nCache-Control: no-store\r\n"));
        assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
}

static void oversized_requests_end(void **state)
{
        const size_t room = (size_t)1 << 20;
        AUTO(mem_free_p) char *request = mem_new(room);
        AUTO(mem_free_p) char *reply = NULL;
        int len = snprintf(request, room, "GET /%*d HTTP/1.1\r\nConnection: close\r\n\r\n", 4000, 0);

        for (int i = 5; i < 4005; i++)
                request[i] = 'a';
        reply = exchange(*state, request, (size_t)len);
        assert_int_equal(status_of(reply), 414);
        mem_free(TAKE(reply));
        memset(request, 'a', room); /* no line end at all */
        memcpy(request, "GET /", 5);
        reply = exchange(*state, request, room);
        assert_true(status_of(reply) == 400 || status_of(reply) == 0); /* 0: reset, with bytes unread */
        mem_free(TAKE(reply));
        memset(request, 'b', room);
        memcpy(request, "GET / HTTP/1.1\r\nX: ", 19);
        reply = exchange(*state, request, room);
        assert_true(status_of(reply) == 400 || status_of(reply) == 0);
        mem_free(TAKE(reply));
        for (size_t i = 16; i + 6 < room; i += 6) /* 170,000 headers */
                memcpy(request + i, "a: b\r\n", 6);
        reply = exchange(*state, request, room);
        assert_true(status_of(reply) == 400 || status_of(reply) == 0);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
        static const char request[] =
                "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /4 HTTP/1.1\r\n\r\n";
        static const char smuggled[] = "GET /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n"
                                       "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n\r\n";
        AUTO(close_fd_p) int fd = dial(*state);
        char out[4096];
        const char *two;

        assert_int_equal(write(fd, request, strlen(request)), strlen(request));
        assert_true(read_to_end(fd, out, sizeof(out)) > 0);
        two = strstr(out, "/2?");
        assert_non_null(two);
        assert_non_null(strstr(out, "/1?"));
        assert_true(strstr(out, "/1?") < two && strstr(two, "/3?") != NULL);
        assert_null(strstr(out, "/4?"));

        AUTO(mem_free_p) char *reply = exchange(*state, smuggled, strlen(smuggled));
        assert_non_null(strstr(reply, "/1?"));
        assert_null(strstr(reply, "/2?"));
}

static void unix_sockets_are_private_and_replaced_when_stale(void **state)
{
        const struct scene *tcp = *state;
        struct scene scene = { 0 };
        AUTO(loop_free_p) struct loop *loop = loop_new();
        struct http_server *server = NULL;
        struct err err;
        struct stat st;

        (void)snprintf(scene.path, sizeof(scene.path), "%s/s", tcp->dir);
        start(&scene, scene.path, 0);
        assert_int_equal(scene.port, 0);
        assert_int_equal(lstat(scene.path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        get(&scene, "/x");
        assert_int_equal(http_server_open(loop, scene.path, answer, NULL, &server, &err), -1);
        assert_int_equal(err.kind, ERR_IO);
        assert_non_null(strstr(err.text, "another process answers there"));
        assert_int_equal(kill(scene.pid, SIGKILL), 0); /* leaves its file behind */
        assert_int_equal(waitpid(scene.pid, NULL, 0), scene.pid);
        assert_int_equal(lstat(scene.path, &st), 0);
        start(&scene, scene.path, 0);
        get(&scene, "/x");
        stop(&scene);
        assert_int_equal(lstat(scene.path, &st), -1); /* removed by its owner */
        assert_int_equal(mkdir(scene.path, 0700), 0);
        assert_int_equal(http_server_open(loop, scene.path, answer, NULL, &server, &err), -1);
        assert_non_null(strstr(err.text, "something else than a socket"));
        assert_int_equal(rmdir(scene.path), 0);
}

static void addresses(void **state)
{
        const struct scene *tcp = *state;
        AUTO(mem_free_p) char *taken = mem_printf("127.0.0.1:%d", tcp->port);
        AUTO(mem_free_p) char *missing = mem_printf("%s/no/s", tcp->dir);
        char deep[200];
        static const char *const good[] = { "127.0.0.1:0", "[::1]:0", ":0",
                                            "localhost:0", "[::]:0",  "0.0.0.0:0" };
        const struct {
                const char *address;
                enum err_kind kind;
        } bad[] = { { "", ERR_USAGE },
                    { "127.0.0.1", ERR_USAGE },
                    { "127.0.0.1:", ERR_USAGE },
                    { "127.0.0.1:65536", ERR_USAGE },
                    { "127.0.0.1:+1", ERR_USAGE },
                    { "127.0.0.256:1", ERR_USAGE },
                    { "::1:9533", ERR_USAGE },
                    { "[::1:9533", ERR_USAGE },
                    { "[]:9533", ERR_USAGE },
                    { "[127.0.0.1]:9533", ERR_USAGE },
                    { "db.example:9533", ERR_USAGE },
                    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1",
                      ERR_USAGE },
                    { "192.0.2.1:9533", ERR_IO },
                    { taken, ERR_IO },
                    { missing, ERR_MISSING },
                    { deep, ERR_USAGE } };
        AUTO(loop_free_p) struct loop *loop = loop_new();
        struct http_server *server = NULL;
        struct err err;

        memset(deep, '/', sizeof(deep));
        deep[sizeof(deep) - 1] = '\0';
        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
                if (http_server_open(loop, good[i], answer, NULL, &server, &err))
                        fail_msg("%s", err.text);
                assert_true(http_server_port(server) > 0);
                http_server_close(server);
        }
        server = NULL;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                assert_int_equal(http_server_open(loop, bad[i].address, answer, NULL, &server, &err), -1);
                if (err.kind != bad[i].kind || strstr(err.text, "listen on ") == NULL)
                        fail_msg("%s: %s: %s", bad[i].address, err_reason(err.kind), err.text);
        }
        assert_int_equal(http_server_open(loop, taken, answer, NULL, &server, &err), -1);
        assert_non_null(strstr(err.text, "address already in use"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(requests_and_refusals, setup, teardown),
                cmocka_unit_test_setup_teardown(headers_are_what_they_should, setup, teardown),
                cmocka_unit_test_setup_teardown(oversized_requests_end, setup, teardown),
                cmocka_unit_test_setup_teardown(pipelined_requests_are_answered_in_order, setup, teardown),
                cmocka_unit_test_setup_teardown(unix_sockets_are_private_and_replaced_when_stale, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(addresses, setup, teardown),
        };

        return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
