// SPDX-License-Identifier: Apache-2.0
/*
 * certs/generation.c under kill -9.
 *
 * Each operation runs in a child under ptrace that is killed before its first system call, then before its
 * second, and so on until it is done: every state that a kill can leave is looked at, and the next rotation
 * must work from it.
 */
#include "teststore.h"

#include "testkill.h"

struct scenario {
        const char *name;
        void (*prepare)(struct store *store);
        int (*act)(struct store *store, struct err *err);
        int64_t before; /* what is shown before, 0 nothing */
        int64_t after;
        bool plain;
};

static void prepare_nothing(struct store *store UNUSED)
{
}

static void prepare_two(struct store *store)
{
        struct err err;

        teststore_must(teststore_stage(store, 1, false, &err), &err);
        teststore_must(generation_publish(store, 1, &err), &err);
        teststore_must(teststore_stage(store, 2, false, &err), &err);
        teststore_must(generation_publish(store, 2, &err), &err);
}

static void prepare_plain(struct store *store)
{
        struct err err;

        teststore_must(teststore_stage(store, 2, true, &err), &err);
        teststore_must(generation_publish(store, 2, &err), &err);
}

static void prepare_litter(struct store *store)
{
        struct err err;

        prepare_two(store);
        teststore_must(teststore_stage(store, 3, false, &err), &err);
        teststore_must(mkdirat(store->dir, "..half-000003", 0700), &err);
        teststore_must(mkdirat(store->dir, "..half-000003/sub", 0700), &err);
        teststore_must(symlinkat("nowhere", store->dir, "..tmp-"), &err);
        teststore_must(symlinkat("nowhere", store->dir, "..tmp-tls.crt"), &err);
}

static int act_first(struct store *store, struct err *err)
{
        return teststore_stage(store, 3, false, err) != 0 ? -1 : generation_publish(store, 3, err);
}

static int act_plain(struct store *store, struct err *err)
{
        return teststore_stage(store, 3, true, err) != 0 ? -1 : generation_publish(store, 3, err);
}

static int act_back(struct store *store, struct err *err)
{
        return generation_publish(store, 1, err);
}

static int act_prune(struct store *store, struct err *err)
{
        return generation_prune(store, 0, err);
}

static const struct scenario scenarios[] = {
        { "first", prepare_nothing, act_first, 0, 3, false },
        { "next", prepare_two, act_first, 2, 3, false },
        { "litter", prepare_litter, act_first, 2, 3, false },
        { "plain", prepare_plain, act_plain, 2, 3, true },
        { "back", prepare_two, act_back, 2, 1, false },
        { "prune", prepare_litter, act_prune, 2, 2, false },
};

/* What the child works on. */
struct task {
        const struct scenario *scenario;
        const char *dir;
        struct store *store;
};

static int begin(void *arg, struct err *err)
{
        struct task *task = arg;

        return generation_open(task->dir, &task->store, err);
}

static int act(void *arg, struct err *err)
{
        struct task *task = arg;

        return task->scenario->act(task->store, err);
}

static void check_whole(const struct scenario *scenario, const char *dir, long calls)
{
        int64_t first = -2;

        for (size_t i = 0; i < ARRAY_LEN(teststore_outputs); i++) {
                int64_t number = teststore_shown(dir, teststore_outputs[i].name);

                if (number != scenario->before && number != scenario->after &&
                    !(number == 0 && scenario->before == 0))
                        fail_msg("%s, killed at call %ld: %s shows %lld", scenario->name, calls,
                                 teststore_outputs[i].name, (long long)number);
                if (first != -2 && number != first && number != 0 && first != 0)
                        fail_msg("%s, killed at call %ld: a mixture", scenario->name, calls);
                first = number != 0 ? number : first;
        }
        if (scenario->plain)
                assert_true(teststore_shown(dir, teststore_plain.name) == scenario->before ||
                            teststore_shown(dir, teststore_plain.name) == scenario->after);
}

/* Opened again: what claims to be a generation is one, and the next rotation and prune work as if new. */
static void check_recovers(const struct scenario *scenario, const char *dir)
{
        AUTO(generation_close_p) struct store *store = NULL;
        struct err err;
        int64_t current;

        teststore_must(generation_open(dir, &store, &err), &err);
        teststore_must(generation_current(store, &current, &err), &err);
        for (int64_t number = 1; number <= 3; number++) {
                AUTO(mem_free_p) char *gen = mem_printf("%s/..gen-%06lld", dir, (long long)number);

                if (!generation_exists(store, number))
                        continue;
                for (size_t i = 0; i < ARRAY_LEN(teststore_outputs); i++)
                        assert_int_equal(teststore_shown(gen, teststore_outputs[i].name), number);
        }
        teststore_must(current == 3 ? 0 : teststore_stage(store, 3, scenario->plain, &err), &err);
        teststore_must(generation_publish(store, 3, &err), &err);
        teststore_must(generation_prune(store, 0, &err), &err);
        for (size_t i = 0; i < ARRAY_LEN(teststore_outputs); i++)
                assert_int_equal(teststore_shown(dir, teststore_outputs[i].name), 3);
        if (scenario->plain)
                assert_int_equal(teststore_shown(dir, teststore_plain.name), 3);
        assert_false(generation_exists(store, 1) || generation_exists(store, 2));
        assert_false(teststore_exists(dir, "..tmp-") || teststore_exists(dir, "..tmp-tls.crt") ||
                     teststore_exists(dir, "..half-000003"));
}

static void kill_at_every_system_call(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
                const struct scenario *scenario = &scenarios[i];
                bool ended = false;
                long calls = 0;

                for (; !ended; calls++) {
                        AUTO(mem_free_p)
                        char *dir = mem_printf("%s/%s-%ld", (char *)*state, scenario->name, calls);
                        AUTO(generation_close_p) struct store *store = NULL;
                        struct err err;
                        struct task task = { scenario, dir, NULL };

                        teststore_must(generation_open(dir, &store, &err), &err);
                        scenario->prepare(store);
                        ended = testkill_run(begin, act, &task, calls);
                        check_whole(scenario, dir, calls);
                        check_recovers(scenario, dir);
                }
                print_message("%s: %ld calls\n", scenario->name, calls);
                assert_true(calls > 10);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(kill_at_every_system_call, teststore_setup,
                                                teststore_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
