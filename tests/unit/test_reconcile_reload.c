// SPDX-License-Identifier: Apache-2.0
/*
 * Phase trust while a pod is out: the others trust the new authority by a reload, one after the other, and
 * nobody is restarted. Whoever is out gets its turn when nobody else has to. And at the end of all phases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "choose_scene.h"

#define PODS 3

/* px-0 has the turn, and is at it. */
struct walk {
        struct scene scene;
        struct request *request;
        struct observed_pod pods[PODS], *list[PODS];
};

static void open_walk(struct walk *walk)
{
        static const char *const names[PODS] = { "px-0", "px-1", "px-2" };
        struct scene *scene = &walk->scene;
        struct record *record = &scene->record;

        open_scene(scene);
        at_rest(scene);
        walk->request = add(scene, "a", REQUEST_TLS);
        walk->request->tls = REQUEST_CHANGE;
        walk->request->phase = REQUEST_PROGRESSING;
        record->request = mem_strdup("a");
        record->kind = mem_strdup("PerconaXtraDBOpsRequest");
        record->uid = mem_strdup("a");
        record->is_tls = record->paused = record->saved = record->issued = true;
        record->before = record->wanted = TLS_ON;
        record->step = RECORD_WALK;
        record->since = scene->seen.now;
        record->generation = 2;
        record->stages[0] = (struct record_stage){ PLAN_TRUST, TLS_ON };
        record->stages[1] = (struct record_stage){ PLAN_LEAF, TLS_ON };
        record->stages[2] = (struct record_stage){ PLAN_PRUNE, TLS_ON };
        record->n_stages = 3;
        record->authorities = mem_strdup("both");
        record->turn = mem_strdup("px-0");
        record->turn_uid = mem_strdup("px-0");
        for (int i = 0; i < PODS; i++) {
                walk->pods[i] = scene->pod;
                walk->pods[i].name = walk->pods[i].uid = text(names[i]);
                walk->pods[i].plan_request = text("a");
                walk->pods[i].plan_generation = 2;
                walk->list[i] = &walk->pods[i];
        }
        scene->seen.pods = walk->list;
        scene->seen.n_pods = PODS;
}

/* Its successor is here, and is refused so far. */
static void comes_anew(struct observed_pod *pod)
{
        pod->uid = text("anew");
        pod->is_leaving = pod->is_ready = pod->plan_done = false;
}

/* What the next look writes: who may reload, beside whose turn; NULL: nobody. It is taken over. */
static void assert_writes(struct walk *walk, const char *reload, const char *turn)
{
        struct scene *scene = &walk->scene;
        const struct action *action = first(scene);

        if (action == NULL)
                fail_msg("nothing is written");
        assert_int_equal(action->kind, ACTION_RECORD);
        print_message("%s: turn %s, reload %s\n", record_step_name(action->record.step),
                      action->record.turn == NULL ? "-" : action->record.turn,
                      action->record.reload == NULL ? "-" : action->record.reload);
        assert_true((action->record.reload == NULL) == (reload == NULL));
        if (reload != NULL)
                assert_string_equal(action->record.reload, reload);
        assert_true((action->record.turn == NULL) == (turn == NULL));
        if (turn != NULL)
                assert_string_equal(action->record.turn, turn);
        record_done(&scene->record);
        record_copy(&scene->record, &action->record);
}

static void done(struct walk *walk, int i)
{
        walk->pods[i].plan_done = true;
        walk->pods[i].is_busy = false;
}

/* Deleted in its turn: the others are through before it can be. */
static void test_whose_turn_it_is_goes(void **state UNUSED)
{
        struct walk walk;

        open_walk(&walk);
        assert_null(first(&walk.scene));
        walk.pods[0].is_leaving = true;
        assert_writes(&walk, "px-1", "px-0");
        assert_null(first(&walk.scene)); /* it is at it */
        comes_anew(&walk.pods[0]);
        done(&walk, 1);
        assert_writes(&walk, "px-2", "px-0");
        done(&walk, 2);
        assert_null(first(&walk.scene));
        walk.pods[0].is_ready = true;
        done(&walk, 0);
        (void)first(&walk.scene); /* welcome */
        assert_int_equal(walk.scene.actions.items[walk.scene.actions.n - 1].kind, ACTION_RECORD);
        assert_string_equal(walk.scene.actions.items[walk.scene.actions.n - 1].record.turn_uid, "anew");
        assert_int_equal(walk.scene.record.generation, 2); /* a turn is no new wish */
        close_scene(&walk.scene);
}

/* Another goes: who has the turn ends it first, and who is out comes last. */
static void test_another_goes(void **state UNUSED)
{
        struct walk walk;

        open_walk(&walk);
        comes_anew(&walk.pods[1]);
        walk.pods[0].is_busy = true;
        assert_null(first(&walk.scene));
        done(&walk, 0);
        assert_writes(&walk, "px-2", "px-0");
        done(&walk, 2);
        assert_writes(&walk, NULL, "px-1");
        assert_null(first(&walk.scene));
        close_scene(&walk.scene);
}

/* One that has to be restarted waits until all are there, and then has its turn. */
static void test_a_restart_waits(void **state UNUSED)
{
        struct walk walk;

        open_walk(&walk);
        done(&walk, 0);
        comes_anew(&walk.pods[2]);
        assert_writes(&walk, "px-1", "px-0");
        walk.pods[1].plan_held = true;
        assert_null(first(&walk.scene));
        walk.pods[2].is_ready = true;
        assert_writes(&walk, NULL, "px-1");
        close_scene(&walk.scene);
}

