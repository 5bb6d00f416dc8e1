// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a watch does next, as a pure function of what has happened: which request, after which pause, and
 * whether the user of the watch has to be told that it is lost.
 *
 * One counter of failures decides. Only a stream that lasted resets it: an answered list does not, nor do
 * events, so that no server, however odd, makes us ask more than about twice in `steady_ms`.
 */
#include "kube/backoff.h"
#include "kube/frame.h"
#include "kube/watch.h"

struct kube_watch_limits {
        int64_t pause_min_ms;   /* before the second try of whatever failed */
        int64_t pause_max_ms;   /* while the server is away, or breaks off */
        int64_t refused_max_ms; /* while it refuses: a role may be granted later, a CRD be installed */
        int64_t steady_ms;      /* a stream that lasted so long was a good one, however it ended */
        int64_t head_ms;        /* a stream that has not failed by then has begun */
        /*
         * A stream without a byte is dead after silence_ms. Bookmarks come about once a minute (the API
         * server's cacher; "at the server's discretion", so that one may be late), hence two and a half.
         * Where there were none (old servers, kinds that are not cached) quiet is normal: doubled each time,
         * up to silence_max_ms, which is later than the server's own end of the stream.
         */
        int64_t silence_ms;
        int64_t silence_max_ms;
        int64_t timeout_min_s; /* timeoutSeconds: the server ends the stream after a random time between */
        int64_t timeout_max_s;
        int64_t page;      /* objects of a list in one answer */
        int64_t pages_max; /* of one list: each is asked for at once */
};

extern const struct kube_watch_limits kube_watch_defaults;

struct kube_watch_state {
        const struct kube_watch_limits *limits;
        struct kube_backoff backoff;
        char version[KUBE_VERSION_MAX]; /* watch from here; "": list */
        char listing[KUBE_VERSION_MAX]; /* of the list under way, "" before its first page */
        char *more;                     /* continue token of the list under way */
        int64_t pages;                  /* of the list under way */
        int64_t page;                   /* smaller than the limit's where objects are large */
        int64_t silence_ms;
        uint64_t frames; /* of the stream under way */
        bool has_begun;  /* the stream under way: a server that takes a request and never answers has none */
        bool has_bookmarks;
        bool was_gone;  /* since the last good stream: the first 410 is the normal course */
        bool is_listed; /* once at least */
        bool is_live;
        bool is_lost; /* and told so */
};

void kube_watch_state_init(struct kube_watch_state *state, const struct kube_watch_limits *limits);
void kube_watch_state_done(struct kube_watch_state *state);
bool kube_watch_state_is_watching(const struct kube_watch_state *state);

/* ERR_USAGE: a watch that can never be: name or collection are none, or too long together. */
int kube_watch_state_check(const struct kube_watch_spec *spec, struct err *err) MUST_CHECK;
/* Path and query of the next request. ERR_LIMIT: the server's continue token does not fit into it. */
int kube_watch_state_path(const struct kube_watch_state *state, const struct kube_watch_spec *spec,
                          char out[static KUBE_PATH_MAX], struct err *err) MUST_CHECK;

/* A page of a list has come. 1: it was the last, the list is whole; 0: ask for the next; ERR_PROTOCOL: there
 * is no end to them. */
int kube_watch_state_page(struct kube_watch_state *state, const struct kube_page *page,
                          struct err *err) MUST_CHECK;
/* A sign of life of the stream. */
void kube_watch_state_alive(struct kube_watch_state *state);
/* Any frame but ERROR. */
void kube_watch_state_frame(struct kube_watch_state *state, const struct kube_frame *frame);

enum kube_watch_end {
        KUBE_END_CLEAN,   /* the server ended the stream in good order */
        KUBE_END_AWAY,    /* no answer, half an answer, 429, 5xx: the same again later */
        KUBE_END_SILENT,  /* a stream without a byte for too long */
        KUBE_END_GONE,    /* 410: list again */
        KUBE_END_GARBLED, /* not what it should be: list again, later */
        KUBE_END_LARGE,   /* a page beyond what we take: smaller ones */
        KUBE_END_REFUSED, /* any other 4xx: list again, much later */
};

/* What an answer is that is not 200 and whole (of a stream: also one that is); err says why. */
enum kube_watch_end kube_watch_state_judge(const struct kube_watch_state *state,
                                           const struct kube_watch_spec *spec,
                                           const struct kube_answer *answer, int64_t lasted_ms,
                                           struct err *err);
/* Puts in front of err what could not be done. */
void kube_watch_state_blame(const struct kube_watch_state *state, const struct kube_watch_spec *spec,
                            struct err *err);

struct kube_watch_next {
        int64_t pause_ms;
        bool tells_lost;
};

/* A list or a stream has ended otherwise than by kube_watch_state_page. */
struct kube_watch_next kube_watch_state_end(struct kube_watch_state *state, enum kube_watch_end end,
                                            int64_t lasted_ms, int64_t retry_after_ms);

/* kube_watch_open with limits of its own, which outlive it: for tests. */
struct kube_watch *kube_watch_open_limited(struct kube_client *client, const struct kube_watch_spec *spec,
                                           const struct kube_watch_limits *limits, kube_watch_fn *fn,
                                           void *arg);
