// SPDX-License-Identifier: Apache-2.0
/*
 * kube/client.c: streams, and what callbacks may do while libcurl is in the middle of something.
 */
#include "kube_ask.h"

#include <time.h>

#define HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void ends_of_streams(void **state)
{
        static const struct {
                const char *path;
                const char *script;
                int64_t limit_ms;
                int64_t silence_ms;
                int status;
                enum err_kind kind;
                const char *data;
                const char *body;
                const char *text;
        } cases[] = {
                { "/raw", HEAD "4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n", 0, PATIENCE_MS, 200, ERR_NONE,
                  "one\ntwo\n", "", "" },
                { "/raw", HEAD "4\r\none\n\r\n9\r\ntw", 0, PATIENCE_MS, 200, ERR_NETWORK, "one\ntw", "", "" },
                { "/raw", HEAD "zz\r\none\n", 0, PATIENCE_MS, 200, ERR_NETWORK, "", "", "" },
                { "/hold", HEAD "4\r\none\n\r\n", 0, 200, 200, ERR_TIMEOUT, "one\n", "",
                  ": the stream was silent for 200 ms" },
                /* The head counts as a sign of life, and so the silence begins with it. */
                { "/hold", HEAD, PATIENCE_MS, 200, 200, ERR_TIMEOUT, "", "",
                  ": the stream was silent for 200 ms" },
                { "/hold", "", 200, PATIENCE_MS, 0, ERR_TIMEOUT, "", "", ": no answer within 200 ms" },
                { "/hold", "HTTP/1.1 100 Continue\r\n\r\n", 200, PATIENCE_MS, 0, ERR_TIMEOUT, "", "",
                  ": no answer within 200 ms" },
                { "/raw", "HTTP/1.1 410 Gone\r\nContent-Length: 2\r\n\r\n{}", 0, PATIENCE_MS, 410, ERR_NONE,
                  "", "{}", "" },
                { "/hold", "HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf", 3000, PATIENCE_MS, 500,
                  ERR_TIMEOUT, "", "half", ": no whole answer within 3000 ms" },
                { "/raw", "HTTP/1.1 429 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", 0, PATIENCE_MS,
                  429, ERR_NONE, "", "", "" },
        };
        struct scene *scene = *state;

        open_client(scene, access_to(scene));
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(call_done_p) struct call call = CALL_INIT(scene);

                ask(&call, &(struct kube_request){ .method = "POST",
                                                   .path = cases[i].path,
                                                   .body = cases[i].script,
                                                   .limit_ms = cases[i].limit_ms,
                                                   .silence_ms = cases[i].silence_ms });
                if (call.status != cases[i].status || call.err.kind != cases[i].kind ||
                    strstr(call.err.text, cases[i].text) == NULL)
                        fail_msg("%zu: status %d, %s '%s'", i, call.status, err_reason(call.err.kind),
                                 call.err.text);
                assert_string_equal(buf_str(&call.data), cases[i].data);
                assert_string_equal(buf_str(&call.body), cases[i].body);
                assert_int_equal(call.n_done, 1);
        }
}

/* Longer than its silence limit, and with more bytes than an answer may have. */
static void trickles_on(void **state)
{
        AUTO(call_done_p) struct call call = CALL_INIT(*state);

        open_client(call.scene, access_to(call.scene));
        begin(&call, &(struct kube_request){ .method = "POST",
                                             .path = "/trickle",
                                             .body = "HTTP/1.1 200 OK\r\n\r\n",
                                             .limit_ms = 1500,
                                             .silence_ms = 1500 });
        wait_for_data(&call, 300); /* 10 ms each */
        kube_call_cancel(call.handle);
        assert_int_equal(call.n_done, 0);
}

static void count(const char *data UNUSED, size_t len, void *arg)
{
        struct call *call = arg;

        call->stop_at += len;
        if (call->stop_at > 2 * KUBE_ANSWER_MAX_BYTES) {
                kube_call_cancel(TAKE(call->handle));
                loop_stop(call->scene->loop);
        }
}

static void floods_on(void **state)
{
        AUTO(call_done_p) struct call call = CALL_INIT(*state);

        open_client(call.scene, access_to(call.scene));
        call.handle = kube_call_start(
                call.scene->client,
                &(struct kube_request){
                        .method = "POST",
                        .path = "/flood",
                        .body = "HTTP/1.1 200 OK\r\n\r\n0123456789012345678901234567890123456789",
                        .silence_ms = PATIENCE_MS },
                count, on_done, &call);
        while (call.handle != NULL)
                loop_run(call.scene->loop);
        mem_free(ask_for(call.scene, "/echo"));
        assert_int_equal(call.n_done, 0);
}

/* What a callback does. */
struct plot {
        struct call *self;
        struct call *other;
        struct call *next; /* is started; NULL: none */
        bool self_too;
        int n;
};

static void plot_data(const char *data UNUSED, size_t len UNUSED, void *arg)
{
        struct plot *plot = arg;

        plot->n++;
        kube_call_cancel(TAKE(plot->other->handle));
        if (plot->self_too)
                kube_call_cancel(TAKE(plot->self->handle));
        begin(plot->next, &(struct kube_request){ .method = "GET", .path = "/echo" });
}

static void plot_done(const struct kube_answer *answer, void *arg)
{
        struct plot *plot = arg;

        assert_int_equal(answer->status, 200);
        plot->n++;
        kube_call_cancel(plot->self->handle); /* dead already: nothing happens */
        kube_call_cancel(TAKE(plot->other->handle));
        begin(plot->next, &(struct kube_request){ .method = "GET", .path = "/echo" });
}

