// SPDX-License-Identifier: Apache-2.0
#include "kube/events.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/event_json.h"

#define PACE_MS     INT64_C(100) /* times the count: what repeats often is written seldom */
#define PACE_MAX_MS INT64_C(10000)

static bool equals(const char *a, const char *b)
{
        return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static void entry_free(struct kube_events_entry *entry)
{
        mem_free(entry->name);
        mem_free(entry->request_kind);
        mem_free(entry->request_name);
        mem_free(entry->uid);
        mem_free(entry->reason);
        mem_free(entry->action);
        mem_free(entry->note);
        mem_free(entry);
}

static void take_out(struct kube_events *events, size_t i)
{
        entry_free(events->entries[i]);
        events->n--;
        memmove(&events->entries[i], &events->entries[i + 1], (events->n - i) * sizeof(events->entries[0]));
}

void kube_events_done(struct kube_events *events)
{
        while (events->n > 0)
                take_out(events, events->n - 1);
}

/* Written whole, and not in flight. */
static bool is_settled(const struct kube_events_entry *entry)
{
        return entry->sending == 0 && entry->written == entry->count;
}

static bool is_unwritten(const struct kube_events_entry *entry)
{
        return entry->written == 0;
}

static bool may_be_dropped(const struct kube_events_entry *entry, enum kube_event_type type)
{
        return is_unwritten(entry) && entry->sending == 0 && entry->type == type;
}

static void drop_at(struct kube_events *events, size_t i)
{
        events->dropped += events->entries[i]->count;
        take_out(events, i);
}

static void drop_oldest(struct kube_events *events)
{
        static const enum kube_event_type order[] = { KUBE_EVENT_NORMAL, KUBE_EVENT_WARNING };

        for (size_t kind = 0; kind < ARRAY_LEN(order); kind++) {
                for (size_t i = 0; i < events->n; i++) {
                        if (!may_be_dropped(events->entries[i], order[kind]))
                                continue;
                        drop_at(events, i);
                        return;
                }
        }
}

/* Room for one more. Those that were written are only remembered for their series. */
static void make_room(struct kube_events *events, struct mono now)
{
        size_t unwritten = 0;

        for (size_t i = events->n; i-- > 0;) {
                const struct kube_events_entry *entry = events->entries[i];

                unwritten += is_unwritten(entry);
                if (is_settled(entry) && now.ms - entry->seen_at.ms >= KUBE_EVENTS_SERIES_MS)
                        take_out(events, i);
        }
        if (unwritten >= KUBE_EVENTS_KEPT)
                drop_oldest(events);
        for (size_t i = 0; i < events->n && events->n == KUBE_EVENTS_ROOM; i++)
                if (is_settled(events->entries[i]))
                        take_out(events, i);
        /* Full of series with counts of their own that wait: the oldest count is lost. */
        for (size_t i = 0; i < events->n && events->n == KUBE_EVENTS_ROOM; i++)
                if (events->entries[i]->sending == 0)
                        drop_at(events, i);
}

static bool is_same(const struct kube_events_entry *entry, const struct kube_request_ref *request,
                    bool is_about_request, const struct kube_event *event)
{
        return entry->is_about_request == is_about_request && entry->type == event->type &&
               equals(entry->request_kind, request == NULL ? NULL : request->kind) &&
               equals(entry->request_name, request == NULL ? NULL : request->name) &&
               equals(entry->reason, event->reason) && equals(entry->action, event->action) &&
               equals(entry->note, event->note);
}

void kube_events_add(struct kube_events *events, const struct kube_request_ref *request,
                     bool is_about_request, const struct kube_event *event, struct mono now)
{
        struct kube_events_entry *entry;

        for (size_t i = events->n; i-- > 0;) {
                entry = events->entries[i];
                if (!is_same(entry, request, is_about_request, event) ||
                    now.ms - entry->seen_at.ms >= KUBE_EVENTS_SERIES_MS)
                        continue;
                entry->count++;
                entry->seen_at = now;
                entry->last_us = event->at.s * 1000000;
                return;
        }
        make_room(events, now);
        entry = MEM_NEW(struct kube_events_entry);
        *entry = (struct kube_events_entry){
                .name = kube_event_json_name(events->pod),
                .is_about_request = is_about_request,
                .request_kind = mem_strdup(request == NULL ? NULL : request->kind),
                .request_name = mem_strdup(request == NULL ? NULL : request->name),
                .type = event->type,
                .reason = mem_strdup(event->reason),
                .action = mem_strdup(event->action),
                .note = mem_strdup(event->note),
                .first_us = event->at.s * 1000000,
                .last_us = event->at.s * 1000000,
                .count = 1,
                .seen_at = now,
        };
        events->entries[events->n++] = entry;
}

static struct mono series_due(const struct kube_events_entry *entry)
{
        const int64_t pace = entry->count * PACE_MS;

        return clock_after(entry->written_at, pace < PACE_MAX_MS ? pace : PACE_MAX_MS);
}

struct kube_events_entry *kube_events_next(struct kube_events *events, struct mono now, struct mono *wake)
{
        *wake = MONO_NEVER;
        for (size_t i = 0; i < events->n; i++)
                if (is_unwritten(events->entries[i]))
                        return events->entries[i];
        for (size_t i = 0; i < events->n; i++) {
                struct kube_events_entry *entry = events->entries[i];

                if (is_settled(entry))
                        continue;
                if (series_due(entry).ms <= now.ms)
                        return entry;
                if (series_due(entry).ms < wake->ms)
                        *wake = series_due(entry);
        }
        return NULL;
}

char *kube_events_body(struct kube_events *events, struct kube_events_entry *entry, const char *pod_uid)
{
        entry->sending = entry->count;
        events->dropping = is_unwritten(entry) ? events->dropped : 0;
        if (!is_unwritten(entry))
                return kube_event_json_series(entry);
        return kube_event_json_object(entry, &(const struct kube_event_json_context){
                                                     .namespace = events->namespace,
                                                     .pod = events->pod,
                                                     .pod_uid = pod_uid,
                                                     .dropped = events->dropped,
                                             });
}

void kube_events_written(struct kube_events *events, struct kube_events_entry *entry, struct mono now)
{
        events->dropped -= events->dropping;
        events->dropping = 0;
        entry->written = entry->sending;
        entry->sending = 0;
        entry->written_at = now;
}

void kube_events_again(struct kube_events *events, struct kube_events_entry *entry, bool is_gone)
{
        events->dropping = 0;
        entry->sending = 0;
        if (!is_gone)
                return;
        entry->written = 0;
        mem_free(entry->name);
        entry->name = kube_event_json_name(events->pod);
}

void kube_events_drop(struct kube_events *events, struct kube_events_entry *entry)
{
        events->dropping = 0;
        for (size_t i = 0; i < events->n; i++) {
                if (events->entries[i] != entry)
                        continue;
                take_out(events, i);
                return;
        }
}
