// SPDX-License-Identifier: Apache-2.0
/*
 * The queue: no key twice, none lost, none too often. A random run is compared with a model that keeps no
 * order and looks at everything each time.
 */
#include "control/queue.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct queue_limits plain = { .backoff_min_ms = 100, .backoff_max_ms = 1000, .workers = 2 };

static struct mono at(int64_t ms)
{
        return (struct mono){ ms };
}

static void assert_nothing(struct queue *queue, int64_t now, int64_t wake)
{
        struct mono when;

        assert_null(queue_take(queue, at(now), &when));
        assert_int_equal(when.ms, wake);
}

static void assert_takes(struct queue *queue, int64_t now, const char *key)
{
        struct mono when;
        const char *taken = queue_take(queue, at(now), &when);

        assert_non_null(taken);
        assert_string_equal(taken, key);
}

static void each_once_in_the_order_asked_for(void **state UNUSED)
{
        AUTO(queue_free_p) struct queue *queue = queue_new(&plain);

        assert_nothing(queue, 5, MONO_NEVER.ms);
        queue_add(queue, "b", at(5));
        queue_add(queue, "a", at(5));
        queue_add(queue, "b", at(6));
        assert_int_equal(queue_depth(queue), 2);
        assert_takes(queue, 6, "b");
        assert_takes(queue, 6, "a");
        assert_int_equal(queue_depth(queue), 0);
        assert_int_equal(queue_working(queue), 2);
        queue_done(queue, "a", false, at(7));
        queue_done(queue, "b", false, at(7));
        queue_done(queue, "b", true, at(7));
        assert_nothing(queue, 100000, MONO_NEVER.ms);
}

static void asked_for_while_in_work(void **state UNUSED)
{
        AUTO(queue_free_p) struct queue *queue = queue_new(&plain);

        queue_add(queue, "a", at(0));
        assert_takes(queue, 0, "a");
        queue_add(queue, "a", at(1));
        assert_nothing(queue, 2, MONO_NEVER.ms);
        queue_done(queue, "a", false, at(3));
        assert_takes(queue, 3, "a");
        queue_done(queue, "a", false, at(4));
        assert_nothing(queue, 5, MONO_NEVER.ms);
}

static void no_more_than_workers(void **state UNUSED)
{
        AUTO(queue_free_p) struct queue *queue = queue_new(&plain);

        queue_add(queue, "a", at(0));
        queue_add(queue, "b", at(0));
        queue_add(queue, "c", at(0));
        assert_takes(queue, 0, "a");
        assert_takes(queue, 0, "b");
        assert_nothing(queue, 0, MONO_NEVER.ms);
        queue_done(queue, "a", false, at(1));
        assert_takes(queue, 1, "c");
}

static void the_earliest_counts(void **state UNUSED)
{
        AUTO(queue_free_p) struct queue *queue = queue_new(&plain);

        queue_add_at(queue, "a", at(500));
        queue_add_at(queue, "b", at(300));
        queue_add_at(queue, "a", at(200));
        queue_add_at(queue, "a", at(900));
        queue_add_at(queue, "c", MONO_NEVER);
        assert_nothing(queue, 199, 200);
        assert_takes(queue, 200, "a");
        queue_add_at(queue, "a", at(800));
        queue_done(queue, "a", false, at(210));
        assert_nothing(queue, 210, 300);
        queue_add(queue, "b", at(220));
        assert_takes(queue, 220, "b");
        queue_done(queue, "b", false, at(230));
        assert_nothing(queue, 799, 800);
        assert_takes(queue, 800, "a");
}

static void a_failure_comes_back_later_and_later(void **state UNUSED)
{
        static const int64_t waits[] = { 100, 200, 400, 800, 1000, 1000 };
        AUTO(queue_free_p) struct queue *queue = queue_new(&plain);
        int64_t now = 0;

        queue_add(queue, "a", at(now));
        for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
                assert_takes(queue, now, "a");
                queue_done(queue, "a", true, at(now));
                assert_nothing(queue, now + waits[i] - 1, now + waits[i]);
                now += waits[i];
        }
        assert_takes(queue, now, "a");
        queue_done(queue, "a", false, at(now));
        queue_add(queue, "a", at(now));
        assert_takes(queue, now, "a");
        queue_done(queue, "a", true, at(now));
        assert_nothing(queue, now, now + 100);
        queue_add(queue, "a", at(now + 50));
        assert_takes(queue, now + 50, "a");
        queue_add(queue, "a", at(now + 60));
        queue_done(queue, "a", false, at(now + 70));
        assert_takes(queue, now + 70, "a");
        queue_done(queue, "a", true, at(now + 80));
        assert_nothing(queue, now + 80, now + 180);
}

static void no_more_than_the_bucket_gives(void **state UNUSED)
{
        const struct queue_limits limits = {
                .backoff_min_ms = 1, .backoff_max_ms = 1, .rate_per_s = 10, .burst = 3, .workers = 1000
        };
        AUTO(queue_free_p) struct queue *queue = queue_new(&limits);
        struct mono wake;
        char key[16];

        for (int i = 0; i < 200; i++) {
                (void)snprintf(key, sizeof(key), "k%d", i);
                queue_add(queue, key, at(1000));
        }
        for (int i = 0; i < 3; i++)
                assert_non_null(queue_take(queue, at(1000), &wake));
        assert_nothing(queue, 1000, 1100);
        assert_nothing(queue, 1099, 1100);
        assert_non_null(queue_take(queue, at(1100), &wake));
        assert_nothing(queue, 1101, 1200);
        for (int i = 0; i < 3; i++)
                assert_non_null(queue_take(queue, at(INT64_C(1) << 50), &wake));
        assert_null(queue_take(queue, at(INT64_C(1) << 50), &wake));
}

