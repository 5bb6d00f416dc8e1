// SPDX-License-Identifier: Apache-2.0
/*
 * A whole watch, fed by an API server gone mad: each line of the input answers the request under way, or goes
 * into its stream ("S…" as it is, "s…" without the newline). Whatever comes, events are whole.
 */
#include "kube/watch_state.h"
#include "kube_fake.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

static void on_event(const struct kube_watch_event *event, void *arg)
{
        assert((event->kind == KUBE_LOST) == (event->err != NULL) && arg != NULL);
        assert(event->kind != KUBE_OBJECT || (event->object != NULL && *event->name != '\0'));
}

static void answer(struct kube_call *call, const char *line, bool is_stream)
{
        static const int statuses[] = { 0, 200, 204, 302, 401, 403, 404, 410, 429, 500 };

        if (is_stream && (*line == 'S' || *line == 's'))
                kube_fake_data(call, line + 1);
        if (is_stream && *line == 'S' && !call->is_over)
                kube_fake_data(call, "\n");
        if (*line == 'S' || *line == 's')
                return;
        if (*line >= '0' && *line <= '9' && *line != '0')
                kube_fake_answer(call, statuses[*line - '0'], line + 1);
        else
                kube_fake_break(call, *line == 'L' ? ERR_LIMIT : ERR_TIMEOUT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static const struct kube_watch_limits limits = { 0, 0, 0, 0, 1000, 1000, 1000, 1, 1, 4, 4 };
        const struct kube_watch_spec spec = { "/api/v1/pods", len % 2 == 0 ? "a" : NULL, NULL };
        AUTO(mem_free_p) char *text = mem_new(len + 1);
        struct loop *loop = loop_new();
        struct kube_client *client = kube_fake_new(loop);
        struct kube_watch *watch = kube_watch_open_limited(client, &spec, &limits, on_event, text);
        char *rest = text;

        memcpy(text, data, len);
        for (char *line; kube_fake_n(client) < KUBE_FAKE_CALLS - 4 && (line = strsep(&rest, "\n")) != NULL;) {
                struct kube_call *call = kube_fake_open(client);

                if (call == NULL)
                        break; /* a Retry-After: there are no other pauses here */
                answer(call, line, call->silence_ms != 0);
        }
        kube_watch_close(watch);
        kube_fake_free(client);
        loop_free(loop);
        return 0;
}
