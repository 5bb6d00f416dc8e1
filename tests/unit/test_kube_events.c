// SPDX-License-Identifier: Apache-2.0
/*
 * Events that wait: their order, their series, what is dropped when there are too many, and what they look
 * like. The time is given.
 */
#include "base/json.h"
#include "base/mem.h"
#include "kube/event_json.h"
#include "kube/names.h"
#include "kube/report_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "testgolden.h"

static const struct kube_request_ref request = { "MariaDBOpsRequest", "px-rotate" };

struct queue {
        struct kube_events events;
        struct mono now;
};

static void begin(struct queue *queue)
{
        *queue = (struct queue){ .events = { .namespace = "demo", .pod = "px-0" }, .now = { 1000 } };
}

static void add_about(struct queue *queue, const char *note, enum kube_event_type type,
                      const struct kube_request_ref *about, bool is_about_request)
{
        const struct kube_event event = {
                .type = type,
                .reason = "RotationSucceeded",
                .action = "Rotate",
                .note = note,
                .at = { 1795600800 + queue->now.ms / 1000 },
        };

        kube_events_add(&queue->events, about, is_about_request, &event, queue->now);
}

static void add(struct queue *queue, const char *note)
{
        add_about(queue, note, KUBE_EVENT_NORMAL, NULL, false);
}

static struct kube_events_entry *next(struct queue *queue)
{
        struct mono wake;

        return kube_events_next(&queue->events, queue->now, &wake);
}

/* Writes what is next, as the server would take it; its body. mem_free. */
static char *write_next(struct queue *queue, const char *note)
{
        struct kube_events_entry *entry = next(queue);
        char *body;

        assert_non_null(entry);
        assert_string_equal(entry->note, note);
        body = kube_events_body(&queue->events, entry, NULL);
        kube_events_written(&queue->events, entry, queue->now);
        return body;
}

static void has(const char *body, const char *text, bool wanted)
{
        if ((strstr(body, text) != NULL) != wanted)
                fail_msg("%s%s in %s", text, wanted ? " not" : "", body);
}

static void in_their_order(void **state UNUSED)
{
        struct queue queue;

        begin(&queue);
        assert_null(next(&queue));
        for (int i = 0; i < 3; i++) {
                AUTO(mem_free_p) char *note = mem_printf("%d", i);

                add(&queue, note);
        }
        kube_events_again(&queue.events, next(&queue), false);
        for (int i = 0; i < 3; i++) {
                AUTO(mem_free_p) char *note = mem_printf("%d", i);
                AUTO(mem_free_p) char *body = write_next(&queue, note);

                has(body, "\"series\"", false);
                has(body, "\"eventTime\":\"2026-11-25T10:00:01.000000Z\"", true);
        }
        assert_null(next(&queue));
        kube_events_done(&queue.events);
}

static void equal_ones_while_they_wait(void **state UNUSED)
{
        struct queue queue;
        AUTO(mem_free_p) char *body = NULL;

        begin(&queue);
        add(&queue, "a");
        queue.now.ms += 5000;
        add(&queue, "a");
        queue.now.ms += 5000;
        add(&queue, "a");
        body = write_next(&queue, "a");
        has(body, "\"eventTime\":\"2026-11-25T10:00:01.000000Z\"", true);
        has(body, "\"series\":{\"count\":3,\"lastObservedTime\":\"2026-11-25T10:00:11.000000Z\"}", true);
        assert_null(next(&queue));
        kube_events_done(&queue.events);
}

static void equal_ones_afterwards(void **state UNUSED)
{
        struct queue queue;
        struct mono wake;
        AUTO(mem_free_p) char *first = NULL;
        AUTO(mem_free_p) char *series = NULL;
        AUTO(mem_free_p) char *later = NULL;

        begin(&queue);
        add(&queue, "a");
        first = write_next(&queue, "a");
        queue.now.ms += 100;
        add(&queue, "a");
        assert_null(kube_events_next(&queue.events, queue.now, &wake)); /* too soon: there may be more */
        assert_int_equal(wake.ms, queue.now.ms + 100);
        add(&queue, "a");
        queue.now.ms += KUBE_EVENTS_SERIES_MS - 1;
        add(&queue, "a");
        series = write_next(&queue, "a");
        assert_string_equal(series, "{\"series\":{\"count\":4,\"lastObservedTime\":"
                                    "\"2026-11-25T10:06:01.000000Z\"}}");
        queue.now.ms += KUBE_EVENTS_SERIES_MS;
        add(&queue, "a"); /* six minutes without: one of its own */
        later = write_next(&queue, "a");
        has(later, "\"kind\":\"Event\"", true);
        has(later, "\"series\"", false);
        assert_int_equal(queue.events.n, 1); /* the old one is forgotten */
        kube_events_done(&queue.events);
}

