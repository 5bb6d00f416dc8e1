// SPDX-License-Identifier: Apache-2.0
#include "control/controller_work.h"

#include <assert.h>

#include "base/mem.h"
#include "control/act.h"
#include "control/controller_entry.h"
#include "control/queue.h"
#include "kube/client.h"

#define LOOKS_A_TURN   64
#define LOOK_AGAIN_MS  INT64_C(1000) /* after something was done: the watch has told of it by then */
#define CHANGED_MS     INT64_C(200)
#define WAKE_MIN_MS    INT64_C(1000)
#define LIST_MAX_BYTES ((size_t)64 << 10)

struct controller_work {
        struct controller_work_spec spec;
        struct world *world;
        struct queue *queue;
        struct controller_entries entries;
        struct loop_timer *pump;
        size_t running;
        bool goes;
};

static void wake_at(struct controller_work *work, const char *key, struct mono at)
{
        if (at.ms != MONO_NEVER.ms)
                queue_add_at(work->queue, key, at);
}

/* The key is not in work any more. */
static void settle(struct controller_work *work, const char *key, enum controller_result result,
                   struct mono now)
{
        work->spec.status->results[result]++;
        queue_done(work->queue, key, result == CONTROLLER_REFUSED || result == CONTROLLER_FAILED, now);
        loop_timer_set(work->pump, 0);
}

static enum controller_result result_of(const struct err *err)
{
        if (err->kind == ERR_NONE)
                return CONTROLLER_DONE;
        if (err->kind == ERR_CHANGED)
                return CONTROLLER_CHANGED;
        return err->kind == ERR_USAGE || err->kind == ERR_REFUSED ? CONTROLLER_REFUSED : CONTROLLER_FAILED;
}

static void act_ended(const struct err *err, void *arg)
{
        struct controller_entry *entry = arg;
        struct controller_work *work = entry->owner;
        const enum controller_result result = result_of(err);
        const struct mono now = clock_mono();

        entry->act = NULL;
        work->running--;
        histogram_add(&work->spec.status->times, clock_us() - entry->began_us);
        controller_entry_told(entry, err);
        if (result == CONTROLLER_DONE) {
                queue_add_at(work->queue, entry->key, clock_after(now, LOOK_AGAIN_MS));
                wake_at(work, entry->key, entry->wake);
        } else if (result == CONTROLLER_CHANGED) {
                queue_add_at(work->queue, entry->key, clock_after(now, CHANGED_MS));
        }
        settle(work, entry->key, result, now);
}

static struct mono wake_of(const struct actions *actions, struct wall wall, struct mono now)
{
        const int64_t ms = (actions->wake.s - wall.s) * 1000;

        if (actions->wake.s == 0)
                return MONO_NEVER;
        return clock_after(now, ms < WAKE_MIN_MS ? WAKE_MIN_MS : ms);
}

/* false: it has been done too often. */
static bool may_repeat(struct controller_work *work, struct controller_entry *entry, const char *list,
                       struct mono now)
{
        bool is_fresh;
        const int64_t wait_ms = controller_guard_ask(&entry->guard, list, now, &is_fresh);

        if (wait_ms == 0)
                return true;
        if (is_fresh)
                log_warn("actions_held_back", LOG_S("database", entry->key), LOG_S("actions", list),
                         LOG_I("times", CONTROLLER_GUARD_TIMES), LOG_I("restMs", CONTROLLER_GUARD_REST_MS));
        queue_add_at(work->queue, entry->key, clock_after(now, wait_ms));
        return false;
}

static void do_list(struct controller_work *work, const struct observed *seen, struct actions *actions,
                    const char *key)
{
        AUTO(buf_done_p) struct buf list = BUF_INIT(LIST_MAX_BYTES);
        struct controller_entry *entry = controller_entries_need(&work->entries, key, work);
        const struct mono now = clock_mono();

        actions_print(actions, &list);
        if (!may_repeat(work, entry, buf_str(&list), now)) {
                actions_done(actions);
                settle(work, entry->key, CONTROLLER_HELD_BACK, now);
                return;
        }
        log_debug("actions", LOG_S("database", entry->key), LOG_S("actions", buf_str(&list)));
        controller_entry_begin(entry, seen, actions);
        entry->wake = wake_of(actions, seen->now, now);
        entry->began = now;
        entry->began_us = clock_us();
        work->running++;
        entry->act = act_start(work->spec.client, work->world, seen, actions, act_ended, entry);
}

