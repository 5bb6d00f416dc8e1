// SPDX-License-Identifier: Apache-2.0
#include "kube/outbox.h"

#define PAUSE_MIN_MS INT64_C(200)
#define PAUSE_MAX_MS INT64_C(30000)
#define SLOW_MIN_MS  INT64_C(5000)
#define SLOW_MAX_MS  INT64_C(300000)

static bool is_never(struct mono at)
{
        return at.ms == MONO_NEVER.ms;
}

static void on_timer(void *arg)
{
        struct kube_outbox *box = arg;

        box->due = MONO_NEVER;
        box->write(box->arg);
}

void kube_outbox_open(struct kube_outbox *box)
{
        box->timer = loop_timer_new(kube_client_loop(box->client), on_timer, box);
        box->due = MONO_NEVER;
        box->since = MONO_NEVER;
        box->backoff = (struct kube_backoff){ PAUSE_MIN_MS, PAUSE_MAX_MS, 0 };
        box->slow = (struct kube_backoff){ SLOW_MIN_MS, SLOW_MAX_MS, 0 };
}

void kube_outbox_close(struct kube_outbox *box)
{
        kube_call_cancel(TAKE(box->call));
        loop_timer_free(TAKE(box->timer));
}

void kube_outbox_want(struct kube_outbox *box, int64_t ms)
{
        const struct mono now = clock_mono();
        struct mono due = clock_after(now, ms);

        if (is_never(box->since))
                box->since = now;
        if (box->call != NULL)
                return;
        if (due.ms < box->not_before.ms)
                due = box->not_before;
        if (due.ms >= box->due.ms)
                return;
        box->due = due;
        loop_timer_set(box->timer, due.ms - now.ms);
}

void kube_outbox_rest(struct kube_outbox *box)
{
        box->since = MONO_NEVER;
        box->due = MONO_NEVER;
        box->err = (struct err)ERR_INIT;
        loop_timer_clear(box->timer);
}

static void on_answer(const struct kube_answer *answer, void *arg)
{
        struct kube_outbox *box = arg;

        box->call = NULL;
        box->answered(answer, box->arg);
}

void kube_outbox_send(struct kube_outbox *box, const struct kube_request *request)
{
        loop_timer_clear(box->timer);
        box->due = MONO_NEVER;
        box->call = kube_call_start(box->client, request, NULL, on_answer, box);
}

static void pause_for(struct kube_outbox *box, int64_t ms)
{
        box->not_before = clock_after(clock_mono(), ms);
        kube_outbox_want(box, 0);
}

enum kube_outbox_verdict kube_outbox_judge(struct kube_outbox *box, const struct kube_answer *answer,
                                           const char *what)
{
        struct err err = ERR_INIT;

        if (kube_answer_judge(answer, what, &err) == 0) {
                kube_backoff_reset(&box->backoff);
                kube_backoff_reset(&box->slow);
                box->err = (struct err)ERR_INIT;
                return KUBE_OUTBOX_ARRIVED;
        }
        box->err = err;
        if (!kube_answer_may_pass(answer))
                return KUBE_OUTBOX_REFUSED;
        pause_for(box, kube_backoff_next(err.kind == ERR_AUTH || err.kind == ERR_PRIVILEGE ? &box->slow
                                                                                           : &box->backoff,
                                         answer->retry_after_ms));
        return KUBE_OUTBOX_LATER;
}

void kube_outbox_again(struct kube_outbox *box, bool slowly)
{
        pause_for(box, kube_backoff_next(slowly ? &box->slow : &box->backoff, 0));
}

bool kube_outbox_is_idle(const struct kube_outbox *box)
{
        return is_never(box->since) && box->call == NULL;
}