/* Another that comes while the count is in flight is not lost. */
static void one_more_in_flight(void **state UNUSED)
{
        struct queue queue;
        struct kube_events_entry *entry;
        AUTO(mem_free_p) char *body = NULL;
        AUTO(mem_free_p) char *series = NULL;

        begin(&queue);
        add(&queue, "a");
        entry = next(&queue);
        body = kube_events_body(&queue.events, entry, NULL);
        add(&queue, "a");
        kube_events_written(&queue.events, entry, queue.now);
        queue.now.ms += 1000;
        series = write_next(&queue, "a");
        has(series, "\"count\":2", true);
        kube_events_done(&queue.events);
}

static void what_makes_them_equal(void **state UNUSED)
{
        static const struct kube_request_ref other = { "MariaDBOpsRequest", "px-other" };
        struct queue queue;

        begin(&queue);
        add_about(&queue, "a", KUBE_EVENT_NORMAL, NULL, false);
        add_about(&queue, "b", KUBE_EVENT_NORMAL, NULL, false);
        add_about(&queue, "a", KUBE_EVENT_WARNING, NULL, false);
        add_about(&queue, "a", KUBE_EVENT_NORMAL, &request, false);
        add_about(&queue, "a", KUBE_EVENT_NORMAL, &request, true);
        add_about(&queue, "a", KUBE_EVENT_NORMAL, &other, false);
        assert_int_equal(queue.events.n, 6);
        add_about(&queue, "a", KUBE_EVENT_NORMAL, &request, true);
        assert_int_equal(queue.events.n, 6);
        kube_events_done(&queue.events);
}

static void a_series_that_is_gone(void **state UNUSED)
{
        struct queue queue;
        struct kube_events_entry *entry;
        AUTO(mem_free_p) char *first = NULL;
        AUTO(mem_free_p) char *series = NULL;
        AUTO(mem_free_p) char *anew = NULL;
        AUTO(mem_free_p) char *name = NULL;

        begin(&queue);
        add(&queue, "a");
        first = write_next(&queue, "a");
        queue.now.ms += 1000;
        add(&queue, "a");
        entry = next(&queue);
        name = mem_strdup(entry->name);
        series = kube_events_body(&queue.events, entry, NULL);
        kube_events_again(&queue.events, entry, true);
        anew = write_next(&queue, "a");
        has(anew, "\"series\":{\"count\":2", true);
        assert_string_not_equal(name, entry->name);
        kube_events_done(&queue.events);
}

/* Two warnings among a hundred: the oldest normal ones go, and the next note says how many. */
static void too_many(void **state UNUSED)
{
        struct queue queue;
        AUTO(mem_free_p) char *first = NULL;
        AUTO(mem_free_p) char *second = NULL;

        begin(&queue);
        add_about(&queue, "warning", KUBE_EVENT_WARNING, NULL, false);
        for (int i = 0; i < 100; i++) {
                AUTO(mem_free_p) char *note = mem_printf("%d", i);

                add(&queue, note);
        }
        assert_int_equal(queue.events.n, KUBE_EVENTS_KEPT);
        assert_int_equal(queue.events.dropped, 101 - KUBE_EVENTS_KEPT);
        kube_events_again(&queue.events, next(&queue), false);
        first = write_next(&queue, "warning");
        has(first, "\"note\":\"warning (37 earlier events were dropped)\"", true);
        assert_int_equal(queue.events.dropped, 0);
        second = write_next(&queue, "37"); /* 0 to 36 were dropped */
        has(second, "\"note\":\"37\"", true);
        kube_events_done(&queue.events);
}

