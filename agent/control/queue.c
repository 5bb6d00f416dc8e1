// SPDX-License-Identifier: Apache-2.0
/*
 * Each key is at one place: in work, in the line of those that are due, or in a heap by time. All keys are in
 * one sorted array beside: names are given by users, who could fill one bucket of a hash table on purpose.
 */
#include "control/queue.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define ROOM_MIN 16
#define TOKEN    INT64_C(1000) /* the bucket counts in thousandths: one token a second is one of them a ms */

struct item {
        char *key;
        struct item *next; /* in line */
        int64_t at;        /* MONO_NEVER: in work, and nobody has asked since */
        uint64_t order;    /* of equal times the first asked for comes first */
        size_t heap;       /* where in the heap */
        unsigned failures; /* in a row */
        bool is_working;
        bool is_due; /* in line */
};

struct queue {
        struct queue_limits limits;
        struct item **items; /* by key */
        size_t n, room;
        struct item **heap;
        size_t n_heap, heap_room;
        struct item *first, *last; /* in line */
        size_t depth;
        size_t working;
        uint64_t orders;
        int64_t level; /* of the bucket */
        struct mono filled;
};

struct queue *queue_new(const struct queue_limits *limits)
{
        struct queue *queue = MEM_NEW(struct queue);

        assert(limits->workers > 0 && limits->backoff_min_ms > 0);
        queue->limits = *limits;
        queue->level = limits->burst * TOKEN;
        return queue;
}

static void free_item(struct item *item)
{
        mem_free(item->key);
        mem_free(item);
}

void queue_free(struct queue *queue)
{
        if (queue == NULL)
                return;
        for (size_t i = 0; i < queue->n; i++)
                free_item(queue->items[i]);
        mem_free(queue->items);
        mem_free(queue->heap);
        mem_free(queue);
}

/* The heap. */

