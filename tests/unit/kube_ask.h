// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Starts calls in the scene of kube_scene.h and waits for what comes of them.
 */
#include "kube_scene.h"

static UNUSED void begin(struct call *call, const struct kube_request *request)
{
        call->handle = kube_call_start(call->scene->client, request, request->silence_ms > 0 ? on_data : NULL,
                                       on_done, call);
}

static UNUSED void wait_for(const struct call *call)
{
        while (call->n_done == 0)
                loop_run(call->scene->loop);
}

static UNUSED void wait_for_data(struct call *call, size_t n)
{
        call->stop_at = n;
        while (call->data.len < n) {
                assert_int_equal(call->n_done, 0);
                loop_run(call->scene->loop);
        }
        call->stop_at = 0;
}

static UNUSED void ask(struct call *call, const struct kube_request *request)
{
        begin(call, request);
        wait_for(call);
}

/* As text: what /echo or /pid say, with the client as it is. */
static UNUSED char *ask_for(struct scene *scene, const char *path)
{
        AUTO(call_done_p) struct call call = CALL_INIT(scene);

        ask(&call, &(struct kube_request){ .method = "GET", .path = path });
        if (call.status != 200)
                fail_msg("%s: %d %s", path, call.status, call.err.text);
        return mem_strdup(buf_str(&call.body));
}

static UNUSED void fails_with(struct scene *scene, enum err_kind kind, const char *text)
{
        AUTO(call_done_p) struct call call = CALL_INIT(scene);

        ask(&call, &(struct kube_request){ .method = "GET", .path = "/echo" });
        if (call.status != 0 || call.err.kind != kind || strstr(call.err.text, text) == NULL)
                fail_msg("%d %s '%s'", call.status, err_reason(call.err.kind), call.err.text);
}