/* The model. */

#define KEYS 6

struct model {
        int64_t due[KEYS]; /* MONO_NEVER: not asked for */
        bool working[KEYS];
        unsigned failures[KEYS];
};

static unsigned next_random(unsigned *seed)
{
        *seed = *seed * 1103515245U + 12345U;
        return *seed >> 16;
}

static int64_t model_first(const struct model *model)
{
        int64_t first = MONO_NEVER.ms;

        for (int i = 0; i < KEYS; i++)
                if (!model->working[i] && model->due[i] < first)
                        first = model->due[i];
        return first;
}

static void model_take(struct queue *queue, struct model *model, struct mono now)
{
        const bool is_full = queue_working(queue) == plain.workers;
        struct mono wake;
        const char *key = queue_take(queue, now, &wake);
        int i;

        if (key == NULL) {
                assert_true(is_full || model_first(model) > now.ms);
                assert_int_equal(wake.ms, is_full ? MONO_NEVER.ms : model_first(model));
                return;
        }
        i = atoi(key + 1);
        assert_false(model->working[i]);
        assert_true(model->due[i] <= now.ms);
        model->working[i] = true;
        model->due[i] = MONO_NEVER.ms;
}

static void model_done(struct queue *queue, struct model *model, int i, bool failed, struct mono now)
{
        char key[16];
        int64_t wait = plain.backoff_min_ms;

        (void)snprintf(key, sizeof(key), "k%d", i);
        queue_done(queue, key, failed, now);
        if (!model->working[i])
                return;
        model->working[i] = false;
        model->failures[i] = failed ? model->failures[i] + 1 : 0;
        for (unsigned n = 1; n < model->failures[i] && wait < plain.backoff_max_ms; n++)
                wait *= 2;
        if (wait > plain.backoff_max_ms)
                wait = plain.backoff_max_ms;
        if (failed && now.ms + wait < model->due[i])
                model->due[i] = now.ms + wait;
}

static void model_add(struct queue *queue, struct model *model, int i, int64_t due, struct mono now)
{
        char key[16];

        (void)snprintf(key, sizeof(key), "k%d", i);
        if (due == now.ms)
                queue_add(queue, key, now);
        else
                queue_add_at(queue, key, at(due));
        if (due < model->due[i])
                model->due[i] = due;
}

static void whatever_happens(void **state UNUSED)
{
        AUTO(queue_free_p) struct queue *queue = queue_new(&plain);
        struct model model = { .working = { false } };
        unsigned seed = 5;
        int64_t now = 0;

        for (int i = 0; i < KEYS; i++)
                model.due[i] = MONO_NEVER.ms;
        for (int round = 0; round < 100000; round++) {
                int i = (int)(next_random(&seed) % KEYS);
                size_t working = 0;

                now += next_random(&seed) % 100;
                switch (next_random(&seed) % 8) {
                case 0:
                        model_add(queue, &model, i, now, at(now));
                        break;
                case 1:
                        model_add(queue, &model, i, now + next_random(&seed) % 400, at(now));
                        break;
                case 2:
                case 3:
                case 4:
                        for (int k = 0; k < KEYS && !model.working[i]; k++)
                                i = (i + 1) % KEYS;
                        model_done(queue, &model, i, next_random(&seed) % 2 == 0, at(now));
                        break;
                default:
                        model_take(queue, &model, at(now));
                }
                for (int k = 0; k < KEYS; k++)
                        working += model.working[k];
                assert_int_equal(queue_working(queue), working);
        }
}

/* All are looked at in the end, in the order in which they became due. */
static void ten_thousand_keys(void **state UNUSED)
{
        const struct queue_limits limits = { .backoff_min_ms = 1, .backoff_max_ms = 1, .workers = 10000 };
        AUTO(queue_free_p) struct queue *queue = queue_new(&limits);
        unsigned seed = 1;
        struct mono wake;
        int64_t before = 0;
        char key[32];

        for (int i = 0; i < 10000; i++) {
                (void)snprintf(key, sizeof(key), "ns/%u-%d", next_random(&seed) % 100, i);
                queue_add_at(queue, key, at(1 + next_random(&seed) % 5000));
        }
        for (int i = 0; i < 10000; i++) {
                struct mono now = at(before);

                if (queue_take(queue, now, &wake) != NULL)
                        continue;
                assert_true(wake.ms > before && wake.ms <= 5000);
                before = wake.ms;
                i--;
        }
        assert_int_equal(queue_working(queue), 10000);
        assert_int_equal(queue_depth(queue), 0);
        seed = 1;
        for (int i = 0; i < 10000; i++) {
                (void)snprintf(key, sizeof(key), "ns/%u-%d", next_random(&seed) % 100, i);
                (void)next_random(&seed);
                queue_done(queue, key, false, at(before));
        }
        assert_int_equal(queue_working(queue), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_once_in_the_order_asked_for),
                cmocka_unit_test(asked_for_while_in_work),
                cmocka_unit_test(no_more_than_workers),
                cmocka_unit_test(the_earliest_counts),
                cmocka_unit_test(a_failure_comes_back_later_and_later),
                cmocka_unit_test(no_more_than_the_bucket_gives),
                cmocka_unit_test(whatever_happens),
                cmocka_unit_test(ten_thousand_keys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
