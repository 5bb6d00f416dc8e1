// SPDX-License-Identifier: Apache-2.0
#include "kube_fake.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct kube_client {
        struct loop *loop;
        struct kube_access access;
        struct kube_call *calls[KUBE_FAKE_CALLS];
        size_t n;
};

struct kube_client *kube_fake_new(struct loop *loop)
{
        struct kube_client *client = MEM_NEW(struct kube_client);

        client->loop = loop;
        return client;
}

void kube_fake_free(struct kube_client *client)
{
        for (size_t i = 0; i < client->n; i++) {
                assert(client->calls[i]->is_over); /* its owner forgot it */
                mem_free(client->calls[i]->body);
                mem_free(client->calls[i]);
        }
        mem_free(client);
}

struct loop *kube_client_loop(struct kube_client *client)
{
        return client->loop;
}

const struct kube_access *kube_client_access(const struct kube_client *client)
{
        return &client->access;
}

uint64_t kube_client_requests(const struct kube_client *client)
{
        return client->n;
}

struct kube_call *kube_call_start(struct kube_client *client, const struct kube_request *request,
                                  kube_data_fn *data, kube_answer_fn *done, void *arg)
{
        struct kube_call *call = MEM_NEW(struct kube_call);

        assert(client->n < KUBE_FAKE_CALLS);
        assert((data != NULL) == (request->silence_ms != 0));
        (void)snprintf(call->method, sizeof(call->method), "%s", request->method);
        (void)snprintf(call->path, sizeof(call->path), "%s", request->path);
        (void)snprintf(call->type, sizeof(call->type), "%s",
                       request->type == NULL ? KUBE_JSON : request->type);
        call->client = client;
        call->body = mem_strdup(request->body);
        call->limit_ms = request->limit_ms;
        call->silence_ms = request->silence_ms;
        call->data = data;
        call->done = done;
        call->arg = arg;
        client->calls[client->n++] = call;
        return call;
}

void kube_call_cancel(struct kube_call *call)
{
        if (call == NULL)
                return;
        assert(!call->is_over); /* its handle is dead */
        call->is_over = true;
        call->is_cancelled = true;
}

size_t kube_fake_n(const struct kube_client *client)
{
        return client->n;
}

struct kube_call *kube_fake_at(const struct kube_client *client, size_t i)
{
        assert(i < client->n);
        return client->calls[i];
}

struct kube_call *kube_fake_open(const struct kube_client *client)
{
        for (size_t i = client->n; i-- > 0;)
                if (!client->calls[i]->is_over)
                        return client->calls[i];
        return NULL;
}

void kube_fake_data(struct kube_call *call, const char *text)
{
        assert(!call->is_over);
        call->data(text, strlen(text), call->arg);
}

static void answer(struct kube_call *call, const struct kube_answer *given)
{
        assert(!call->is_over);
        call->is_over = true;
        call->done(given, call->arg);
}

void kube_fake_answer(struct kube_call *call, int status, const char *body)
{
        const struct kube_answer given = {
                .status = status,
                .body = body == NULL ? "" : body,
                .len = body == NULL ? 0 : strlen(body),
                .err = ERR_INIT,
        };

        answer(call, &given);
}

void kube_fake_answer_later(struct kube_call *call, int status, int64_t retry_after_ms)
{
        const struct kube_answer given = {
                .status = status, .retry_after_ms = retry_after_ms, .body = "", .err = ERR_INIT
        };

        answer(call, &given);
}

void kube_fake_break(struct kube_call *call, enum err_kind kind)
{
        struct kube_answer given = { .body = "", .err = ERR_INIT };

        err_set_(&given.err, kind, "the test broke it");
        answer(call, &given);
}