static bool is_before(const struct item *a, const struct item *b)
{
        return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_put(struct queue *queue, size_t at, struct item *item)
{
        queue->heap[at] = item;
        item->heap = at;
}

static void heap_up(struct queue *queue, struct item *item)
{
        size_t at = item->heap;

        while (at > 0 && is_before(item, queue->heap[(at - 1) / 2])) {
                heap_put(queue, at, queue->heap[(at - 1) / 2]);
                at = (at - 1) / 2;
        }
        heap_put(queue, at, item);
}

static void heap_down(struct queue *queue, struct item *item)
{
        size_t at = item->heap;

        for (;;) {
                size_t child = 2 * at + 1;

                if (child + 1 < queue->n_heap && is_before(queue->heap[child + 1], queue->heap[child]))
                        child++;
                if (child >= queue->n_heap || !is_before(queue->heap[child], item))
                        break;
                heap_put(queue, at, queue->heap[child]);
                at = child;
        }
        heap_put(queue, at, item);
}

static void heap_add(struct queue *queue, struct item *item)
{
        if (queue->n_heap == queue->heap_room) {
                queue->heap_room = queue->heap_room == 0 ? ROOM_MIN : queue->heap_room * 2;
                queue->heap = mem_grow(queue->heap, queue->heap_room, sizeof(struct item *));
        }
        heap_put(queue, queue->n_heap++, item);
        heap_up(queue, item);
}

static void heap_remove(struct queue *queue, struct item *item)
{
        struct item *last = queue->heap[--queue->n_heap];

        if (last == item)
                return;
        heap_put(queue, item->heap, last);
        heap_up(queue, last);
        heap_down(queue, last);
}

/* The line. */

static void line_add(struct queue *queue, struct item *item)
{
        item->is_due = true;
        item->next = NULL;
        if (queue->last == NULL)
                queue->first = item;
        else
                queue->last->next = item;
        queue->last = item;
        queue->depth++;
}

static struct item *line_take(struct queue *queue)
{
        struct item *item = queue->first;

        queue->first = item->next;
        if (queue->first == NULL)
                queue->last = NULL;
        item->is_due = false;
        queue->depth--;
        return item;
}

/* What has become due by now stands in line. */
static void advance(struct queue *queue, struct mono now)
{
        while (queue->n_heap > 0 && queue->heap[0]->at <= now.ms) {
                struct item *item = queue->heap[0];

                heap_remove(queue, item);
                line_add(queue, item);
        }
}

/* The keys. */

static bool find(const struct queue *queue, const char *key, size_t *at)
{
        size_t low = 0, high = queue->n;

        while (low < high) {
                const size_t middle = low + (high - low) / 2;

                if (strcmp(queue->items[middle]->key, key) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *at = low;
        return low < queue->n && strcmp(queue->items[low]->key, key) == 0;
}

/* The item of the key; a new one is at no place yet. */
static struct item *item_of(struct queue *queue, const char *key)
{
        struct item *item;
        size_t at;

        if (find(queue, key, &at))
                return queue->items[at];
        if (queue->n == queue->room) {
                queue->room = queue->room == 0 ? ROOM_MIN : queue->room * 2;
                queue->items = mem_grow(queue->items, queue->room, sizeof(struct item *));
        }
        item = MEM_NEW(struct item);
        item->key = mem_strdup(key);
        item->at = MONO_NEVER.ms;
        memmove(queue->items + at + 1, queue->items + at, (queue->n - at) * sizeof(struct item *));
        queue->items[at] = item;
        queue->n++;
        return item;
}

static void forget(struct queue *queue, struct item *item)
{
        size_t at;

        if (!find(queue, item->key, &at))
                return;
        queue->n--;
        memmove(queue->items + at, queue->items + at + 1, (queue->n - at) * sizeof(struct item *));
        free_item(item);
}

void queue_add_at(struct queue *queue, const char *key, struct mono at)
{
        struct item *item;

        if (at.ms == MONO_NEVER.ms)
                return;
        item = item_of(queue, key);
        if (item->is_due || item->at <= at.ms)
                return;
        if (!item->is_working && item->at != MONO_NEVER.ms)
                heap_remove(queue, item);
        item->at = at.ms;
        item->order = queue->orders++;
        if (!item->is_working)
                heap_add(queue, item);
}

void queue_add(struct queue *queue, const char *key, struct mono now)
{
        queue_add_at(queue, key, now);
        advance(queue, now);
}

static void fill(struct queue *queue, struct mono now)
{
        const int64_t full = queue->limits.burst * TOKEN;
        const int64_t elapsed = now.ms - queue->filled.ms;

        if (elapsed <= 0)
                return;
        queue->filled = now;
        if (elapsed >= full / queue->limits.rate_per_s + 1)
                queue->level = full;
        else
                queue->level += elapsed * queue->limits.rate_per_s;
        if (queue->level > full)
                queue->level = full;
}

/* False: not before *wake. */
static bool has_token(struct queue *queue, struct mono now, struct mono *wake)
{
        const int64_t rate = queue->limits.rate_per_s;

        if (rate <= 0)
                return true;
        fill(queue, now);
        if (queue->level >= TOKEN) {
                queue->level -= TOKEN;
                return true;
        }
        *wake = clock_after(now, (TOKEN - queue->level + rate - 1) / rate);
        return false;
}

const char *queue_take(struct queue *queue, struct mono now, struct mono *wake)
{
        struct item *item;

        advance(queue, now);
        *wake = MONO_NEVER;
        if (queue->working == queue->limits.workers)
                return NULL;
        if (queue->first == NULL) {
                if (queue->n_heap > 0)
                        wake->ms = queue->heap[0]->at;
                return NULL;
        }
        if (!has_token(queue, now, wake))
                return NULL;
        item = line_take(queue);
        item->is_working = true;
        item->at = MONO_NEVER.ms;
        queue->working++;
        return item->key;
}

static int64_t backoff(const struct queue *queue, unsigned failures)
{
        int64_t ms = queue->limits.backoff_min_ms;

        for (unsigned i = 1; i < failures && ms < queue->limits.backoff_max_ms; i++)
                ms = ms > queue->limits.backoff_max_ms / 2 ? queue->limits.backoff_max_ms : 2 * ms;
        return ms < queue->limits.backoff_max_ms ? ms : queue->limits.backoff_max_ms;
}

void queue_done(struct queue *queue, const char *key, bool failed, struct mono now)
{
        struct item *item;
        size_t at;

        if (!find(queue, key, &at) || !queue->items[at]->is_working)
                return;
        item = queue->items[at];
        if (failed && item->failures < UINT16_MAX)
                item->failures++;
        if (failed)
                queue_add_at(queue, item->key, clock_after(now, backoff(queue, item->failures)));
        else
                item->failures = 0;
        item->is_working = false;
        queue->working--;
        if (item->at == MONO_NEVER.ms)
                forget(queue, item);
        else
                heap_add(queue, item);
        advance(queue, now);
}

size_t queue_depth(const struct queue *queue)
{
        return queue->depth;
}

size_t queue_working(const struct queue *queue)
{
        return queue->working;
}
