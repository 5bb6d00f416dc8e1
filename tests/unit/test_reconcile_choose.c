// SPDX-License-Identifier: Apache-2.0
/*
 * Which request begins, which is skipped, refused or waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "choose_scene.h"

static void test_oldest_of_other_types(void **state)
{
        struct scene scene;

        (void)state;
        open_scene(&scene);
        add(&scene, "a", REQUEST_OTHER);
        add(&scene, "b", REQUEST_CONFIG);
        add(&scene, "c", REQUEST_TLS);
        assert_begins(&scene, "b");
        close_scene(&scene);
}

static void test_newest_of_one_type(void **state)
{
        struct scene scene;

        (void)state;
        open_scene(&scene);
        add(&scene, "a", REQUEST_TLS);
        add(&scene, "b", REQUEST_TLS);
        add(&scene, "c", REQUEST_TLS);
        assert_ends(&scene, "a", REQUEST_SKIPPED, "c is newer");
        scene.requests[0].phase = REQUEST_SKIPPED;
        assert_ends(&scene, "b", REQUEST_SKIPPED, "c is newer");
        scene.requests[1].phase = REQUEST_SKIPPED;
        assert_begins(&scene, "c");
        close_scene(&scene);
}

static void test_hopeless(void **state)
{
        struct scene scene;

        (void)state;
        open_scene(&scene);
        add(&scene, "a", REQUEST_TLS)->wrong = text("spec.tls: something is wrong");
        assert_ends(&scene, "a", REQUEST_FAILED, "spec.tls: something is wrong");
        scene.requests[0].wrong = NULL;
        scene.seen.database = NULL;
        assert_ends(&scene, "a", REQUEST_FAILED, "there is no PerconaXtraDB px in namespace demo");
        scene.seen.database_known = false;
        assert_begins(&scene, "a");
        scene.seen.n_pods = 0;
        assert_ends(&scene, "a", REQUEST_FAILED, "labelled app.kubernetes.io/instance=px");
        scene.seen.n_pods = 1;
        scene.seen.record_problem = text("no JSON");
        assert_ends(&scene, "a", REQUEST_FAILED, "px-certrotate cannot be read: no JSON");
        close_scene(&scene);
}

static void test_waits_for_the_database(void **state)
{
        struct scene scene;

        (void)state;
        open_scene(&scene);
        at_rest(&scene);
        add(&scene, "a", REQUEST_TLS);
        scene.database.phase = text("Critical");
        assert_null(first(&scene));
        scene.requests[0].apply_always = true;
        assert_begins(&scene, "a");
        close_scene(&scene);
}

/* Between two tries: until the pause is over, and for no longer than nobody else waits. */
static void test_waits_for_the_next_try(void **state)
{
        struct scene scene;

        (void)state;
        open_scene(&scene);
        at_rest(&scene);
        add(&scene, "a", REQUEST_TLS)->phase = REQUEST_PROGRESSING;
        add(&scene, "b", REQUEST_CONFIG);
        scene.record.request = mem_strdup("a");
        scene.record.uid = mem_strdup("a");
        scene.record.kind = mem_strdup("PerconaXtraDBOpsRequest");
        scene.record.is_tls = true;
        scene.record.step = RECORD_WAIT;
        scene.record.tries = 2;
        scene.record.since.s = 1000;
        assert_null(first(&scene));
        assert_int_equal(scene.actions.wake.s, 1020);
        scene.seen.now.s = 1020;
        assert_begins(&scene, "a");
        assert_int_equal(scene.actions.items[0].record.tries, 2);
        scene.seen.now.s = 1000;
        add(&scene, "c", REQUEST_TLS);
        assert_int_equal(first(&scene)->record.step, RECORD_RESUME);
        assert_non_null(strstr(first(&scene)->record.failure, "c is newer"));
        scene.seen.n_requests = 2;
        scene.list[0] = scene.list[1]; /* deleted */
        scene.seen.n_requests = 1;
        assert_int_equal(first(&scene)->record.step, RECORD_RESUME);
        close_scene(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_oldest_of_other_types),
                cmocka_unit_test(test_newest_of_one_type),
                cmocka_unit_test(test_hopeless),
                cmocka_unit_test(test_waits_for_the_next_try),
                cmocka_unit_test(test_waits_for_the_database),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
