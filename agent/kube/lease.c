// SPDX-License-Identifier: Apache-2.0
/*
 * The shell around the machine that decides (lease_machine.c): calls, a timer, and the user's callback, which
 * may close the lease it is told about.
 */
#include "kube/lease.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "kube/backoff.h"
#include "kube/lease_machine.h"
#include "kube/names.h"
#include "kube/watch.h"

#define DURATION_MIN_MS INT64_C(3000)
#define DURATION_MAX_MS INT64_C(86400000)
#define LIMIT_MIN_MS    INT64_C(1000)

struct kube_lease {
        struct kube_client *client;
        kube_lease_fn *fn;
        void *arg;
        char *namespace;
        char *name;
        char *holder;
        int64_t duration_ms;
        struct err unfit; /* of the spec */
        struct kube_lease_machine machine;
        bool watched;
        struct kube_watch *watch; /* while another holds it */
        struct kube_call *call;
        struct loop_timer *timer;
        bool is_telling;
        bool is_closed; /* while it was telling */
};

static void act(struct kube_lease *lease);

static bool is_printable(const char *text)
{
        for (; *text != '\0'; text++)
                if (!isgraph((unsigned char)*text))
                        return false;
        return true;
}

int kube_lease_check(const struct kube_lease_spec *spec, struct err *err)
{
        if (!kube_names_is_label(spec->namespace))
                return err_set(err, ERR_USAGE, "'%.80s' is no name of a namespace (at most %d of a-z 0-9 -)",
                               spec->namespace, KUBE_LABEL_MAX);
        if (!kube_names_is_subdomain(spec->name))
                return err_set(err, ERR_USAGE, "'%.80s' is no name of a Lease (at most %d of a-z 0-9 - .)",
                               spec->name, KUBE_SUBDOMAIN_MAX);
        if (*spec->holder == '\0' || strlen(spec->holder) > KUBE_SUBDOMAIN_MAX || !is_printable(spec->holder))
                return err_set(err, ERR_USAGE,
                               "the holder of the Lease '%.80s' must have a name of 1 to %d characters",
                               spec->name, KUBE_SUBDOMAIN_MAX);
        if (spec->duration_ms < DURATION_MIN_MS || spec->duration_ms > DURATION_MAX_MS ||
            spec->duration_ms % 1000 != 0)
                return err_set(err, ERR_USAGE,
                               "the Lease '%.80s' cannot be held for %lld ms: whole seconds, 3 s to a day",
                               spec->name, (long long)spec->duration_ms);
        return 0;
}

static void lease_free(struct kube_lease *lease)
{
        kube_call_cancel(lease->call);
        kube_watch_close(lease->watch);
        loop_timer_free(lease->timer);
        kube_lease_machine_done(&lease->machine);
        mem_free(lease->namespace);
        mem_free(lease->name);
        mem_free(lease->holder);
        mem_free(lease);
}

/* false: the callback closed it. */
static bool tell(struct kube_lease *lease, const struct kube_lease_event *event)
{
        lease->is_telling = true;
        lease->fn(event, lease->arg);
        lease->is_telling = false;
        if (!lease->is_closed)
                return true;
        lease_free(lease);
        return false;
}

static bool tell_news(struct kube_lease *lease)
{
        struct kube_lease_event event;

        while (kube_lease_machine_news(&lease->machine, clock_mono(), &event))
                if (!tell(lease, &event))
                        return false;
        return true;
}

static void read_answer(const struct kube_answer *answer, struct kube_lease_reply *out)
{
        out->retry_after_ms = answer->retry_after_ms;
        out->kind = KUBE_LEASE_RECORD;
        if (kube_answer_judge(answer, "lease", &out->err) == 0 &&
            kube_lease_record_parse(answer->body, answer->len, &out->record, &out->err) == 0)
                return;
        out->kind = answer->status == 404   ? KUBE_LEASE_ABSENT
                    : answer->status == 409 ? KUBE_LEASE_BEATEN
                                            : KUBE_LEASE_FAILED;
}

static void on_answer(const struct kube_answer *answer, void *arg)
{
        struct kube_lease *lease = arg;
        struct kube_lease_reply reply = { .err = ERR_INIT };

        lease->call = NULL;
        if (!tell_news(lease))
                return;
        read_answer(answer, &reply);
        kube_lease_machine_answer(&lease->machine, &reply, clock_mono());
        kube_lease_record_done(&reply.record);
        if (tell_news(lease))
                act(lease);
}

static struct kube_call *send_move(struct kube_lease *lease, enum kube_lease_move move, kube_answer_fn *done,
                                   void *arg)
{
        const struct kube_lease_claim claim = {
                .namespace = lease->namespace,
                .name = lease->name,
                .holder = kube_lease_machine_claims(&lease->machine),
                .duration_ms = lease->duration_ms,
                .now_us = clock_wall_us(),
        };
        const int64_t limit_ms = lease->duration_ms / 4;
        AUTO(mem_free_p) char *body = NULL;
        char path[KUBE_PATH_MAX];

        (void)snprintf(path, sizeof(path), "/apis/coordination.k8s.io/v1/namespaces/%s/leases%s%s%s",
                       lease->namespace, move == KUBE_LEASE_CREATE ? "" : "/",
                       move == KUBE_LEASE_CREATE ? "" : lease->name,
                       move == KUBE_LEASE_READ ? "" : "?fieldManager=certrotate-agent");
        if (move != KUBE_LEASE_READ)
                body = kube_lease_record_claim(&lease->machine.seen, &claim);
        return kube_call_start(lease->client,
                               &(const struct kube_request){
                                       .method = move == KUBE_LEASE_READ     ? "GET"
                                                 : move == KUBE_LEASE_CREATE ? "POST"
                                                                             : "PUT",
                                       .path = path,
                                       .body = body,
                                       .limit_ms = limit_ms < LIMIT_MIN_MS         ? LIMIT_MIN_MS
                                                   : limit_ms > KUBE_CALL_LIMIT_MS ? KUBE_CALL_LIMIT_MS
                                                                                   : limit_ms,
                               },
                               NULL, done, arg);
}

