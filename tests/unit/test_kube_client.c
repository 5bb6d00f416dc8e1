// SPDX-License-Identifier: Apache-2.0
/*
 * kube/client.c: answers, streams, and what callbacks may do.
 */
#include "kube_ask.h"

#include <time.h>

static void answers(void **state)
{
        static const struct {
                const char *path;
                const char *script;
                int status;
                enum err_kind kind;
                int64_t retry_after_ms;
                const char *body;
        } cases[] = {
                { "/raw", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, ERR_NONE, 0, "{}" },
                { "/raw", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200,
                  ERR_NONE, 0, "{}" },
                { "/raw", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n[]",
                  201, ERR_NONE, 0, "[]" },
                { "/raw", "HTTP/1.1 204 No Content\r\n\r\n", 204, ERR_NONE, 0, "" },
                { "/raw", "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nslow", 429,
                  ERR_NONE, 7000, "slow" },
                { "/raw", "HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", 503, ERR_NONE,
                  0, "" },
                { "/raw", "HTTP/1.1 302 Found\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n", 302, ERR_NONE,
                  0, "" },
                { "/raw", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", 200, ERR_NETWORK, 0, "half" },
                { "/raw", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", 200, ERR_NETWORK,
                  0, "half" },
                { "/raw", "HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\nhalf", 500, ERR_NETWORK, 0, "half" },
                { "/raw", "HTTP/1.1 200 OK\r\nContent-Le", 0, ERR_NETWORK, 0, "" },
                { "/raw", "SSH-2.0-OpenSSH\r\n", 0, ERR_PROTOCOL, 0, "" },
                { "/raw", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", 0, ERR_PROTOCOL, 0, "" },
                { "/raw", "", 0, ERR_NETWORK, 0, "" },
                { "/hold", "", 0, ERR_TIMEOUT, 0, "" },
                { "/hold", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", 200, ERR_TIMEOUT, 0, "half" },
                { "/trickle", "HTTP/1.1 200 OK\r\n", 0, ERR_TIMEOUT, 0, "" },
                { "/flood", "HTTP/1.1 200 OK\r\nX: y\r\n", 0, ERR_LIMIT, 0, "" },
                { "/flood", "HTTP/1.1 200 OK\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 200,
                  ERR_LIMIT, 0, NULL },
        };
        struct scene *scene = *state;

        open_client(scene, access_to(scene));
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(call_done_p) struct call call = CALL_INIT(scene);

                ask(&call,
                    &(struct kube_request){
                            .method = "POST",
                            .path = cases[i].path,
                            .body = cases[i].script,
                            .limit_ms = cases[i].kind == ERR_TIMEOUT ? (cases[i].status == 0 ? 300 : 3000)
                                                                     : PATIENCE_MS,
                    });
                if (call.status != cases[i].status || call.err.kind != cases[i].kind)
                        fail_msg("%zu: status %d, %s '%s'", i, call.status, err_reason(call.err.kind),
                                 call.err.text);
                assert_int_equal(call.retry_after_ms, cases[i].retry_after_ms);
                if (cases[i].body != NULL)
                        assert_string_equal(buf_str(&call.body), cases[i].body);
                assert_int_equal(call.n_done, 1);
                assert_int_equal(kube_client_requests(scene->client), i + 1);
        }
}

static void answers_later(void **state)
{
        AUTO(call_done_p) struct call call = CALL_INIT(*state);
        char date[64];
        char script[256];
        time_t then = time(NULL) + 100;
        struct tm tm;

        assert_non_null(gmtime_r(&then, &tm));
        assert_true(strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
        (void)snprintf(script, sizeof(script),
                       "HTTP/1.1 503 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", date);
        open_client(call.scene, access_to(call.scene));
        ask(&call, &(struct kube_request){ .method = "POST", .path = "/raw", .body = script });
        assert_int_equal(call.status, 503);
        assert_in_range(call.retry_after_ms, 1000, 101000);
}

static void requests(void **state)
{
        AUTO(call_done_p) struct call call = CALL_INIT(*state);
        struct scene *scene = *state;
        AUTO(mem_free_p) char *host = mem_printf("Host: 127.0.0.1:%d\r\n", scene->peer.port);
        const char *const lines[] = {
                "PATCH /echo/x?fieldManager=a&force=true HTTP/1.1\r\n",
                host,
                "Accept: application/json\r\n",
                "Content-Type: application/merge-patch+json\r\n",
                "Content-Length: 7\r\n",
                "User-Agent: certrotate/" CERTROTATE_VERSION "\r\n",
                "\r\n\r\n{\"a\":1}",
        };
        const char *const never[] = { "Accept-Encoding", "Authorization", "Expect", "Cookie", "Upgrade" };
        char *body = mem_strdup("{\"a\":1}");
        char *path = mem_strdup("/echo/x?fieldManager=a&force=true");

        /* Debian's libcurl would otherwise go through this. */
        assert_int_equal(setenv("https_proxy", "http://127.0.0.1:1", 1), 0);
        open_client(scene, access_to(scene));
        begin(&call, &(struct kube_request){
                             .method = "PATCH", .path = path, .type = KUBE_MERGE_PATCH, .body = body });
        memset(body, 'x', strlen(body));
        memset(path, 'x', strlen(path));
        mem_free(body);
        mem_free(path);
        wait_for(&call);
        assert_int_equal(unsetenv("https_proxy"), 0);
        assert_int_equal(call.status, 200);
        for (size_t i = 0; i < ARRAY_LEN(lines); i++)
                if (strstr(buf_str(&call.body), lines[i]) == NULL)
                        fail_msg("no '%s' in '%s'", lines[i], buf_str(&call.body));
        for (size_t i = 0; i < ARRAY_LEN(never); i++)
                assert_null(strstr(buf_str(&call.body), never[i]));
}

static void methods(void **state)
{
        static const char *const names[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
        struct scene *scene = *state;

        open_client(scene, access_to(scene));
        for (size_t i = 0; i < 2 * ARRAY_LEN(names); i++) {
                AUTO(call_done_p) struct call call = CALL_INIT(scene);
                const char *name = names[i / 2];

                ask(&call, &(struct kube_request){
                                   .method = name, .path = "/echo", .body = i % 2 == 0 ? NULL : "{}" });
                assert_int_equal(call.status, 200);
                assert_memory_equal(buf_str(&call.body), name, strlen(name));
                assert_int_equal(strstr(buf_str(&call.body), "Content-Type: application/json\r\n") != NULL,
                                 i % 2 == 1);
        }
}

static void nobody_listens(void **state)
{
        struct scene *scene = *state;
        struct kube_access *access = access_to(scene);

        kubepeer_stop(&scene->peer);
        open_client(scene, access);
        fails_with(scene, ERR_NOT_READY, "Failed to connect to 127.0.0.1");
        scene->peer =
                kubepeer_start(&(struct kubepeer_options){ .leaf = scene->leaf, .port = scene->peer.port });
        mem_free(ask_for(scene, "/echo"));
}

/* Between two calls the connection stays. */
static void keeps_its_connection(void **state)
{
        struct scene *scene = *state;
        AUTO(mem_free_p) char *first = NULL;
        AUTO(mem_free_p) char *second = NULL;

        open_client(scene, access_to(scene));
        first = ask_for(scene, "/pid");
        second = ask_for(scene, "/pid");
        assert_string_equal(first, second);
}

/* A call without an answer, and nothing else came either: all of it goes, and the next call connects anew. */
static void drops_a_dead_connection(void **state)
{
        struct scene *scene = *state;
        AUTO(call_done_p) struct call stream = CALL_INIT(scene);
        AUTO(call_done_p) struct call silent = CALL_INIT(scene);
        AUTO(mem_free_p) char *first = NULL;
        AUTO(mem_free_p) char *second = NULL;

        open_client(scene, access_to(scene));
        first = ask_for(scene, "/pid");
        begin(&stream, &(struct kube_request){ .method = "POST",
                                               .path = "/hold",
                                               .body = "HTTP/1.1 200 OK\r\n\r\nx",
                                               .silence_ms = PATIENCE_MS });
        wait_for_data(&stream, 1);
        begin(&silent, &(struct kube_request){ .method = "GET", .path = "/hold", .limit_ms = 200 });
        wait_for(&silent);
        wait_for(&stream);
        assert_int_equal(silent.err.kind, ERR_TIMEOUT);
        assert_non_null(strstr(silent.err.text, ": no answer within 200 ms"));
        assert_int_equal(stream.status, 200);
        assert_int_equal(stream.err.kind, ERR_NETWORK);
        assert_non_null(strstr(stream.err.text, ": the connection was given up"));
        second = ask_for(scene, "/pid");
        assert_string_not_equal(first, second);
}

/* Beside a stream on which bytes come, a slow answer ends alone; so does one that is too long. */
static void keeps_a_living_connection(void **state)
{
        struct scene *scene = *state;
        AUTO(call_done_p) struct call stream = CALL_INIT(scene);
        AUTO(call_done_p) struct call silent = CALL_INIT(scene);
        AUTO(call_done_p) struct call flood = CALL_INIT(scene);

        open_client(scene, access_to(scene));
        begin(&stream, &(struct kube_request){ .method = "POST",
                                               .path = "/trickle",
                                               .body = "HTTP/1.1 200 OK\r\n\r\n",
                                               .silence_ms = PATIENCE_MS });
        wait_for_data(&stream, 1);
        begin(&silent, &(struct kube_request){ .method = "GET", .path = "/hold", .limit_ms = 1000 });
        wait_for(&silent);
        assert_int_equal(silent.err.kind, ERR_TIMEOUT);
        ask(&flood, &(struct kube_request){
                            .method = "POST", .path = "/flood", .body = "HTTP/1.1 200 OK\r\nX: y\r\n" });
        assert_int_equal(flood.err.kind, ERR_LIMIT);
        assert_int_equal(stream.n_done, 0);
        wait_for_data(&stream, stream.data.len + 5);
        kube_call_cancel(stream.handle);
}

/* Many calls in flight against a server without HTTP/2: each stream has a connection, and calls go on. */
static void streams_side_by_side(void **state)
{
        struct scene *scene = *state;
        struct call streams[10];

        open_client(scene, access_to(scene));
        for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
                streams[i] = (struct call)CALL_INIT(scene);
                begin(&streams[i], &(struct kube_request){ .method = "POST",
                                                           .path = "/hold",
                                                           .body = "HTTP/1.1 200 OK\r\n\r\nx",
                                                           .silence_ms = PATIENCE_MS });
        }
        for (size_t i = 0; i < ARRAY_LEN(streams); i++)
                wait_for_data(&streams[i], 1);
        for (int i = 0; i < 10; i++)
                mem_free(ask_for(scene, "/echo"));
        for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
                kube_call_cancel(streams[i].handle);
                call_done_p(&streams[i]);
        }
}

/* Whatever is in flight, closing leaves nothing. */
static void closes_in_the_middle(void **state)
{
        struct scene *scene = *state;
        int before = 0;

        for (int i = 0; i < 5; i++) {
                AUTO(call_done_p) struct call fresh = CALL_INIT(scene);
                AUTO(call_done_p) struct call held = CALL_INIT(scene);
                AUTO(call_done_p) struct call limit = CALL_INIT(scene);

                open_client(scene, access_to(scene));
                begin(&held, &(struct kube_request){ .method = "GET", .path = "/hold" });
                if (i > 0)
                        ask(&limit, &(struct kube_request){ .method = "GET", .path = "/echo" });
                begin(&fresh, &(struct kube_request){ .method = "GET", .path = "/hold" });
                kube_client_close(TAKE(scene->client));
                assert_int_equal(fresh.n_done + held.n_done, 0);
                if (i == 1)
                        before = testfds_count();
        }
        assert_int_equal(testfds_count(), before);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(answers, setup, teardown),
                cmocka_unit_test_setup_teardown(answers_later, setup, teardown),
                cmocka_unit_test_setup_teardown(requests, setup, teardown),
                cmocka_unit_test_setup_teardown(methods, setup, teardown),
                cmocka_unit_test_setup_teardown(nobody_listens, setup, teardown),
                cmocka_unit_test_setup_teardown(keeps_its_connection, setup, teardown),
                cmocka_unit_test_setup_teardown(drops_a_dead_connection, setup, teardown),
                cmocka_unit_test_setup_teardown(keeps_a_living_connection, setup, teardown),
                cmocka_unit_test_setup_teardown(streams_side_by_side, setup, teardown),
                cmocka_unit_test_setup_teardown(closes_in_the_middle, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
