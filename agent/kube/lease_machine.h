// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One contender for a Lease, without a network: what was seen and when, by our own monotonic clock, decides
 * what to send next and whether we hold it. `now` never goes back. Pure but for the random numbers it is
 * given.
 *
 * Why never two hold at once: a renewal that the server confirmed was made after it was sent, so others, who
 * wait for the record's duration since they first saw it, wait until after sent + duration. We stop at sent +
 * two thirds of it. Whoever takes it writes over exactly the record it judged (resourceVersion and uid).
 *
 * A Lease can be deleted while it is held. So whoever makes one makes it free, and nobody takes one that was
 * never taken (leaseTransitions 0) before it has seen it for two thirds of the duration: by then no holder of
 * an earlier Lease of that name acts any more. The price is that the first turn of a database waits so long.
 */
#include "kube/lease.h"
#include "kube/lease_record.h"

enum kube_lease_move {
        KUBE_LEASE_REST,
        KUBE_LEASE_READ,   /* GET */
        KUBE_LEASE_CREATE, /* POST */
        KUBE_LEASE_WRITE,  /* PUT over `seen` */
};

typedef int64_t kube_lease_random_fn(int64_t low, int64_t high);

/* What was told to the user last. */
struct kube_lease_told {
        bool any;
        enum kube_lease_kind kind;
        char *holder;
        enum err_kind err;
};

struct kube_lease_machine {
        const char *holder; /* ours */
        int64_t duration_ms;
        kube_lease_random_fn *random;
        bool wanted;

        bool known; /* something was seen: `seen`, or that there is no Lease */
        bool stale; /* read before anything else */
        struct kube_lease_record seen;
        struct mono since;   /* `seen` has not changed since then */
        struct mono read_at; /* look again then, though nothing seems to be due */
        struct mono
                fresh_until; /* it was made anew, maybe under the hands of a holder: nobody takes it before */

        enum kube_lease_move flying; /* sent, without an answer so far */
        bool writes_free;            /* what is flying, or was last: it makes a Lease, or gives it back */
        struct mono sent;
        struct mono pause_until;
        int tries;     /* failed in a row */
        int conflicts; /* in a row */

        bool may_be_ours; /* a claim of ours may have arrived, and was not given back */
        struct mono written;
        struct mono held_until; /* { 0 }: not held */
        struct mono renew_at;

        struct err err; /* of the last try; ERR_NONE: it went well */
        struct kube_lease_told told;
};

/* holder is borrowed. */
void kube_lease_machine_init(struct kube_lease_machine *machine, const char *holder, int64_t duration_ms,
                             kube_lease_random_fn *random);
void kube_lease_machine_done(struct kube_lease_machine *machine);
void kube_lease_machine_want(struct kube_lease_machine *machine, bool wanted, struct mono now);
bool kube_lease_machine_is_held(const struct kube_lease_machine *machine, struct mono now);
/* Nothing in flight, nothing to give back. */
bool kube_lease_machine_is_idle(const struct kube_lease_machine *machine);

/*
 * What to send now: it counts as sent, and nothing else is until its answer. REST: nothing before *wake, or
 * before something else happens. With CREATE and WRITE: kube_lease_machine_claims is the holder to write.
 */
enum kube_lease_move kube_lease_machine_move(struct kube_lease_machine *machine, struct mono now,
                                             struct mono *wake);
/* The end: nothing is wanted, what is in flight is forgotten. true: WRITE once more, to give it back. */
bool kube_lease_machine_leave(struct kube_lease_machine *machine, struct mono now);
const char *kube_lease_machine_claims(const struct kube_lease_machine *machine);

enum kube_lease_reply_kind {
        KUBE_LEASE_RECORD, /* read, or written */
        KUBE_LEASE_ABSENT, /* 404 */
        KUBE_LEASE_BEATEN, /* 409: it is not what we took it for */
        KUBE_LEASE_FAILED, /* anything else; a write may have arrived all the same */
};

struct kube_lease_reply {
        enum kube_lease_reply_kind kind;
        struct kube_lease_record record; /* of RECORD; taken */
        struct err err;                  /* why it is no RECORD */
        int64_t retry_after_ms;
};

/* The answer to what was sent. */
void kube_lease_machine_answer(struct kube_lease_machine *machine, struct kube_lease_reply *reply,
                               struct mono now);
/* Another holds it, as far as we know: it pays to watch it. */
bool kube_lease_machine_waits(const struct kube_lease_machine *machine, struct mono now);
/*
 * What a watch says meanwhile, maybe late: the record as it is (taken), or NULL: it was deleted. Heeded only
 * by one who waits and has nothing in flight. true: look for a move.
 */
bool kube_lease_machine_overhear(struct kube_lease_machine *machine, struct kube_lease_record *record,
                                 struct mono now);
/* Something to tell, one at a time: call again until false. Its texts live until the next call. Also to be
 * called before an answer is given in: what is over must not look as if it had gone on. */
bool kube_lease_machine_news(struct kube_lease_machine *machine, struct mono now,
                             struct kube_lease_event *out);
