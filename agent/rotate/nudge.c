// SPDX-License-Identifier: Apache-2.0
#include "rotate/nudge.h"

#include "base/mem.h"
#include "kube/reporter.h"

#define PAUSE_MIN_S     10
#define PAUSE_MAX_S     600
#define PAUSE_UNKNOWN_S 60
#define PAUSE_PARTS     10 /* a tenth of how late it is */
#define LOOK_MAX_S      3600

struct nudge {
        struct agent *agent;
        struct kube_reporter *reporter;
        struct loop_timer *timer;
        bool needed;
        struct fingerprint leaf; /* whose time the timer waits for */
};

int64_t nudge_pause(const struct status_leaf *leaf, struct wall now, bool *due)
{
        int64_t late = now.s - leaf->not_before.s - (leaf->not_after.s - leaf->not_before.s) / 3 * 2;
        int64_t pause = late / PAUSE_PARTS;

        *due = !leaf->known || late >= 0;
        if (!leaf->known)
                return PAUSE_UNKNOWN_S * INT64_C(1000);
        if (late < 0)
                return (-late < LOOK_MAX_S ? -late : LOOK_MAX_S) * INT64_C(1000);
        pause = pause < PAUSE_MIN_S ? PAUSE_MIN_S : pause;
        return (pause > PAUSE_MAX_S ? PAUSE_MAX_S : pause) * INT64_C(1000);
}

/* Sets the timer anew; true: now is a time for it. */
static bool plan(struct nudge *nudge)
{
        const struct status_leaf *leaf = &nudge->agent->status.stages[STAGE_PUBLISHED];
        bool due;

        nudge->leaf = leaf->fp;
        loop_timer_set(nudge->timer, nudge_pause(leaf, clock_wall(), &due));
        return due;
}

static void tick(void *arg)
{
        struct nudge *nudge = arg;

        if (plan(nudge))
                kube_reporter_nudge(nudge->reporter);
}

void nudge_look(struct nudge *nudge)
{
        if (nudge != NULL && nudge->needed &&
            !hex_fingerprint_equal(&nudge->leaf, &nudge->agent->status.stages[STAGE_PUBLISHED].fp))
                (void)plan(nudge);
}

struct nudge *nudge_new(struct agent *agent, struct kube_reporter *reporter)
{
        struct nudge *nudge = MEM_NEW(struct nudge);

        nudge->agent = agent;
        nudge->reporter = reporter;
        nudge->timer = loop_timer_new(agent->loop, tick, nudge);
        return nudge;
}

void nudge_free(struct nudge *nudge)
{
        if (nudge == NULL)
                return;
        loop_timer_free(nudge->timer);
        mem_free(nudge);
}

void nudge_needed(struct nudge *nudge, bool needed)
{
        if (nudge == NULL || nudge->needed == needed)
                return;
        nudge->needed = needed;
        if (needed)
                loop_timer_set(nudge->timer, 0);
        else
                loop_timer_clear(nudge->timer);
}
