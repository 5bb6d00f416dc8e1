// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The record in a Lease: JSON to struct, and the JSON that claims it or gives it back. Its times are for
 * people: nothing here reads them as times. Pure. Fuzzed by tests/fuzz/fuzz_lease.c.
 */
#include "base/json.h"

struct kube_lease_record {
        cJSON *object;       /* all of it, so that what others wrote there stays; NULL: there is none */
        const char *holder;  /* of `object`, as all strings here; "": free */
        const char *renewed; /* "" when it does not say */
        const char *version;
        const char *uid;
        int64_t duration_ms; /* 0: it does not say */
        int64_t transitions;
};

/* ERR_PROTOCOL: no JSON, no object, or without a resourceVersion. */
int kube_lease_record_parse(const char *text, size_t len, struct kube_lease_record *out,
                            struct err *err) MUST_CHECK;
/* The same of an object, which is taken, also on failure. */
int kube_lease_record_take(cJSON *object, struct kube_lease_record *out, struct err *err) MUST_CHECK;
void kube_lease_record_done(struct kube_lease_record *record);
static inline UNUSED void kube_lease_record_done_p(struct kube_lease_record *record)
{
        kube_lease_record_done(record);
}
/* Nobody has claimed or renewed between the two. Labels and the like may differ: they are no sign of life. */
bool kube_lease_record_is_unchanged(const struct kube_lease_record *a, const struct kube_lease_record *b);

struct kube_lease_claim {
        const char *namespace;
        const char *name;
        const char *holder;  /* "": makes it, or gives it back; who takes it counts up leaseTransitions */
        int64_t duration_ms; /* of a free one: ignored */
        int64_t now_us;      /* wall clock */
};

/*
 * The object to POST (`seen` without an object: it is made free) or to PUT over `seen`, which fails when that
 * has changed (resourceVersion, uid). Always another record than `seen`, even when the clock stands still:
 * who waits must see that the holder lives. mem_free.
 */
char *kube_lease_record_claim(const struct kube_lease_record *seen,
                              const struct kube_lease_claim *claim) MUST_CHECK;
