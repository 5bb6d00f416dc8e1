// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a collection, or one object of it, looks like, from now on: list, then watch from that version, over
 * and over. No change is missed: after whatever went wrong (cut, silence, 410, 429, 5xx, an answer that is no
 * JSON) it goes on from the last version seen, or lists again. No polling: while all is well one request
 * every five to ten minutes.
 */
#include "kube/client.h"

#include "base/json.h"

struct kube_watch_spec {
        const char *collection; /* "/api/v1/namespaces/demo/secrets"; copied, as all strings here */
        const char *name;       /* of the one object; NULL: all (a list in pages of 500) */
        const char *labels;     /* label selector, escaped; NULL: none */
};

enum kube_watch_kind {
        KUBE_OBJECT, /* it is there, or it has changed; after a list also when nothing did */
        KUBE_GONE,   /* it was deleted; with `name` also: a list did not have it */
        KUBE_LISTED, /* all objects of a list have been told */
        KUBE_LOST, /* the server cannot be reached, or refuses: told once until KUBE_LISTED or the next event
                      (err says why); what was told before may be old */
};

struct kube_watch_event {
        enum kube_watch_kind kind;
        const cJSON *object; /* OBJECT and GONE; NULL when a GONE object was never seen */
        const char *name;    /* of it */
        const char *version; /* resourceVersion */
        const struct err *err;
};

typedef void kube_watch_fn(const struct kube_watch_event *event, void *arg);

struct kube_watch;
/* The first list starts at once. The callback may close the watch. */
struct kube_watch *kube_watch_open(struct kube_client *client, const struct kube_watch_spec *spec,
                                   kube_watch_fn *fn, void *arg);
void kube_watch_close(struct kube_watch *watch);
AUTO_DEFINE(struct kube_watch, kube_watch_close)
/* What was told is what the server has, as far as anybody can know: listed, and the stream is alive. */
bool kube_watch_is_live(const struct kube_watch *watch);
