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
                      (err says why), and again when it refuses for another reason; what was told before may
                      be old. A stream that breaks once and goes on at the next try is not worth it. Always
                      followed by a list when it is over, except for ERR_USAGE: such a watch stays dead. */
};

/*
 * One that was deleted and made anew while nobody watched is told as changed: metadata.uid is another.
 */
struct kube_watch_event {
        enum kube_watch_kind kind;
        const cJSON *object;   /* of OBJECT; of GONE the last state, NULL when only a list told of it */
        const char *namespace; /* of OBJECT and GONE; "" for those outside of namespaces, or never seen */
        const char *name;      /* likewise */
        const char *version;   /* resourceVersion; of GONE: of the deletion, or of the list that lacked it;
                                  of LISTED: of the list */
        const struct err *err; /* of LOST */
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

/* Since it was opened, for metrics and tests. */
struct kube_watch_counts {
        uint64_t lists;   /* requests, one a page */
        uint64_t watches; /* requests */
        uint64_t events;  /* OBJECT and GONE */
        uint64_t losses;
};
struct kube_watch_counts kube_watch_counts(const struct kube_watch *watch);
