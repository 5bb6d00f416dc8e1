// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One of several holds a Lease (coordination.k8s.io/v1). No clock is compared with another machine's: a
 * holder is taken for gone when its record has not changed for the record's own duration by our own monotonic
 * clock; we are gone in our own eyes well before that (two thirds of it since the last renewal that the
 * server confirmed was sent).
 */
#include "kube/client.h"

struct kube_lease_spec {
        const char *namespace; /* copied, as all strings here */
        const char *name;
        const char *holder; /* unique per contender that can be alive at one time; the same after a restart */
        int64_t duration_ms; /* whole seconds, 3 s at least */
        bool watched; /* while another holds it: it needs the rights list and watch, and is told of a Lease
                         that is given back at once; otherwise it looks twice in a duration */
};

enum kube_lease_kind {
        KUBE_LEASE_HELD,  /* from now on, until LOST or kube_lease_want(…, false) */
        KUBE_LEASE_LOST,  /* it could not be renewed in time, or another took it */
        KUBE_LEASE_WAITS, /* another holds it (holder), or the server does not answer (err): told when it
                             changes */
};

struct kube_lease_event {
        enum kube_lease_kind kind;
        const char *holder;    /* of WAITS and LOST: another that has it; NULL when unknown */
        const struct err *err; /* of WAITS and LOST: why; NULL: no trouble */
};

/* From the loop, never from a call of ours; may call all of these, also close. */
typedef void kube_lease_fn(const struct kube_lease_event *event, void *arg);

/* ERR_USAGE: names the API server would not take, a duration too short or not of whole seconds. */
int kube_lease_check(const struct kube_lease_spec *spec, struct err *err) MUST_CHECK;

struct kube_lease;
/* A spec that does not pass the check is never sent: whoever wants it WAITS with the check's error. */
struct kube_lease *kube_lease_open(struct kube_client *client, const struct kube_lease_spec *spec,
                                   kube_lease_fn *fn, void *arg);
/*
 * Gives it back, best effort: the write is sent, its answer not waited for, and closing the client ends it.
 * To be sure: want(…, false), and close once it is idle, or after as long as one cares to wait.
 */
void kube_lease_close(struct kube_lease *lease);
AUTO_DEFINE(struct kube_lease, kube_lease_close)
/* Contend for it, or give it back (its record says so at once, nobody waits for the duration). Idempotent. */
void kube_lease_want(struct kube_lease *lease, bool wanted);
/* Held at this moment: asks the clock, so that a process that slept does not act on old news. */
bool kube_lease_is_held(const struct kube_lease *lease);
/* Not wanted, and given back. */
bool kube_lease_is_idle(const struct kube_lease *lease);
