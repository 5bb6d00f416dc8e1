// SPDX-License-Identifier: Apache-2.0
/*
 * kube/client.c against a server that does what each request tells it to (tests/lib/kubepeer.h).
 */
#include "kube/client.h"

#include "base/buf.h"
#include "base/mem.h"
#include "kubepeer.h"
#include "testfds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PATIENCE_MS INT64_C(60000)

struct scene {
        struct testca *root;
        struct testca *leaf;
        struct kubepeer peer;
        struct loop *loop;
        struct kube_client *client;
        struct loop_timer *watchdog;
};

/* One call and what became of it. */
struct call {
        struct scene *scene;
        struct kube_call *handle;
        int status;
        int64_t retry_after_ms;
        struct buf body;
        struct buf data;
        struct err err;
        int n_done;
        size_t stop_at; /* bytes of the stream that end the loop; 0: the answer does */
};

#define CALL_INIT(scene_)                                                                                    \
        {                                                                                                    \
                .scene = (scene_), .body = BUF_INIT(KUBE_ANSWER_MAX_BYTES),                                  \
                .data = BUF_INIT(KUBE_ANSWER_MAX_BYTES), .err = ERR_INIT                                     \
        }

static void call_done_p(struct call *call)
{
        buf_done(&call->body);
        buf_done(&call->data);
}

static void on_done(const struct kube_answer *answer, void *arg)
{
        struct call *call = arg;

        call->handle = NULL;
        call->status = answer->status;
        call->retry_after_ms = answer->retry_after_ms;
        call->err = answer->err;
        call->n_done++;
        assert_int_equal(strlen(answer->body), answer->len);
        buf_add(&call->body, answer->body, answer->len);
        loop_stop(call->scene->loop);
}

static void on_data(const char *data, size_t len, void *arg)
{
        struct call *call = arg;

        buf_add(&call->data, data, len);
        if (call->stop_at > 0 && call->data.len >= call->stop_at)
                loop_stop(call->scene->loop);
}

static void on_watchdog(void *arg UNUSED)
{
        fail_msg("the loop stands still");
}

static struct kube_access *access_to(const struct scene *scene)
{
        struct kube_access *access = MEM_NEW(struct kube_access);

        access->server = mem_printf("https://127.0.0.1:%d", scene->peer.port);
        access->authorities = testca_cert_pem(scene->root);
        access->namespace = mem_strdup("demo");
        return access;
}

static void open_client(struct scene *scene, struct kube_access *access)
{
        struct err err = ERR_INIT;

        if (kube_client_open(scene->loop, access, &scene->client, &err) != 0)
                fail_msg("%s", err.text);
}

static int setup(void **state)
{
        struct scene *scene = MEM_NEW(struct scene);

        scene->root = testca_root("root");
        scene->leaf = testca_leaf(scene->root, "DNS:kubernetes,DNS:localhost,IP:127.0.0.1");
        scene->peer = kubepeer_start(&(struct kubepeer_options){ .leaf = scene->leaf });
        scene->loop = loop_new();
        scene->watchdog = loop_timer_new(scene->loop, on_watchdog, NULL);
        loop_timer_set(scene->watchdog, PATIENCE_MS);
        *state = scene;
        return 0;
}

static int teardown(void **state)
{
        struct scene *scene = *state;

        kube_client_close(scene->client);
        loop_timer_free(scene->watchdog);
        loop_free(scene->loop);
        kubepeer_stop(&scene->peer);
        testca_free(scene->leaf);
        testca_free(scene->root);
        mem_free(scene);
        return 0;
}

static void ask(struct call *call, const struct kube_request *request)
{
        call->handle = kube_call_start(call->scene->client, request, request->silence_ms > 0 ? on_data : NULL,
                                       on_done, call);
        loop_run(call->scene->loop);
}

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

                ask(&call, &(struct kube_request){
                                   .method = "POST",
                                   .path = cases[i].path,
                                   .body = cases[i].script,
                                   .limit_ms = cases[i].kind == ERR_TIMEOUT ? 300 : PATIENCE_MS,
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(answers, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
