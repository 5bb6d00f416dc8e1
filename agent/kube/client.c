// SPDX-License-Identifier: Apache-2.0
/*
 * The list of calls and the link that carries them. All that happens to a call happens in turn(), which runs
 * from the loop and never inside of libcurl: what the callbacks ask for is noted there and done here.
 *
 * When is a connection dead? libcurl says so, or a call or stream got nothing in its time and nobody else on
 * the link got anything since either. Then all of it goes at once, so that a half-open connection costs one
 * limit and not one a call. A slow answer beside living streams ends alone.
 *
 * The trap: libcurl 7.88 keeps the frame that resets a stream until it has more to send or to receive. Beside
 * others that is soon; a connection on which nothing is left after a cancel is closed, or the server would
 * hold the stream for ever.
 */
#include "kube/client.h"

#include <assert.h>

#include "base/mem.h"
#include "kube/call.h"
#include "kube/link.h"

struct kube_client {
        struct loop *loop;
        struct kube_access *access;
        struct curl_library *curl;
        struct kube_target target;
        struct kube_link *link; /* NULL: the next call opens one */
        struct loop_timer *timer;
        TAILQ_HEAD(kube_calls, kube_call) calls;
        struct mono heard;  /* when anything came over the link */
        bool is_broken;     /* the link is to be dropped in this turn */
        bool has_cancelled; /* a running call, in this turn */
        uint64_t n_requests;
};

static void turn(void *arg);

/* libcurl has it no longer. */
static void take_back(struct kube_call *call)
{
        kube_link_remove(call->client->link, call->easy);
        loop_timer_clear(call->timer);
}

static void discard(struct kube_call *call)
{
        TAILQ_REMOVE(&call->client->calls, call, entry);
        kube_call_free(call);
}

static struct kube_call *first_in(const struct kube_client *client, enum kube_call_state state)
{
        struct kube_call *call;

        TAILQ_FOREACH(call, &client->calls, entry)
        if (call->state == state)
                return call;
        return NULL;
}

/* The stream alone was reset, or we broke it off: that says nothing about the connection. */
static bool breaks_link(const struct kube_call *call, CURLcode code)
{
        return call->err.kind != ERR_NONE && call->err.kind != ERR_LIMIT && code != CURLE_HTTP2_STREAM;
}

static void collect(struct kube_client *client)
{
        CURLcode code = CURLE_OK;
        CURL *easy;

        while (client->link != NULL && (easy = kube_link_next(client->link, &code)) != NULL) {
                struct kube_call *call = NULL;

                (void)client->curl->easy_getinfo(easy, CURLINFO_PRIVATE, &call);
                if (call->state != KUBE_CALL_RUNS)
                        continue;
                kube_call_settle(call, client->access, code);
                client->is_broken |= breaks_link(call, code);
                take_back(call);
                call->state = KUBE_CALL_ENDED;
        }
}

static void sweep(const struct kube_client *client)
{
        struct kube_call *call;

        while ((call = first_in(client, KUBE_CALL_DROPPED)) != NULL) {
                take_back(call);
                discard(call);
        }
}

static void drop_link(struct kube_client *client)
{
        struct kube_call *call;

        while ((call = first_in(client, KUBE_CALL_RUNS)) != NULL) {
                take_back(call);
                call->state = KUBE_CALL_ENDED;
                err_set_(&call->err, ERR_NETWORK, "%.200s: the connection was given up",
                         client->access->server);
        }
        kube_link_close(client->link);
        client->link = NULL;
        client->is_broken = false;
}

static void tell(const struct kube_client *client)
{
        struct kube_call *call;

        while ((call = first_in(client, KUBE_CALL_ENDED)) != NULL) {
                const struct kube_answer answer = {
                        .status = call->status,
                        .retry_after_ms = call->retry_after_ms,
                        .body = buf_str(&call->answer),
                        .len = call->answer.len,
                        .err = call->err,
                };

                call->state = KUBE_CALL_OVER;
                call->done(&answer, call->arg);
                discard(call);
        }
}

