// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Events that wait to be written, in their order, and those written lately: an equal one within six minutes
 * is counted there (events.k8s.io/v1, series) instead of becoming one more object. Pure but for the names of
 * the objects.
 */
#include "base/clock.h"
#include "kube/reporter.h"

#define KUBE_EVENTS_SERIES_MS INT64_C(360000)
#define KUBE_EVENTS_ROOM      (2 * KUBE_EVENTS_KEPT)

struct kube_events_entry {
        char *name;            /* of the Event object */
        bool is_about_request; /* regarding the request, related to the pod; otherwise the other way round */
        char *request_kind;    /* NULL: there is no request */
        char *request_name;
        char *uid; /* of what it is about; NULL: not known so far, "": nobody says */
        enum kube_event_type type;
        char *reason;
        char *action;
        char *note;
        int64_t first_us; /* wall clock */
        int64_t last_us;
        int64_t count;
        int64_t written; /* the count that the server knows; 0: it has no such object */
        int64_t sending; /* the count in flight; 0: nothing is */
        struct mono seen_at;
        struct mono written_at;
};

struct kube_events {
        const char *namespace; /* borrowed, as the next */
        const char *pod;
        struct kube_events_entry *entries[KUBE_EVENTS_ROOM]; /* oldest first */
        size_t n;
        int64_t dropped;  /* nobody knows of them yet */
        int64_t dropping; /* of these: what is in flight says so */
};

void kube_events_done(struct kube_events *events);
/* Copies; with is_about_request there must be a request. */
void kube_events_add(struct kube_events *events, const struct kube_request_ref *request,
                     bool is_about_request, const struct kube_event *event, struct mono now);
/* What is to be written now; NULL: nothing before *wake (MONO_NEVER: nothing waits). */
struct kube_events_entry *kube_events_next(struct kube_events *events, struct mono now, struct mono *wake);
/* The POST of an object that the server does not have, the PATCH of its series where it has; from now on that
 * is in flight, and the entry stays until one of the three below. entry->uid is what it is about, pod_uid
 * what is said of the pod where that is another (NULL: not known). mem_free. */
char *kube_events_body(struct kube_events *events, struct kube_events_entry *entry,
                       const char *pod_uid) MUST_CHECK;
/* It has arrived. */
void kube_events_written(struct kube_events *events, struct kube_events_entry *entry, struct mono now);
/* It has not, or may not have: once more. `is_gone`: the server has no such object any more, make one. */
void kube_events_again(struct kube_events *events, struct kube_events_entry *entry, bool is_gone);
/* Nobody will take it. */
void kube_events_drop(struct kube_events *events, struct kube_events_entry *entry);
