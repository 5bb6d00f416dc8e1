// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A client, a server that does what each request tells it to (tests/lib/kubepeer.h), and a loop that ends
 * when something came of a call.
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

static UNUSED void call_done_p(struct call *call)
{
        buf_done(&call->body);
        buf_done(&call->data);
}

static UNUSED void on_done(const struct kube_answer *answer, void *arg)
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

static UNUSED void on_data(const char *data, size_t len, void *arg)
{
        struct call *call = arg;

        buf_add(&call->data, data, len);
        if (call->stop_at > 0 && call->data.len >= call->stop_at)
                loop_stop(call->scene->loop);
}

static UNUSED void on_watchdog(void *arg UNUSED)
{
        fail_msg("the loop stands still");
}

static UNUSED struct kube_access *access_to(const struct scene *scene)
{
        struct kube_access *access = MEM_NEW(struct kube_access);

        access->server = mem_printf("https://127.0.0.1:%d", scene->peer.port);
        access->authorities = testca_cert_pem(scene->root);
        access->namespace = mem_strdup("demo");
        return access;
}

static UNUSED void open_client(struct scene *scene, struct kube_access *access)
{
        struct err err = ERR_INIT;

        if (kube_client_open(scene->loop, access, &scene->client, &err) != 0)
                fail_msg("%s", err.text);
}

static UNUSED int setup(void **state)
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

static UNUSED int teardown(void **state)
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
