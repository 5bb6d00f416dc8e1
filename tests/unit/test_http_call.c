// SPDX-License-Identifier: Apache-2.0
/*
 * http_call against a server of a few lines in a child process: it answers with fixed bytes, or does not.
 */
#include "hooks/http_call.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "testca.h"
#include "testfds.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#define STUCK "stuck" /* accepts and says nothing */
#define FLOOD "flood" /* a body without end */

struct peer {
        pid_t pid;
        int port;
        int request; /* the request arrives here */
};

static void serve(int listener, int request, const char *answer)
{
        static const char flood[4096] = "";
        char data[4096];
        int fd = accept(listener, NULL, NULL);
        ssize_t n = read(fd, data, sizeof(data));

        (void)write(request, data, n > 0 ? (size_t)n : 0);
        if (strcmp(answer, STUCK) == 0)
                (void)pause();
        if (strcmp(answer, FLOOD) == 0) {
                static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";

                (void)write(fd, head, sizeof(head) - 1);
                while (write(fd, flood, sizeof(flood)) > 0)
                        ;
        } else {
                (void)write(fd, answer, strlen(answer));
        }
        (void)close(fd);
        _exit(0);
}

static struct peer start_peer(int listener, const char *answer)
{
        struct peer peer = { .pid = 0 };
        int ends[2];

        assert_int_equal(pipe(ends), 0);
        peer.pid = fork();
        if (peer.pid == 0) {
                (void)signal(SIGPIPE, SIG_IGN);
                (void)close(ends[0]);
                serve(listener, ends[1], answer);
        }
        (void)close(ends[1]);
        (void)close(listener);
        peer.request = ends[0];
        return peer;
}

static struct peer start_at(in_addr_t address, const char *answer)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
        socklen_t len = sizeof(at);
        int listener = socket(AF_INET, SOCK_STREAM, 0);
        struct peer peer;

        assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(listener, 4), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
        peer = start_peer(listener, answer);
        peer.port = ntohs(at.sin_port);
        return peer;
}

static struct peer start_tcp(const char *answer)
{
        return start_at(INADDR_LOOPBACK, answer);
}

static struct peer start_any(const char *answer)
{
        return start_at(INADDR_ANY, answer);
}

static void end_peer(struct peer *peer, struct buf *request)
{
        char data[4096];
        ssize_t n;

        (void)kill(peer->pid, SIGKILL);
        (void)waitpid(peer->pid, NULL, 0);
        while (request != NULL && (n = read(peer->request, data, sizeof(data))) > 0)
                buf_add(request, data, (size_t)n);
        (void)close(peer->request);
}

static int call(const char *url, const char *method, int status, int64_t limit_ms, struct err *err)
{
        AUTO(curl_library_close_p) struct curl_library *library = NULL;
        AUTO(op_free_p)
        struct op *op = http_call_start(
                &(struct http_request){
                        .url = url, .method = method, .status = status, .limit_ms = limit_ms },
                &library);

        *err = (struct err)ERR_INIT;
        return op_run(op, limit_ms + 5000, err);
}

