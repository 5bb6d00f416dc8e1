// SPDX-License-Identifier: Apache-2.0
/*
 * What is done for a database of which nothing is asked: what is trusted is learned, and who was left behind
 * gets a turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "choose_scene.h"

static struct fingerprint leaf_of(uint8_t n)
{
        return (struct fingerprint){ { n } };
}

/* Only of what every pod serves, and once. */
static void test_learns_what_is_trusted(void **state)
{
        struct scene scene;
        const struct action *action;

        (void)state;
        open_scene(&scene);
        at_rest(&scene);
        mem_free(TAKE(scene.record.trusted));
        scene.pod.driver = text("perconaxtradb");
        assert_null(first(&scene)); /* nothing is served */
        scene.pod.served = leaf_of(7);
        scene.certificate.is_issuing = true;
        assert_null(first(&scene));
        scene.certificate.is_issuing = false;
        action = first(&scene);
        assert_non_null(action);
        assert_int_equal(action->kind, ACTION_TRUST);
        assert_int_equal(strncmp(action->text, "0700", 4), 0);
        scene.record.trusted = mem_strdup("");
        assert_null(first(&scene));
        close_scene(&scene);
}

/* px-0 was left behind, px-1 was not. */
static void open_left(struct scene *scene, struct observed_pod *other, struct observed_pod **list)
{
        open_scene(scene);
        at_rest(scene);
        scene->record.mode = TLS_ON;
        scene->record.generation = 5;
        record_list_add(&scene->record.left, "px-0");
        scene->pod.plan_generation = 5;
        scene->pod.served = leaf_of(8);
        scene->pod.source = leaf_of(7);
        *other = scene->pod;
        other->name = text("px-1");
        other->served = leaf_of(7);
        other->plan_done = true;
        list[0] = &scene->pod;
        list[1] = other;
        scene->seen.pods = list;
        scene->seen.n_pods = 2;
}

static void assert_turn(struct scene *scene, const char *what, const char *turn)
{
        const struct action *action = first(scene);

        if (turn == NULL && action == NULL)
                return;
        if (action == NULL || action->kind != ACTION_RECORD || action->record.turn == NULL || turn == NULL ||
            strcmp(action->record.turn, turn) != 0)
                fail_msg("%s", what);
        assert_int_equal(action->record.generation, 5); /* the others need not look at it */
        assert_string_equal(action->record.left, "px-0 ");
}

static void test_who_was_left_gets_a_turn(void **state)
{
        struct scene scene;
        struct observed_pod other;
        struct observed_pod *list[2];

        (void)state;
        open_left(&scene, &other, list);
        assert_turn(&scene, "it can", "px-0");
        scene.pod.has_agent = false;
        assert_turn(&scene, "no agent", NULL);
        scene.pod.has_agent = true;
        scene.pod.is_busy = true;
        assert_turn(&scene, "at work", NULL);
        scene.pod.is_busy = false;
        scene.pod.plan_generation = 4;
        assert_turn(&scene, "it has not read the plan", NULL);
        scene.pod.plan_generation = 5;
        scene.pod.source = leaf_of(9);
        assert_turn(&scene, "its Secret is what nobody has taken yet", NULL);
        scene.pod.source = leaf_of(0);
        assert_turn(&scene, "it has not told, the other has", "px-0");
        other.source = leaf_of(9);
        assert_turn(&scene, "the other has what nobody has taken yet", NULL);
        other.source = leaf_of(0);
        assert_turn(&scene, "nobody has told", "px-0");
        scene.certificate.is_issuing = true;
        assert_turn(&scene, "another is on its way", NULL);
        scene.certificate.is_issuing = false;
        scene.pod.source = leaf_of(7);
        other.is_ready = false;
        assert_turn(&scene, "another is out", NULL);
        other.is_ready = true;
        scene.pod.failed = text("it was refused");
        assert_turn(&scene, "it has failed", NULL);
        scene.pod.failed = NULL;
        other.has_agent = false;
        assert_turn(&scene, "nobody knows what is served", NULL);
        close_scene(&scene);
}

static void test_who_was_left_has_caught_up(void **state)
{
        struct scene scene;
        struct observed_pod other;
        struct observed_pod *list[2];
        const struct action *action;

        (void)state;
        open_left(&scene, &other, list);
        scene.record.turn = mem_strdup("px-0");
        scene.pod.is_busy = true;
        assert_null(first(&scene)); /* it is at it */
        scene.pod.is_busy = false;
        assert_null(first(&scene)); /* it will be */
        scene.pod.served = leaf_of(7);
        assert_null(first(&scene)); /* something is still to be done */
        scene.pod.plan_done = true;
        scene.pod.is_ready = false;
        assert_null(first(&scene));
        scene.pod.is_ready = true;
        action = first(&scene);
        assert_non_null(action);
        assert_int_equal(action->kind, ACTION_EVENT);
        assert_string_equal(action->reason, "PodCaughtUp");
        assert_string_equal(action->name, "px-0");
        assert_int_equal(scene.actions.n, 2);
        assert_int_equal(action[1].kind, ACTION_RECORD);
        assert_null(action[1].record.left);
        assert_null(action[1].record.turn);
        scene.pod.served = leaf_of(8);
        scene.pod.plan_done = false;
        scene.pod.failed = text("it was refused");
        action = first(&scene); /* another may have the turn */
        assert_non_null(action);
        assert_null(action->record.turn);
        assert_string_equal(action->record.left, "px-0 ");
        close_scene(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_learns_what_is_trusted),
                cmocka_unit_test(test_who_was_left_gets_a_turn),
                cmocka_unit_test(test_who_was_left_has_caught_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
