// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One write at a time, until it has arrived: a call in flight, or a pause before the next try. What is
 * written is its owner's business, who is asked for it when the time has come: so it is always the newest.
 */
#include "kube/backoff.h"
#include "kube/client.h"

struct kube_outbox {
        struct kube_client *client;
        loop_fn *write;           /* the time has come: kube_outbox_send, want (later), or rest */
        kube_answer_fn *answered; /* to what was sent: kube_outbox_judge, then want or rest */
        void *arg;
        struct loop_timer *timer;
        struct kube_call *call;
        struct mono due;        /* of the timer; MONO_NEVER: not set */
        struct mono not_before; /* of any call */
        struct mono since;      /* something waits; MONO_NEVER: nothing does */
        struct kube_backoff backoff;
        struct kube_backoff slow; /* 401 and 403 */
        struct err err;           /* of the last try */
};

/* `box` has client, write, answered and arg. */
void kube_outbox_open(struct kube_outbox *box);
void kube_outbox_close(struct kube_outbox *box);
/* Something waits: write is called from the loop, in ms at the earliest, not while a call is in flight. */
void kube_outbox_want(struct kube_outbox *box, int64_t ms);
/* Nothing waits any more. */
void kube_outbox_rest(struct kube_outbox *box);
void kube_outbox_send(struct kube_outbox *box, const struct kube_request *request);

enum kube_outbox_verdict {
        KUBE_OUTBOX_ARRIVED,
        KUBE_OUTBOX_LATER,   /* it will be tried again: write is going to be called */
        KUBE_OUTBOX_REFUSED, /* the same again will not do (see the answer's status and box->err) */
};

enum kube_outbox_verdict kube_outbox_judge(struct kube_outbox *box, const struct kube_answer *answer,
                                           const char *what);
/* After REFUSED, to try again all the same, after a pause; slowly: there is little hope. */
void kube_outbox_again(struct kube_outbox *box, bool slowly);
bool kube_outbox_is_idle(const struct kube_outbox *box);