static void on_watch(const struct kube_watch_event *event, void *arg)
{
        struct kube_lease *lease = arg;
        AUTO(kube_lease_record_done_p) struct kube_lease_record record = { .object = NULL };
        struct err err = ERR_INIT;

        /* A watch that does not work is no trouble: we look from time to time in any case. */
        if (event->kind != KUBE_OBJECT && event->kind != KUBE_GONE)
                return;
        if (event->kind == KUBE_OBJECT &&
            kube_lease_record_take(cJSON_Duplicate(event->object, true), &record, &err) != 0)
                return;
        if (!tell_news(lease) ||
            !kube_lease_machine_overhear(&lease->machine, event->kind == KUBE_OBJECT ? &record : NULL,
                                         clock_mono()))
                return;
        if (tell_news(lease))
                act(lease);
}

/* Kept until it is held or given up: who is beaten to it waits on. */
static void watch(struct kube_lease *lease, struct mono now)
{
        AUTO(mem_free_p) char *collection = NULL;

        if (lease->watch != NULL &&
            (!lease->machine.wanted || kube_lease_machine_is_held(&lease->machine, now)))
                kube_watch_close(TAKE(lease->watch));
        if (!lease->watched || lease->watch != NULL || !kube_lease_machine_waits(&lease->machine, now))
                return;
        collection = mem_printf("/apis/coordination.k8s.io/v1/namespaces/%s/leases", lease->namespace);
        lease->watch = kube_watch_open(
                lease->client,
                &(const struct kube_watch_spec){ .collection = collection, .name = lease->name }, on_watch,
                lease);
}

static void act(struct kube_lease *lease)
{
        const struct mono now = clock_mono();
        struct mono wake;
        const enum kube_lease_move move = kube_lease_machine_move(&lease->machine, now, &wake);

        if (move != KUBE_LEASE_REST)
                lease->call = send_move(lease, move, on_answer, lease);
        watch(lease, now);
        if (wake.ms == MONO_NEVER.ms)
                loop_timer_clear(lease->timer);
        else
                loop_timer_set(lease->timer, wake.ms - now.ms);
}

static void on_timer(void *arg)
{
        struct kube_lease *lease = arg;
        const struct kube_lease_event event = { KUBE_LEASE_WAITS, NULL, &lease->unfit };

        if (lease->unfit.kind != ERR_NONE)
                (void)tell(lease, &event);
        else if (tell_news(lease))
                act(lease);
}

struct kube_lease *kube_lease_open(struct kube_client *client, const struct kube_lease_spec *spec,
                                   kube_lease_fn *fn, void *arg)
{
        struct kube_lease *lease = MEM_NEW(struct kube_lease);
        struct err unfit = ERR_INIT;

        lease->client = client;
        lease->fn = fn;
        lease->arg = arg;
        lease->namespace = mem_strdup(spec->namespace);
        lease->name = mem_strdup(spec->name);
        lease->holder = mem_strdup(spec->holder);
        lease->duration_ms = spec->duration_ms;
        lease->watched = spec->watched;
        if (kube_lease_check(spec, &unfit) != 0)
                lease->unfit = unfit;
        lease->timer = loop_timer_new(kube_client_loop(client), on_timer, lease);
        kube_lease_machine_init(&lease->machine, lease->holder, lease->duration_ms, kube_random);
        return lease;
}

static void ignore(const struct kube_answer *answer UNUSED, void *arg UNUSED)
{
}

void kube_lease_close(struct kube_lease *lease)
{
        if (lease == NULL)
                return;
        /* What is in flight may yet give it to us; nobody would be there to give it back. */
        kube_call_cancel(TAKE(lease->call));
        if (kube_lease_machine_leave(&lease->machine, clock_mono()))
                (void)send_move(lease, KUBE_LEASE_WRITE, ignore, NULL);
        if (lease->is_telling)
                lease->is_closed = true;
        else
                lease_free(lease);
}

void kube_lease_want(struct kube_lease *lease, bool wanted)
{
        if (lease->machine.wanted == wanted)
                return;
        kube_lease_machine_want(&lease->machine, wanted, clock_mono());
        if (lease->unfit.kind == ERR_NONE)
                act(lease);
        else if (wanted)
                loop_timer_set(lease->timer, 0);
        else
                loop_timer_clear(lease->timer);
}

bool kube_lease_is_held(const struct kube_lease *lease)
{
        return kube_lease_machine_is_held(&lease->machine, clock_mono());
}

bool kube_lease_is_idle(const struct kube_lease *lease)
{
        return kube_lease_machine_is_idle(&lease->machine);
}
