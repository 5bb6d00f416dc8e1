// SPDX-License-Identifier: Apache-2.0
/*
 * agent/control/controller_work.c and controller_entry.c: what is done again, and when.
 */
#include "controller_scene.h"

#include "control/controller_guard.h"

static void test_idle_is_over_at_once(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database = lead(scene, NULL);

        UNTIL(scene, database->looks == 1);
        control_fake_change(scene->fake, "demo/px");
        UNTIL(scene, database->looks == 2);
        assert_int_equal(scene->fake->n_acts, 0);
}

static void test_wakes_when_it_was_asked_to(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database = lead(scene, NULL);

        database->wake = (struct wall){ clock_wall().s + 1 };
        UNTIL(scene, database->looks >= 2);
}

static void test_one_list_at_a_time(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database = lead(scene, "x");
        struct act *act = begun(scene);

        control_fake_change(scene->fake, "demo/px");
        control_fake_change(scene->fake, "demo/px");
        turn(scene, 100);
        assert_int_equal(database->looks, 1);
        control_fake_end(act, ERR_NONE);
        database->list = NULL;
        UNTIL(scene, database->looks == 2);
}

static void test_no_more_workers_than_said(void **state)
{
        struct scene *scene = *state;

        control_fake_add(scene->fake, "demo/a")->list = "x";
        control_fake_add(scene->fake, "demo/b")->list = "x";
        (void)lead(scene, "x");
        UNTIL(scene, control_fake_running(scene->fake) == 2);
        turn(scene, 100);
        assert_int_equal(control_fake_running(scene->fake), 2);
        control_fake_end(control_fake_act(scene->fake, "demo/a"), ERR_NONE);
        (void)begun(scene);
}

static void test_tries_again(void **state)
{
        static const enum err_kind passing[] = { ERR_CHANGED, ERR_NETWORK, ERR_NOT_READY, ERR_PRIVILEGE };
        struct scene *scene = *state;
        struct control_fake_database *database = lead(scene, "x");

        for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
                control_fake_end(begun(scene), passing[i]);
                (void)begun(scene);
                assert_int_equal(database->fault, ERR_NONE);
        }
}

static void test_a_fault_is_given_to_the_next_look(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database;
        struct record record;

        record_init(&record);
        record.request = mem_strdup("request");
        record.uid = mem_strdup("u-1");
        record.step = RECORD_ISSUE;
        database = lead(scene, "x");
        database->record = &record;
        control_fake_end(begun(scene), ERR_REFUSED);
        control_fake_end(begun(scene), ERR_CHANGED);
        assert_int_equal(database->fault, ERR_REFUSED);
        /* Not acted upon yet: it stays. */
        control_fake_end(begun(scene), ERR_NONE);
        assert_int_equal(database->fault, ERR_REFUSED);
        (void)begun(scene);
        assert_int_equal(database->fault, ERR_NONE);
        database->record = NULL;
        record_done(&record);
}

static void test_a_fault_is_of_its_request(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database;
        struct record record;

        record_init(&record);
        record.request = mem_strdup("request");
        record.uid = mem_strdup("u-1");
        record.step = RECORD_ISSUE;
        database = lead(scene, "x");
        database->record = &record;
        control_fake_end(begun(scene), ERR_USAGE);
        record.uid[2] = '2';
        (void)begun(scene);
        assert_int_equal(database->fault, ERR_NONE);
        database->record = NULL;
        record_done(&record);
}

/* The list that begins a request is of that request. */
static void test_a_fault_of_the_first_list(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database;
        struct action action = { .kind = ACTION_RECORD, .text = (char[]){ "record" } };

        record_init(&action.record);
        action.record.request = mem_strdup("request");
        action.record.uid = mem_strdup("u-1");
        database = lead(scene, NULL);
        database->action = &action;
        control_fake_end(begun(scene), ERR_REFUSED);
        database->record = &action.record;
        (void)begun(scene);
        assert_int_equal(database->fault, ERR_REFUSED);
        database->action = NULL;
        database->record = NULL;
        record_done(&action.record);
}

static void test_no_fault_without_a_request(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database = lead(scene, "x");

        control_fake_end(begun(scene), ERR_REFUSED);
        (void)begun(scene);
        assert_int_equal(database->fault, ERR_NONE);
}

static void test_a_circle_is_left(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database = lead(scene, "x");
        int looks;

        for (int i = 0; i < CONTROLLER_GUARD_TIMES; i++) {
                control_fake_end(begun(scene), ERR_NONE);
                control_fake_change(scene->fake, "demo/px");
        }
        looks = database->looks;
        UNTIL(scene, database->looks > looks);
        turn(scene, 100);
        assert_int_equal(control_fake_running(scene->fake), 0);
        assert_int_equal(scene->fake->n_acts, CONTROLLER_GUARD_TIMES);
        /* What is new is done. */
        database->list = "y";
        control_fake_change(scene->fake, "demo/px");
        assert_string_equal(begun(scene)->list, "y");
}

static void test_one_that_is_gone_is_forgotten(void **state)
{
        struct scene *scene = *state;
        struct control_fake_database *database = lead(scene, "x");

        control_fake_end(begun(scene), ERR_NETWORK);
        database->is_there = false;
        control_fake_change(scene->fake, "demo/px");
        turn(scene, 300);
        assert_int_equal(control_fake_running(scene->fake), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_idle_is_over_at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_wakes_when_it_was_asked_to, setup, teardown),
                cmocka_unit_test_setup_teardown(test_one_list_at_a_time, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_more_workers_than_said, setup, teardown),
                cmocka_unit_test_setup_teardown(test_tries_again, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_fault_is_given_to_the_next_look, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_fault_is_of_its_request, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_fault_of_the_first_list, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_fault_without_a_request, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_circle_is_left, setup, teardown),
                cmocka_unit_test_setup_teardown(test_one_that_is_gone_is_forgotten, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
