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
};

enum kube_lease_kind {
        KUBE_LEASE_HELD,  /* from now on, until LOST or kube_lease_want(…, false) */
        KUBE_LEASE_LOST,  /* it could not be renewed in time, or another took it */
        KUBE_LEASE_WAITS, /* another holds it (holder), or the server does not answer (err): told when it
                             changes */
};

struct kube_lease_event {
        enum kube_lease_kind kind;
        const char *holder; /* WAITS: NULL when unknown */
        const struct err *err;
};

typedef void kube_lease_fn(const struct kube_lease_event *event, void *arg);

struct kube_lease;
struct kube_lease *kube_lease_open(struct kube_client *client, const struct kube_lease_spec *spec,
                                   kube_lease_fn *fn, void *arg);
/* Gives it back, best effort, without waiting for the answer. */
void kube_lease_close(struct kube_lease *lease);
AUTO_DEFINE(struct kube_lease, kube_lease_close)
/* Contend for it, or give it back (its record says so at once, nobody waits for the duration). Idempotent. */
void kube_lease_want(struct kube_lease *lease, bool wanted);
/* Held at this moment: asks the clock, so that a process that slept does not act on old news. */
bool kube_lease_is_held(const struct kube_lease *lease);
