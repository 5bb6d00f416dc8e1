// SPDX-License-Identifier: Apache-2.0
/*
 * agent/control/controller.c: which replica acts when, and how it ends.
 */
#include "controller_scene.h"

#include <signal.h>
#include <unistd.h>

/* --- who acts when */

static void test_contends_and_watches_at_once(void **state)
{
        struct scene *scene = *state;

        assert_true(scene->fake->is_open);
        assert_true(scene->fake->lease_is_wanted);
}

static void test_does_nothing_without_the_lease(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database = control_fake_add(scene->fake, "demo/px");
        const struct err none = ERR_INIT;

        database->list = "x";
        scene->fake->is_whole = true;
        control_fake_lease(scene->fake, KUBE_LEASE_WAITS, "two", &none);
        control_fake_change(scene->fake, "demo/px");
        turn(scene, 300);
        assert_int_equal(database->looks, 0);
        /* What happened before counts from now on. */
        control_fake_lease(scene->fake, KUBE_LEASE_HELD, NULL, NULL);
        control_fake_end(begun(scene), ERR_NONE);
}

static void test_does_nothing_before_the_world_is_whole(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database = control_fake_add(scene->fake, "demo/px");

        database->list = "x";
        control_fake_lease(scene->fake, KUBE_LEASE_HELD, NULL, NULL);
        control_fake_change(scene->fake, "demo/px");
        turn(scene, 300);
        assert_int_equal(database->looks, 0);
        scene->fake->is_whole = true;
        (void)begun(scene);
}

static void test_loss_of_the_lease_cancels(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database = lead(scene, "x");
        struct act *act = begun(scene);
        int looks;

        control_fake_lease(scene->fake, KUBE_LEASE_LOST, "two", NULL);
        assert_true(act->is_cancelled);
        looks = database->looks;
        control_fake_change(scene->fake, "demo/px");
        turn(scene, 300);
        assert_int_equal(database->looks, looks);
        /* And all over again with it. */
        control_fake_lease(scene->fake, KUBE_LEASE_HELD, NULL, NULL);
        (void)begun(scene);
}

/* A definition vanished, and it is not known yet whether its objects did. */
static void test_nothing_is_decided_while_the_world_is_unknown_again(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database = lead(scene, NULL);
        int looks;

        UNTIL(scene, database->looks > 0);
        looks = database->looks;
        database->list = "x";
        scene->fake->is_whole = false;
        control_fake_change(scene->fake, "demo/px");
        turn(scene, 300);
        assert_int_equal(database->looks, looks);
        scene->fake->is_whole = true;
        (void)begun(scene);
}

/* The process slept: nobody has told yet that the Lease is lost. */
static void test_asks_for_the_lease_before_each_list(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database = lead(scene, NULL);
        int looks;

        UNTIL(scene, database->looks > 0);
        looks = database->looks;
        scene->fake->lease_is_held = false;
        database->list = "x";
        control_fake_change(scene->fake, "demo/px");
        turn(scene, 300);
        assert_int_equal(database->looks, looks);
        assert_int_equal(scene->fake->n_acts, 0);
}

static void test_a_sleeper_stops_what_it_was_at(void **state)
{
        struct scene *scene = *state;
        struct act *act;

        (void)lead(scene, "x");
        act = begun(scene);
        scene->fake->lease_is_held = false;
        UNTIL(scene, act->is_cancelled);
}

/* --- the end */

static void end_px(void *arg)
{
        control_fake_end(control_fake_act(arg, "demo/px"), ERR_NONE);
}

static void test_ends_with_what_is_under_way(void **state)
{
        struct scene *scene = *state;
        AUTO(loop_timer_free_p) struct loop_timer *later = NULL;
        struct act *act;

        (void)lead(scene, "x");
        act = begun(scene);
        later = loop_timer_new(scene->loop, end_px, scene->fake);
        loop_timer_set(later, 100);
        assert_int_equal(kill(getpid(), SIGTERM), 0);
        assert_int_equal(controller_run(scene->controller), 0);
        assert_false(act->is_cancelled);
        assert_true(act->is_over);
        assert_int_equal(scene->fake->acts_at_return, 0);
        assert_false(scene->fake->lease_is_wanted);
        assert_int_equal(scene->fake->n_acts, 1);
}

static void test_ends_without_what_hangs(void **state)
{
        struct scene *scene = *state;
        struct act *act;

        (void)lead(scene, "x");
        act = begun(scene);
        assert_int_equal(kill(getpid(), SIGTERM), 0);
        assert_int_equal(controller_run(scene->controller), 0);
        assert_true(act->is_cancelled);
        assert_int_equal(scene->fake->acts_at_return, 0);
}

static void again(void *arg UNUSED)
{
        (void)kill(getpid(), SIGTERM);
}

static void test_a_second_signal_ends_it_at_once(void **state)
{
        struct scene *scene = *state;
        AUTO(loop_timer_free_p) struct loop_timer *later = NULL;
        struct act *act;

        (void)lead(scene, "x");
        act = begun(scene);
        later = loop_timer_new(scene->loop, again, NULL);
        loop_timer_set(later, 50);
        assert_int_equal(kill(getpid(), SIGTERM), 0);
        assert_int_equal(controller_run(scene->controller), 0);
        assert_false(act->is_over); /* it was not even waited for */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_contends_and_watches_at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_does_nothing_without_the_lease, setup, teardown),
                cmocka_unit_test_setup_teardown(test_does_nothing_before_the_world_is_whole, setup, teardown),
                cmocka_unit_test_setup_teardown(test_loss_of_the_lease_cancels, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nothing_is_decided_while_the_world_is_unknown_again,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_asks_for_the_lease_before_each_list, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_sleeper_stops_what_it_was_at, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ends_with_what_is_under_way, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ends_without_what_hangs, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_second_signal_ends_it_at_once, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