static void answers(void **state UNUSED)
{
        static const struct {
                const char *answer;
                int status;
                enum err_kind kind;
                const char *text;
        } cases[] = {
                { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0, ERR_NONE, "" },
                { "HTTP/1.1 204 No Content\r\n\r\n", 0, ERR_NONE, "" },
                { "HTTP/1.1 200 OK\r\n\r\n", 202, ERR_ENGINE, "answered 200" },
                { "HTTP/1.1 304 Not Modified\r\n\r\n", 304, ERR_NONE, "" },
                { "HTTP/1.1 500 Oops\r\n\r\nkey does not fit\nmore", 0, ERR_ENGINE,
                  "answered 500: key does not fit" },
                { "HTTP/1.1 401 No\r\n\r\n", 0, ERR_AUTH, "answered 401" },
                { "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", 0, ERR_ENGINE,
                  "answered 302" },
                { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", 0, ERR_NETWORK, "call" },
                { "SSH-2.0-OpenSSH\r\n", 0, ERR_PROTOCOL, "call" },
                { "", 0, ERR_NETWORK, "call" },
                { FLOOD, 0, ERR_LIMIT, "call" },
                { STUCK, 0, ERR_TIMEOUT, "no answer within 400 ms" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct peer peer = start_tcp(cases[i].answer);
                AUTO(mem_free_p) char *url = mem_printf("http://127.0.0.1:%d/reload?x=1", peer.port);
                AUTO(buf_done_p) struct buf request = BUF_INIT(1 << 16);
                struct err err;
                int result =
                        call(url, NULL, cases[i].status, cases[i].kind == ERR_TIMEOUT ? 400 : 10000, &err);

                end_peer(&peer, &request);
                if (err.kind != cases[i].kind || strstr(err.text, cases[i].text) == NULL)
                        fail_msg("'%s': %s '%s'", cases[i].answer, err_reason(err.kind), err.text);
                assert_int_equal(result, cases[i].kind == ERR_NONE ? 0 : -1);
                assert_memory_equal(buf_str(&request), "POST /reload?x=1 HTTP/1.1\r\n", 27);
                assert_non_null(strstr(buf_str(&request), "Content-Length: 0\r\n"));
        }
}

static void methods(void **state UNUSED)
{
        static const char *const names[] = { "GET", "HEAD", "PUT", "POST", "DELETE", "PATCH" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                struct peer peer = start_tcp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                AUTO(mem_free_p) char *url = mem_printf("http://localhost:%d/", peer.port);
                AUTO(buf_done_p) struct buf request = BUF_INIT(1 << 16);
                struct err err;
                int result = call(url, names[i], 0, 10000, &err);

                end_peer(&peer, &request);
                assert_int_equal(result, 0);
                assert_memory_equal(buf_str(&request), names[i], strlen(names[i]));
        }
}

static void unix_socket(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *url = mem_printf("unix:%s/s:/v1/reload", dir);
        AUTO(buf_done_p) struct buf request = BUF_INIT(1 << 16);
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int listener = socket(AF_UNIX, SOCK_STREAM, 0);
        struct peer peer;
        struct err err;

        assert_int_equal(call(url, NULL, 0, 5000, &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
        (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", dir);
        assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(listener, 4), 0);
        peer = start_peer(listener, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_int_equal(call(url, NULL, 0, 5000, &err), 0);
        end_peer(&peer, &request);
        assert_memory_equal(buf_str(&request), "POST /v1/reload HTTP/1.1\r\n", 26);
}

static void nobody_there(void **state UNUSED)
{
        struct peer peer = start_tcp("");
        AUTO(mem_free_p) char *url = mem_printf("http://127.0.0.1:%d/", peer.port);
        struct err err;

        end_peer(&peer, NULL);
        assert_int_equal(call(url, NULL, 0, 5000, &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
        assert_int_equal(call("http://no-such-host.invalid/", NULL, 0, 20000, &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
}

static int ask(const char *url, const char *user, const char *password, struct buf *body, struct err *err)
{
        AUTO(curl_library_close_p) struct curl_library *library = NULL;
        AUTO(secret_done_p) struct secret secret = SECRET_INIT;
        AUTO(op_free_p) struct op *op = NULL;

        if (password != NULL)
                secret_set(&secret, password, strlen(password));
        op = http_call_start(&(struct http_request){ .url = url,
                                                     .method = "GET",
                                                     .user = user,
                                                     .password = &secret,
                                                     .body = body,
                                                     .limit_ms = 10000 },
                             &library);
        *err = (struct err)ERR_INIT;
        return op_run(op, 15000, err);
}

static void hands_out_the_body(void **state UNUSED)
{
        static const struct {
                const char *answer;
                size_t max;
                enum err_kind kind;
                const char *body;
        } cases[] = {
                { "HTTP/1.1 200 OK\r\n\r\n{\"a\": 1}\n", 64, ERR_NONE, "before {\"a\": 1}\n" },
                { "HTTP/1.1 503 No\r\n\r\nloading\n", 64, ERR_ENGINE, "before loading\n" },
                { FLOOD, 8192, ERR_LIMIT, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct peer peer = start_tcp(cases[i].answer);
                AUTO(mem_free_p) char *url = mem_printf("http://127.0.0.1:%d/x", peer.port);
                AUTO(buf_done_p) struct buf body = BUF_INIT(cases[i].max);
                struct err err;

                buf_add_str(&body, "before ");
                (void)!ask(url, NULL, NULL, &body, &err);
                end_peer(&peer, NULL);
                assert_int_equal(err.kind, cases[i].kind);
                if (cases[i].body != NULL)
                        assert_string_equal(buf_str(&body), cases[i].body);
                if (cases[i].kind == ERR_ENGINE)
                        assert_non_null(strstr(err.text, "answered 503: loading"));
                assert_true(body.len <= cases[i].max);
        }
}

/* 127.9.9.9 is here too, but nothing that the code takes for loopback. */
static void logs_in_where_nobody_listens(void **state UNUSED)
{
        static const struct {
                const char *host;
                const char *password;
                const char *header; /* echo -n user:password | base64 */
        } cases[] = {
                { "127.0.0.1", "s3cret", "Authorization: Basic YWRtaW46czNjcmV0\r\n" },
                { "localhost", NULL, "Authorization: Basic YWRtaW46\r\n" },
                { "127.9.9.9", "s3cret", NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct peer peer = start_any("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                AUTO(mem_free_p) char *url = mem_printf("http://%s:%d/", cases[i].host, peer.port);
                AUTO(buf_done_p) struct buf request = BUF_INIT(1 << 16);
                struct err err;

                assert_int_equal(ask(url, "admin", cases[i].password, NULL, &err), 0);
                end_peer(&peer, &request);
                if (cases[i].header != NULL)
                        assert_non_null(strstr(buf_str(&request), cases[i].header));
                else
                        assert_null(strstr(buf_str(&request), "Authorization"));
        }
}

static void urls(void **state UNUSED)
{
        static const char *const bad[] = {
                "",         "ftp://x/",    "file:///etc/passwd", "http:/x",
                "unix:/x",  "unix:rel:/x", "http://a b/",        "http://a/\r\nX: y",
                "gopher://"
        };
        static const char *const good[] = { "http://x", "https://x:1/y", "unix:/run/a.sock:/b" };
        struct err err;

        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(http_call_check(bad[i], NULL, &err), -1);
        for (size_t i = 0; i < ARRAY_LEN(good); i++)
                assert_int_equal(http_call_check(good[i], "PUT", &err), 0);
        assert_int_equal(http_call_check(good[0], "P T", &err), -1);
        assert_int_equal(http_call_check(good[0], "", &err), -1);
        assert_int_equal(http_call_check(good[0], "GETGETGETGETGETGET", &err), -1);
}

static void freed_in_the_middle(void **state UNUSED)
{
        int before = 0;

        for (int i = 0; i < 5; i++) {
                struct peer peer = start_tcp(STUCK);
                AUTO(mem_free_p) char *url = mem_printf("http://127.0.0.1:%d/", peer.port);
                AUTO(curl_library_close_p) struct curl_library *library = NULL;
                struct op *op =
                        http_call_start(&(struct http_request){ .url = url, .limit_ms = 60000 }, &library);
                struct err err = ERR_INIT;

                if (i > 0)
                        assert_int_equal(op_run(op, 20 * i, &err), -1);
                op_free(op);
                end_peer(&peer, NULL);
                if (i == 1)
                        before = testfds_count();
        }
        assert_int_equal(testfds_count(), before);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(answers),
                cmocka_unit_test(methods),
                cmocka_unit_test(unix_socket),
                cmocka_unit_test(nobody_there),
                cmocka_unit_test(urls),
                cmocka_unit_test(freed_in_the_middle),
                cmocka_unit_test(hands_out_the_body),
                cmocka_unit_test(logs_in_where_nobody_listens),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