/* It never can: then it is who is out that is at fault, and not who has waited. */
static void test_who_is_at_fault(void **state UNUSED)
{
        struct walk walk;
        const struct action *action;

        open_walk(&walk);
        done(&walk, 0);
        comes_anew(&walk.pods[2]);
        assert_writes(&walk, "px-1", "px-0");
        walk.scene.seen.now.s += 100;
        action = first(&walk.scene);
        assert_non_null(action);
        assert_string_equal(action->record.failure,
                            "Timeout: pod px-2 is not ready, and two must not be out at once");
        assert_null(action->record.reload);
        close_scene(&walk.scene);
}

/* Nobody has put an agent into it: that is no matter of time. */
static void test_one_is_without_agent(void **state UNUSED)
{
        struct walk walk;

        open_walk(&walk);
        comes_anew(&walk.pods[0]);
        walk.pods[0].has_agent = false;
        walk.pods[0].is_missed = true;
        done(&walk, 1);
        done(&walk, 2);
        assert_null(first(&walk.scene));
        walk.scene.seen.now.s += 100;
        assert_string_equal(
                first(&walk.scene)->record.failure,
                "Timeout: pod px-0 has no report of an agent: it was made while the webhook did not "
                "answer, and has to be deleted");
        close_scene(&walk.scene);
}

/* Another phase, or an engine that always restarts: nobody acts beside one that is out. */
static void test_nobody_reloads(void **state UNUSED)
{
        static const struct {
                const char *kind;
                size_t stage;
        } cases[] = { { "PerconaXtraDBOpsRequest", 1 },
                      { "PerconaXtraDBOpsRequest", 2 },
                      { "MSSQLServerOpsRequest", 0 } };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct walk walk;

                open_walk(&walk);
                walk.request->kind = kind_of_request(cases[i].kind);
                mem_free(walk.scene.record.kind);
                walk.scene.record.kind = mem_strdup(cases[i].kind);
                walk.scene.record.stage = cases[i].stage;
                comes_anew(&walk.pods[0]);
                assert_null(first(&walk.scene));
                done(&walk, 0);
                assert_null(first(&walk.scene));
                close_scene(&walk.scene);
        }
}

/* On the way back, too: who is out may be refused by those that have dropped what was before. */
static void test_on_the_way_back(void **state UNUSED)
{
        struct walk walk;
        struct record *record = &walk.scene.record;

        open_walk(&walk);
        record->failure = mem_strdup("it was refused");
        record->reason = mem_strdup("Failed");
        record->step = RECORD_RETURN;
        record_drop_turn(record);
        comes_anew(&walk.pods[1]);
        assert_writes(&walk, "px-0", NULL);
        done(&walk, 0);
        assert_writes(&walk, "px-2", NULL);
        /* It has to be restarted, and waits: who is out is left behind, and then it may. */
        walk.pods[2].plan_held = true;
        walk.scene.seen.now.s += 100;
        assert_writes(&walk, NULL, "px-1");
        walk.scene.seen.now.s += 100;
        assert_int_equal(first(&walk.scene)->kind, ACTION_EVENT);
        assert_string_equal(walk.scene.actions.items[0].name, "px-1");
        record_done(record);
        record_copy(record, &walk.scene.actions.items[1].record);
        assert_string_equal(record->lost, "px-1 ");
        assert_writes(&walk, NULL, "px-2");
        close_scene(&walk.scene);
}

/* All serve it, but the last one is still starting: that is no success yet. */
static void test_the_last_is_not_ready(void **state UNUSED)
{
        for (int goes_well = 0; goes_well < 2; goes_well++) {
                struct walk walk;
                const struct action *action;

                open_walk(&walk);
                walk.scene.record.stage = 2;
                for (int i = 0; i < PODS; i++)
                        done(&walk, i);
                walk.pods[2].is_ready = false;
                assert_null(first(&walk.scene));
                walk.pods[2].is_ready = goes_well;
                walk.scene.seen.now.s += 100;
                action = first(&walk.scene);
                assert_non_null(action);
                if (goes_well)
                        assert_int_equal(action->record.step, RECORD_CLEAN);
                else
                        assert_string_equal(action->record.failure,
                                            "Timeout: pod px-2 serves what it is to, and is not ready");
                close_scene(&walk.scene);
        }
}

/* Deleted, and not made anew so far: nobody else has a turn, and no phase is over without it. */
static void test_one_is_missing(void **state UNUSED)
{
        struct walk walk;

        open_walk(&walk);
        walk.scene.record.pods = PODS;
        walk.scene.seen.n_pods = 2;
        done(&walk, 0);
        assert_null(first(&walk.scene));
        done(&walk, 1);
        for (walk.scene.record.stage = 0; walk.scene.record.stage < 3; walk.scene.record.stage++)
                assert_null(first(&walk.scene));
        walk.scene.record.stage = 0;
        walk.scene.seen.n_pods = PODS;
        assert_writes(&walk, NULL, "px-2");
        walk.scene.seen.n_pods = 2;
        walk.scene.seen.now.s += 100;
        assert_string_equal(first(&walk.scene)->record.failure,
                            "Timeout: pod px-2 has gone in its turn, and none of that name has come");
        mem_free(TAKE(walk.scene.record.turn));
        assert_string_equal(first(&walk.scene)->record.failure,
                            "Timeout: there were 3 pods, and there are only 2");
        close_scene(&walk.scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whose_turn_it_is_goes), cmocka_unit_test(test_another_goes),
                cmocka_unit_test(test_a_restart_waits),       cmocka_unit_test(test_who_is_at_fault),
                cmocka_unit_test(test_one_is_without_agent),  cmocka_unit_test(test_one_is_missing),
                cmocka_unit_test(test_nobody_reloads),        cmocka_unit_test(test_on_the_way_back),
                cmocka_unit_test(test_the_last_is_not_ready),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