/* In a stream's data and in an answer: cancels another call (and itself), and starts a third. */
static void cancels_and_starts(void **state)
{
        struct scene *scene = *state;

        open_client(scene, access_to(scene));
        for (int i = 0; i < 3; i++) {
                AUTO(call_done_p) struct call self = CALL_INIT(scene);
                AUTO(call_done_p) struct call other = CALL_INIT(scene);
                AUTO(call_done_p) struct call next = CALL_INIT(scene);
                struct plot plot = { &self, &other, &next, i == 1, 0 };
                const struct kube_request stream = { .method = "POST",
                                                     .path = "/hold",
                                                     .body = HEAD "4\r\none\n\r\n",
                                                     .silence_ms = PATIENCE_MS };

                begin(&other, &(struct kube_request){ .method = "GET", .path = "/hold" });
                self.handle =
                        i == 2 ? kube_call_start(scene->client,
                                                 &(struct kube_request){ .method = "GET", .path = "/echo" },
                                                 NULL, plot_done, &plot)
                               : kube_call_start(scene->client, &stream, plot_data, on_done, &plot);
                wait_for(&next);
                assert_int_equal(next.status, 200);
                assert_int_equal(plot.n, 1);
                assert_int_equal(other.n_done, 0);
                if (i == 0)
                        kube_call_cancel(self.handle);
        }
}

/* One of two: the first that gets bytes ends the other. */
struct rival {
        struct kube_call *handle;
        struct rival *other;
        struct loop *loop;
        bool is_fighting;
        int n;
};

static void rival_data(const char *data UNUSED, size_t len UNUSED, void *arg)
{
        struct rival *rival = arg;

        assert_non_null(rival->handle);
        rival->n++;
        loop_stop(rival->loop);
        if (rival->is_fighting)
                kube_call_cancel(TAKE(rival->other->handle));
}

static void rival_done(const struct kube_answer *answer UNUSED, void *arg UNUSED)
{
        fail();
}

/* Both have bytes when libcurl runs; the loser's are told to nobody any more. */
static void cancels_who_has_bytes_too(void **state)
{
        struct scene *scene = *state;

        open_client(scene, access_to(scene));
        for (int round = 0; round < 5; round++) {
                struct rival a = { .loop = scene->loop };
                struct rival b = { .loop = scene->loop, .other = &a };
                struct rival *const both[] = { &a, &b };

                a.other = &b;
                for (size_t i = 0; i < 2; i++)
                        both[i]->handle = kube_call_start(scene->client,
                                                          &(struct kube_request){ .method = "POST",
                                                                                  .path = "/trickle",
                                                                                  .body = "HTTP/1.1 200 "
                                                                                          "OK\r\n\r\n",
                                                                                  .silence_ms = PATIENCE_MS },
                                                          rival_data, rival_done, both[i]);
                while (a.n == 0 || b.n == 0)
                        loop_run(scene->loop);
                (void)nanosleep(&(struct timespec){ 0, 100000000L }, NULL); /* a byte comes every 10 ms */
                a.is_fighting = b.is_fighting = true;
                loop_run(scene->loop);
                assert_true((a.handle == NULL) != (b.handle == NULL));
                for (int i = 0; i < 3; i++)
                        loop_run(scene->loop);
                kube_call_cancel(a.handle);
                kube_call_cancel(b.handle);
        }
}

/* Two end in the same turn, and the first one's answer cancels the other: it is told no more. */
static void cancels_what_ended_too(void **state)
{
        struct scene *scene = *state;
        AUTO(call_done_p) struct call first = CALL_INIT(scene);
        AUTO(call_done_p) struct call second = CALL_INIT(scene);
        AUTO(call_done_p) struct call next = CALL_INIT(scene);
        struct plot plot = { &first, &second, &next, false, 0 };

        open_client(scene, access_to(scene));
        first.handle =
                kube_call_start(scene->client, &(struct kube_request){ .method = "GET", .path = "/echo" },
                                NULL, plot_done, &plot);
        begin(&second, &(struct kube_request){ .method = "GET", .path = "/echo" });
        wait_for(&next);
        assert_int_equal(plot.n, 1);
        assert_int_equal(second.n_done, 0);
}

/* Without a token there is no request, but still no callback from inside of the start. */
static void cancels_at_once(void **state)
{
        AUTO(call_done_p) struct call call = CALL_INIT(*state);
        struct kube_access *access = access_to(call.scene);

        access->token_file = mem_strdup("/nonexistent/token");
        open_client(call.scene, access);
        for (int i = 0; i < 3; i++) {
                begin(&call, &(struct kube_request){ .method = "GET", .path = "/echo" });
                assert_int_equal(call.n_done, 0);
                kube_call_cancel(call.handle);
        }
        kube_call_cancel(NULL);
        fails_with(call.scene, ERR_AUTH, "the token cannot be read: open '/nonexistent/token'");
        assert_int_equal(call.n_done, 0);
        assert_int_equal(kube_client_requests(call.scene->client), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(ends_of_streams, setup, teardown),
                cmocka_unit_test_setup_teardown(trickles_on, setup, teardown),
                cmocka_unit_test_setup_teardown(floods_on, setup, teardown),
                cmocka_unit_test_setup_teardown(cancels_and_starts, setup, teardown),
                cmocka_unit_test_setup_teardown(cancels_who_has_bytes_too, setup, teardown),
                cmocka_unit_test_setup_teardown(cancels_what_ended_too, setup, teardown),
                cmocka_unit_test_setup_teardown(cancels_at_once, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
