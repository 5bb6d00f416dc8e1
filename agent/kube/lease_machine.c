// SPDX-License-Identifier: Apache-2.0
#include "kube/lease_machine.h"

#include <string.h>

#include "base/mem.h"

#define FAILED_PAUSE_MS  INT64_C(500) /* doubling */
#define REFUSED_PAUSE_MS INT64_C(5000)
#define PAUSE_MAX_MS     INT64_C(30000)
#define BEATEN_PAUSE_MS  INT64_C(50) /* doubling */
#define LOOK_MAX_MS      INT64_C(30000)
#define DOUBLINGS_MAX    10
#define NOT_HELD         ((struct mono){ 0 })

static bool is_before(struct mono a, struct mono b)
{
        return a.ms < b.ms;
}

static struct mono earlier(struct mono a, struct mono b)
{
        return is_before(a, b) ? a : b;
}

static struct mono later(struct mono a, struct mono b)
{
        return is_before(a, b) ? b : a;
}

static int64_t smaller(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

void kube_lease_machine_init(struct kube_lease_machine *machine, const char *holder, int64_t duration_ms,
                             kube_lease_random_fn *random)
{
        *machine = (struct kube_lease_machine){
                .holder = holder, .duration_ms = duration_ms, .random = random, .err = ERR_INIT
        };
}

void kube_lease_machine_done(struct kube_lease_machine *machine)
{
        kube_lease_record_done(&machine->seen);
        mem_free(TAKE(machine->told.holder));
}

bool kube_lease_machine_is_held(const struct kube_lease_machine *machine, struct mono now)
{
        return machine->wanted && is_before(now, machine->held_until);
}

bool kube_lease_machine_is_idle(const struct kube_lease_machine *machine)
{
        return !machine->wanted && !machine->may_be_ours && machine->flying == KUBE_LEASE_REST;
}

const char *kube_lease_machine_claims(const struct kube_lease_machine *machine)
{
        return machine->writes_free ? "" : machine->holder;
}

static bool is_ours(const struct kube_lease_machine *machine)
{
        return machine->seen.object != NULL && strcmp(machine->seen.holder, machine->holder) == 0;
}

static bool is_free(const struct kube_lease_machine *machine)
{
        return machine->seen.object != NULL && *machine->seen.holder == '\0';
}

/* A record that does not say how long it is good for is good for as long as ours. */
static int64_t seen_duration(const struct kube_lease_machine *machine)
{
        return machine->seen.duration_ms > 0 ? machine->seen.duration_ms : machine->duration_ms;
}

void kube_lease_machine_want(struct kube_lease_machine *machine, bool wanted, struct mono now)
{
        if (machine->wanted == wanted)
                return;
        machine->wanted = wanted;
        machine->held_until = NOT_HELD;
        machine->told.any = false;
        machine->pause_until = now;
        machine->tries = 0;
        machine->err = (struct err)ERR_INIT;
}

/* ---- what to do ---- */

static enum kube_lease_move give_back(struct kube_lease_machine *machine)
{
        if (!machine->known || machine->stale)
                return KUBE_LEASE_READ;
        machine->writes_free = true;
        if (is_ours(machine))
                return KUBE_LEASE_WRITE;
        machine->may_be_ours = false;
        return KUBE_LEASE_REST;
}

/* When the record that is there may be written over. */
static struct mono due_at(const struct kube_lease_machine *machine, struct mono now)
{
        if (kube_lease_machine_is_held(machine, now))
                return machine->renew_at;
        return later(machine->fresh_until, is_ours(machine) || is_free(machine)
                                                   ? now
                                                   : clock_after(machine->since, seen_duration(machine)));
}

static enum kube_lease_move contend(struct kube_lease_machine *machine, struct mono now, struct mono *wake)
{
        struct mono due;

        machine->writes_free = false;
        if (!machine->known || machine->stale)
                return KUBE_LEASE_READ;
        if (machine->seen.object == NULL) {
                machine->writes_free = true;
                return KUBE_LEASE_CREATE;
        }
        due = due_at(machine, now);
        if (!is_before(now, due))
                return KUBE_LEASE_WRITE;
        if (!kube_lease_machine_is_held(machine, now) && !is_before(now, machine->read_at))
                return KUBE_LEASE_READ;
        *wake = kube_lease_machine_is_held(machine, now) ? due : earlier(due, machine->read_at);
        return KUBE_LEASE_REST;
}

static enum kube_lease_move decide(struct kube_lease_machine *machine, struct mono now, struct mono *wake)
{
        /* A claim that could not be given back for so long has run out by itself. */
        const struct mono forget = clock_after(machine->written, 2 * machine->duration_ms);

        if (machine->flying != KUBE_LEASE_REST)
                return KUBE_LEASE_REST;
        if (!machine->wanted && !is_before(now, forget))
                machine->may_be_ours = false;
        if (!machine->wanted && !machine->may_be_ours)
                return KUBE_LEASE_REST;
        if (is_before(now, machine->pause_until)) {
                *wake = machine->pause_until;
                return KUBE_LEASE_REST;
        }
        return machine->wanted ? contend(machine, now, wake) : give_back(machine);
}

enum kube_lease_move kube_lease_machine_move(struct kube_lease_machine *machine, struct mono now,
                                             struct mono *wake)
{
        enum kube_lease_move move;

        *wake = MONO_NEVER;
        move = decide(machine, now, wake);
        if (kube_lease_machine_is_held(machine, now))
                *wake = earlier(*wake, machine->held_until);
        if (move == KUBE_LEASE_REST)
                return move;
        machine->flying = move;
        machine->sent = now;
        if (move == KUBE_LEASE_READ || machine->writes_free)
                return move;
        machine->may_be_ours = true;
        machine->written = now;
        return move;
}

bool kube_lease_machine_leave(struct kube_lease_machine *machine, struct mono now)
{
        struct mono wake;

        kube_lease_machine_want(machine, false, now);
        machine->flying = KUBE_LEASE_REST;
        machine->pause_until = now;
        return kube_lease_machine_move(machine, now, &wake) == KUBE_LEASE_WRITE;
}

/* ---- what came back ---- */

static int64_t doubled(int64_t ms, int times)
{
        return ms << (times < DOUBLINGS_MAX ? times : DOUBLINGS_MAX);
}

static int64_t failed_pause(struct kube_lease_machine *machine, const struct kube_lease_reply *reply,
                            struct mono now)
{
        const int64_t asked = reply->retry_after_ms > 0 ? reply->retry_after_ms : 0;
        const enum err_kind kind = reply->err.kind;
        int64_t pause;

        /* Little time is left, and there is one holder a database: ask again soon, whatever was said. */
        if (kube_lease_machine_is_held(machine, now))
                return machine->random(machine->duration_ms / 24, machine->duration_ms / 12) +
                       smaller(asked, machine->duration_ms / 12);
        pause = doubled(kind == ERR_AUTH || kind == ERR_PRIVILEGE || kind == ERR_REFUSED ? REFUSED_PAUSE_MS
                                                                                         : FAILED_PAUSE_MS,
                        machine->tries);
        pause = smaller(pause, PAUSE_MAX_MS);
        machine->tries += machine->tries < DOUBLINGS_MAX;
        return machine->random(pause / 2, pause) + smaller(asked, 10 * PAUSE_MAX_MS);
}

static void failed(struct kube_lease_machine *machine, const struct kube_lease_reply *reply, struct mono now)
{
        machine->stale = true;
        machine->err = reply->err;
        machine->pause_until = clock_after(now, failed_pause(machine, reply, now));
}

static void look_later(struct kube_lease_machine *machine, struct mono now)
{
        const int64_t duration = is_free(machine) ? machine->duration_ms : seen_duration(machine);
        const int64_t half = smaller(duration / 2, LOOK_MAX_MS);

        machine->read_at = clock_after(now, machine->random(half - half / 5, half));
}

static void see(struct kube_lease_machine *machine, struct kube_lease_record *record, struct mono now)
{
        const bool is_new = machine->seen.object == NULL || strcmp(machine->seen.uid, record->uid) != 0;

        if (is_new)
                machine->fresh_until =
                        record->transitions > 0 ? now : clock_after(now, machine->duration_ms / 3 * 2);
        if (!machine->known || !kube_lease_record_is_unchanged(&machine->seen, record))
                machine->since = now;
        kube_lease_record_done(&machine->seen);
        machine->seen = *record;
        *record = (struct kube_lease_record){ .object = NULL };
        machine->known = true;
        look_later(machine, now);
        if (is_ours(machine))
                return;
        machine->held_until = NOT_HELD;
        machine->may_be_ours = false;
}

static void see_none(struct kube_lease_machine *machine)
{
        kube_lease_record_done(&machine->seen);
        machine->known = true;
        if (!machine->wanted)
                machine->may_be_ours = false;
}

/* The server has what we wrote; good for two thirds from when it was sent. */
static void confirmed(struct kube_lease_machine *machine, struct mono now)
{
        const int64_t third = machine->duration_ms / 3;
        const struct mono until = clock_after(machine->sent, 2 * third);

        if (machine->writes_free || !machine->wanted)
                return;
        if (is_before(now, until)) {
                machine->held_until = until;
                machine->renew_at = clock_after(machine->sent, machine->random(third - third / 5, third));
                return;
        }
        err_set_(&machine->err, ERR_TIMEOUT, "the API server took %lld ms to renew a Lease of %lld ms",
                 (long long)(now.ms - machine->sent.ms), (long long)machine->duration_ms);
        machine->pause_until = clock_after(now, machine->random(FAILED_PAUSE_MS / 2, FAILED_PAUSE_MS));
}

static void beaten(struct kube_lease_machine *machine, struct mono now)
{
        const int64_t pause =
                smaller(doubled(BEATEN_PAUSE_MS, machine->conflicts), machine->duration_ms / 12);

        machine->stale = true;
        if (machine->conflicts++ > 0)
                machine->pause_until = clock_after(now, machine->random(pause / 2, pause));
}

/* The server took it, and it is not what we wrote: something in between has ideas of its own. */
static void defied(struct kube_lease_machine *machine, struct mono now)
{
        struct kube_lease_reply reply = { .kind = KUBE_LEASE_FAILED, .err = ERR_INIT };

        err_set_(&reply.err, ERR_PROTOCOL, "the API server took '%.80s' for holder and keeps '%.80s'",
                 kube_lease_machine_claims(machine), machine->seen.holder);
        failed(machine, &reply, now);
}

static void answered(struct kube_lease_machine *machine, struct kube_lease_record *record,
                     enum kube_lease_move move, struct mono now)
{
        see(machine, record, now);
        machine->err = (struct err)ERR_INIT;
        machine->stale = false;
        if (move != KUBE_LEASE_READ &&
            strcmp(machine->seen.holder, kube_lease_machine_claims(machine)) != 0) {
                defied(machine, now);
                return;
        }
        machine->tries = 0;
        if (move == KUBE_LEASE_READ)
                return;
        machine->conflicts = 0;
        confirmed(machine, now);
}

void kube_lease_machine_answer(struct kube_lease_machine *machine, struct kube_lease_reply *reply,
                               struct mono now)
{
        const enum kube_lease_move move = machine->flying;

        machine->flying = KUBE_LEASE_REST;
        switch (reply->kind) {
        case KUBE_LEASE_RECORD:
                answered(machine, &reply->record, move, now);
                return;
        case KUBE_LEASE_BEATEN:
                beaten(machine, now);
                return;
        case KUBE_LEASE_FAILED:
                failed(machine, reply, now);
                return;
        case KUBE_LEASE_ABSENT:
                break;
        }
        /* A namespace that is not there. */
        if (move == KUBE_LEASE_CREATE) {
                failed(machine, reply, now);
                return;
        }
        machine->stale = false;
        machine->err = (struct err)ERR_INIT;
        see_none(machine);
}

bool kube_lease_machine_waits(const struct kube_lease_machine *machine, struct mono now)
{
        return machine->wanted && !kube_lease_machine_is_held(machine, now) && machine->seen.object != NULL &&
               !is_free(machine) && !is_ours(machine);
}

bool kube_lease_machine_overhear(struct kube_lease_machine *machine, struct kube_lease_record *record,
                                 struct mono now)
{
        if (machine->flying != KUBE_LEASE_REST || !kube_lease_machine_waits(machine, now))
                return false;
        if (record != NULL)
                see(machine, record, now);
        else
                machine->stale = true;
        return true;
}

/* ---- what to say ---- */

static bool tell(struct kube_lease_machine *machine, enum kube_lease_kind kind, struct kube_lease_event *out)
{
        const bool waits = kind == KUBE_LEASE_WAITS;
        const bool known = kind != KUBE_LEASE_HELD && machine->seen.object != NULL && !is_free(machine) &&
                           !is_ours(machine);
        struct kube_lease_told *told = &machine->told;
        const char *holder = known ? machine->seen.holder : "";

        if (waits && !known && machine->err.kind == ERR_NONE)
                return false;
        if (waits && told->any && told->kind == kind && told->err == machine->err.kind &&
            strcmp(told->holder, holder) == 0)
                return false;
        mem_free(told->holder);
        *told = (struct kube_lease_told){ true, kind, mem_strdup(holder), machine->err.kind };
        *out = (struct kube_lease_event){
                .kind = kind,
                .holder = known ? told->holder : NULL,
                .err = kind != KUBE_LEASE_HELD && machine->err.kind != ERR_NONE ? &machine->err : NULL,
        };
        return true;
}

bool kube_lease_machine_news(struct kube_lease_machine *machine, struct mono now,
                             struct kube_lease_event *out)
{
        const bool was_held = machine->told.any && machine->told.kind == KUBE_LEASE_HELD;
        const bool is_held = kube_lease_machine_is_held(machine, now);

        if (!machine->wanted)
                return false;
        if (was_held && !is_held) {
                if (machine->err.kind == ERR_NONE && is_ours(machine))
                        err_set_(&machine->err, ERR_TIMEOUT, "the Lease could not be renewed in time");
                else if (machine->err.kind == ERR_NONE && (machine->seen.object == NULL || is_free(machine)))
                        err_set_(&machine->err, ERR_MISSING, "the Lease was deleted");
                return tell(machine, KUBE_LEASE_LOST, out);
        }
        if (is_held)
                return !was_held && tell(machine, KUBE_LEASE_HELD, out);
        return tell(machine, KUBE_LEASE_WAITS, out);
}