/* Nothing but warnings, one of them in flight; and series that all wait: it stays within its bounds. */
static void always_bounded(void **state UNUSED)
{
        struct queue queue;
        struct kube_events_entry *entry;
        AUTO(mem_free_p) char *body = NULL;

        begin(&queue);
        add_about(&queue, "in flight", KUBE_EVENT_WARNING, NULL, false);
        entry = next(&queue);
        body = kube_events_body(&queue.events, entry, NULL);
        for (int i = 0; i < 1000; i++) {
                AUTO(mem_free_p) char *note = mem_printf("%d", i);

                add_about(&queue, note, KUBE_EVENT_WARNING, NULL, false);
                assert_in_range(queue.events.n, 1, KUBE_EVENTS_KEPT);
        }
        assert_ptr_equal(queue.events.entries[0], entry);
        kube_events_written(&queue.events, entry, queue.now);
        for (int i = 0; i < 1000; i++) {
                AUTO(mem_free_p) char *note = mem_printf("series %d", i);
                AUTO(mem_free_p) char *written = NULL;

                while ((entry = next(&queue)) != NULL && entry->written == 0) {
                        mem_free(kube_events_body(&queue.events, entry, NULL));
                        kube_events_written(&queue.events, entry, queue.now);
                }
                add(&queue, note);
                written = write_next(&queue, note);
                add(&queue, note);
                assert_in_range(queue.events.n, 1, KUBE_EVENTS_ROOM);
        }
        kube_events_done(&queue.events);
}

static void what_they_look_like(void **state UNUSED)
{
        struct kube_events_entry entry = {
                .name = (char[]){ "px-0.1" },
                .request_kind = (char[]){ "MariaDBOpsRequest" },
                .request_name = (char[]){ "px-rotate" },
                .uid = (char[]){ "pod-uid" },
                .type = KUBE_EVENT_WARNING,
                .reason = (char[]){ "RotationFailed" },
                .action = (char[]){ "Rotate" },
                .note = (char[]){ "served is not what was published" },
                .first_us = INT64_C(1795600800000000),
                .last_us = INT64_C(1795600815000000),
                .sending = 1,
        };
        const struct kube_event_json_context context = { "demo", "px-0", "pod-uid", 0 };
        AUTO(mem_free_p) char *about_pod = kube_event_json_object(&entry, &context);
        AUTO(mem_free_p) char *about_request = NULL;
        AUTO(mem_free_p) char *series = NULL;
        AUTO(mem_free_p) char *all = NULL;

        entry.is_about_request = true;
        entry.uid = (char[]){ "request-uid" };
        entry.sending = 3;
        about_request = kube_event_json_object(&entry, &context);
        series = kube_event_json_series(&entry);
        all = mem_printf("%s\n%s\n%s\n", about_pod, about_request, series);
        testgolden_compare("kube-events.txt", all);
}

static void long_texts(void **state UNUSED)
{
        char pod[KUBE_SUBDOMAIN_MAX + 1];
        char note[3000];
        struct kube_events_entry entry = {
                .name = (char[]){ "n" }, .reason = (char[]){ "r" }, .action = (char[]){ "a" }, .note = note
        };
        const struct kube_event_json_context context = { "demo", pod, NULL, 12 };
        AUTO(mem_free_p) char *body = NULL;
        AUTO(mem_free_p) char *name = NULL;
        AUTO(json_free_p) cJSON *tree = NULL;
        struct err err = ERR_INIT;

        memset(pod, 'p', sizeof(pod) - 1);
        pod[sizeof(pod) - 1] = '\0';
        memset(pod + 220, '.', 10);
        memset(note, 'n', sizeof(note) - 1);
        note[sizeof(note) - 1] = '\0';
        body = kube_event_json_object(&entry, &context);
        assert_int_equal(json_parse(body, strlen(body), &tree, &err), 0);
        assert_int_equal(strlen(json_get_str(tree, "note")), KUBE_EVENT_NOTE_MAX);
        has(json_get_str(tree, "note"), "… (12 earlier events were dropped)", true);
        assert_int_equal(strlen(json_get_str(tree, "reportingInstance")), KUBE_EVENT_INSTANCE_MAX);
        name = kube_event_json_name(pod);
        assert_true(kube_names_is_subdomain(name));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(in_their_order),
                cmocka_unit_test(equal_ones_while_they_wait),
                cmocka_unit_test(equal_ones_afterwards),
                cmocka_unit_test(one_more_in_flight),
                cmocka_unit_test(what_makes_them_equal),
                cmocka_unit_test(a_series_that_is_gone),
                cmocka_unit_test(too_many),
                cmocka_unit_test(always_bounded),
                cmocka_unit_test(what_they_look_like),
                cmocka_unit_test(long_texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