static void look(struct controller_work *work, const char *key)
{
        const struct mono now = clock_mono();
        struct observed seen = { 0 };
        struct actions actions;
        struct mono wake;

        if (!world_observe(work->world, key, clock_wall(), &seen)) {
                controller_entries_drop(&work->entries, key);
                settle(work, key, CONTROLLER_IDLE, now);
                return;
        }
        controller_entries_note(&work->entries, key, work, &seen);
        actions_init(&actions);
        reconcile(&work->spec.reconcile, &seen, &actions);
        if (actions.n > 0) {
                do_list(work, &seen, &actions, key);
        } else {
                wake = wake_of(&actions, seen.now, now);
                actions_done(&actions);
                wake_at(work, key, wake);
                settle(work, key, CONTROLLER_IDLE, now);
        }
        world_observed_done(&seen);
}

/* Other things of the loop get their turn between a crowd of looks. */
static void pump(void *arg)
{
        struct controller_work *work = arg;
        struct mono wake = MONO_NEVER;

        for (int i = 0; i < LOOKS_A_TURN && work->goes && work->spec.may_act(work->spec.arg); i++) {
                const char *key = queue_take(work->queue, clock_mono(), &wake);

                if (key == NULL) {
                        const int64_t ms = wake.ms - clock_mono().ms;

                        if (wake.ms != MONO_NEVER.ms)
                                loop_timer_set(work->pump, ms < 1 ? 1 : ms);
                        else
                                loop_timer_clear(work->pump);
                        return;
                }
                look(work, key);
        }
        if (work->goes)
                loop_timer_set(work->pump, work->spec.may_act(work->spec.arg) ? 0 : LOOK_AGAIN_MS);
}

struct controller_work *controller_work_new(const struct controller_work_spec *spec)
{
        static const struct queue_limits limits = {
                .backoff_min_ms = 200, .backoff_max_ms = 30000, .rate_per_s = 500, .burst = 1000
        };
        struct controller_work *work = MEM_NEW(struct controller_work);
        struct queue_limits own = limits;

        own.workers = spec->workers;
        work->spec = *spec;
        work->queue = queue_new(&own);
        work->pump = loop_timer_new(kube_client_loop(spec->client), pump, work);
        return work;
}

void controller_work_free(struct controller_work *work)
{
        if (work == NULL)
                return;
        controller_work_cancel(work);
        controller_entries_done(&work->entries);
        loop_timer_free(work->pump);
        queue_free(work->queue);
        mem_free(work);
}

/* What another has done meanwhile is not known: nothing of before counts. */
void controller_work_go(struct controller_work *work, struct world *world)
{
        assert(work->running == 0);
        work->world = world;
        work->goes = true;
        controller_entries_done(&work->entries);
        controller_work_add_all(work);
}

void controller_work_rest(struct controller_work *work)
{
        work->goes = false;
        loop_timer_clear(work->pump);
}

static void cancel(struct controller_work *work, struct controller_entry *entry, bool failed)
{
        const struct mono now = clock_mono();

        act_cancel(TAKE(entry->act));
        work->running--;
        work->spec.status->results[CONTROLLER_CANCELLED]++;
        queue_done(work->queue, entry->key, failed, now);
}

void controller_work_cancel(struct controller_work *work)
{
        for (size_t i = 0; i < work->entries.n; i++) {
                struct controller_entry *entry = work->entries.items[i];

                if (entry->act == NULL)
                        continue;
                log_warn("actions_cancelled", LOG_S("database", entry->key));
                cancel(work, entry, false);
        }
}

void controller_work_add(struct controller_work *work, const char *key)
{
        if (!work->goes)
                return;
        queue_add(work->queue, key, clock_mono());
        loop_timer_set(work->pump, 0);
}

static void add(const char *key, void *arg)
{
        controller_work_add(arg, key);
}

void controller_work_add_all(struct controller_work *work)
{
        if (work->goes)
                world_each(work->world, add, work);
}

void controller_work_tick(struct controller_work *work)
{
        const struct mono now = clock_mono();

        for (size_t i = 0; i < work->entries.n; i++) {
                struct controller_entry *entry = work->entries.items[i];

                if (entry->act == NULL || now.ms - entry->began.ms <= work->spec.act_limit_ms)
                        continue;
                log_error("actions_hang", LOG_S("database", entry->key),
                          LOG_I("forMs", now.ms - entry->began.ms));
                cancel(work, entry, true);
                if (work->goes)
                        loop_timer_set(work->pump, 0);
        }
        controller_entries_sweep(&work->entries, now);
}

size_t controller_work_running(const struct controller_work *work)
{
        return work->running;
}

void controller_work_count(const struct controller_work *work, struct controller_status *out)
{
        out->queued = queue_depth(work->queue);
        out->working = queue_working(work->queue);
        out->remembered = work->entries.n;
}