static int begin(struct kube_client *client, struct kube_call *call, struct err *err)
{
        if (client->link == NULL &&
            kube_link_open(client->loop, client->curl, turn, client, &client->link, err) != 0)
                return -1;
        if (kube_call_prepare(call, client->curl, client->access, &client->target, err) != 0 ||
            kube_link_add(client->link, call->easy, err) != 0)
                return -1;
        call->state = KUBE_CALL_RUNS;
        call->sent = clock_mono();
        loop_timer_set(call->timer, call->limit_ms);
        client->n_requests++;
        return 0;
}

static void begin_fresh(struct kube_client *client)
{
        struct kube_call *call;

        while ((call = first_in(client, KUBE_CALL_FRESH)) != NULL) {
                if (begin(client, call, &call->err) == 0)
                        continue;
                call->state = KUBE_CALL_ENDED;
                loop_timer_set(client->timer, 0); /* told in the next turn: who asks again at once must not
                                                     hold up the loop */
        }
}

static void turn(void *arg)
{
        struct kube_client *client = arg;

        collect(client);
        sweep(client);
        if (client->is_broken)
                drop_link(client);
        tell(client);
        begin_fresh(client);
        if (client->has_cancelled && first_in(client, KUBE_CALL_RUNS) == NULL)
                drop_link(client);
        client->has_cancelled = false;
}

static void on_limit(void *arg)
{
        struct kube_call *call = arg;
        struct kube_client *client = call->client;
        const char *server = client->access->server;
        struct mono since = call->sent;

        if (kube_call_is_streaming(call)) {
                since.ms = clock_mono().ms - call->silence_ms;
                err_set_(&call->err, ERR_TIMEOUT, "%.200s: the stream was silent for %lld ms", server,
                         (long long)call->silence_ms);
        } else {
                err_set_(&call->err, ERR_TIMEOUT, "%.200s: no %s within %lld ms", server,
                         call->status == 0 ? "answer" : "whole answer", (long long)call->limit_ms);
        }
        take_back(call);
        call->state = KUBE_CALL_ENDED;
        client->is_broken |= client->heard.ms <= since.ms;
        turn(client);
}

int kube_client_open(struct loop *loop, struct kube_access *access, struct kube_client **out, struct err *err)
{
        AUTO(kube_client_close_p) struct kube_client *client = MEM_NEW(struct kube_client);

        TAILQ_INIT(&client->calls);
        client->loop = loop;
        client->access = access;
        client->target = kube_call_target(access);
        client->timer = loop_timer_new(loop, turn, client);
        if (kube_access_check(access, err) != 0 || curl_library_open(&client->curl, err) != 0)
                return -1;
        *out = TAKE(client);
        return 0;
}

void kube_client_close(struct kube_client *client)
{
        struct kube_call *call;

        if (client == NULL)
                return;
        while ((call = TAILQ_FIRST(&client->calls)) != NULL)
                kube_call_cancel(call);
        kube_link_close(client->link);
        curl_library_close(client->curl);
        loop_timer_free(client->timer);
        kube_call_target_done(&client->target);
        kube_access_free(client->access);
        mem_free(client);
}

struct loop *kube_client_loop(struct kube_client *client)
{
        return client->loop;
}

const struct kube_access *kube_client_access(const struct kube_client *client)
{
        return client->access;
}

uint64_t kube_client_requests(const struct kube_client *client)
{
        return client->n_requests;
}

struct kube_call *kube_call_start(struct kube_client *client, const struct kube_request *request,
                                  kube_data_fn *data, kube_answer_fn *done, void *arg)
{
        struct kube_call *call = kube_call_new(request);

        assert(request->silence_ms == 0 || data != NULL);
        call->client = client;
        call->heard = &client->heard;
        call->data = data;
        call->done = done;
        call->arg = arg;
        call->timer = loop_timer_new(client->loop, on_limit, call);
        TAILQ_INSERT_TAIL(&client->calls, call, entry);
        loop_timer_set(client->timer, 0);
        return call;
}

void kube_call_cancel(struct kube_call *call)
{
        if (call == NULL || call->state == KUBE_CALL_DROPPED || call->state == KUBE_CALL_OVER)
                return;
        if (call->state == KUBE_CALL_RUNS) {
                call->client->has_cancelled = true;
                loop_timer_set(call->client->timer, 0);
                if (kube_link_is_busy(call->client->link)) {
                        call->state = KUBE_CALL_DROPPED;
                        loop_timer_clear(call->timer);
                        return;
                }
                take_back(call);
        }
        discard(call);
}
