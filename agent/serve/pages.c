// SPDX-License-Identifier: Apache-2.0
/*
 * Paths to answers: one table.
 */
#include "serve/status.h"

#include <string.h>

#include "serve/reply.h"

struct page {
        const char *path;
        void (*answer)(const struct status *status, enum health_probe probe, bool verbose,
                       struct http_reply *reply);
        enum health_probe probe;
};

static void answer_probe(const struct status *status, enum health_probe probe, bool verbose,
                         struct http_reply *reply)
{
        const struct wall now = clock_wall();
        const struct mono mono = clock_mono();
        char reason[256];
        const bool is_fine = health_check(status, probe, now, mono, reason);

        reply->status = is_fine ? 200 : 503;
        if (verbose)
                reply_json(health_to_json(status, probe, now, mono), reply);
        else
                buf_printf(&reply->body, "%s\n", is_fine ? "ok" : reason);
}

static void answer_status(const struct status *status, enum health_probe probe UNUSED, bool verbose UNUSED,
                          struct http_reply *reply)
{
        reply_json(status_to_json(status, clock_wall(), clock_mono()), reply);
}

static void answer_metrics(const struct status *status, enum health_probe probe UNUSED, bool verbose UNUSED,
                           struct http_reply *reply)
{
        reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_render(status, clock_wall(), clock_mono(), &reply->body);
}

static const struct page pages[] = {
        { "/livez", answer_probe, HEALTH_LIVE },       { "/readyz", answer_probe, HEALTH_READY },
        { "/startupz", answer_probe, HEALTH_STARTUP }, { "/healthz", answer_probe, HEALTH_LIVE },
        { "/metrics", answer_metrics, HEALTH_LIVE },   { "/status", answer_status, HEALTH_LIVE },
};

void pages_answer(const struct status *status, const char *path, const char *query, struct http_reply *reply)
{
        for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
                if (strcmp(pages[i].path, path) == 0) {
                        pages[i].answer(status, pages[i].probe, reply_is_verbose(query), reply);
                        return;
                }
        }
        reply->status = 404;
        buf_add_str(&reply->body, "there are:");
        for (size_t i = 0; i < ARRAY_LEN(pages); i++)
                buf_printf(&reply->body, " %s", pages[i].path);
        buf_add_char(&reply->body, '\n');
}
