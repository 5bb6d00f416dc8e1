// SPDX-License-Identifier: Apache-2.0
/*
 * A Lease over a client that stands in: what is asked, what is told, and that nothing is kept by mistake.
 */
#include "kube/lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lease_scene.h"

static void taken_and_renewed(void **state UNUSED)
{
        struct lease_scene scene;
        struct kube_call *call;

        hold(&scene);
        says(kube_fake_at(scene.on.client, 1), "\"leaseTransitions\":2");
        says(kube_fake_at(scene.on.client, 1), "\"holderIdentity\":\"px-0\",\"leaseDurationSeconds\":6");
        kube_lease_want(scene.lease, true);
        assert_int_equal(kube_fake_n(scene.on.client), 2);
        call = scene_call(&scene.on, 3, "PUT", ONE OWN);
        says(call, "\"resourceVersion\":\"1\"");
        says(call, "\"leaseTransitions\":1"); /* as the answer had it: a renewal counts nothing */
        assert_int_equal(call->limit_ms, 1500);
        answer(call, "px-0", 2);
        says(scene_call(&scene.on, 4, "PUT", ONE OWN), "\"resourceVersion\":\"2\"");
        assert_string_equal(scene.told, "held ");
        leave(&scene);
}

/* It may have been deleted under somebody's hands: who makes it waits until that one must have noticed. */
static void made_where_there_is_none(void **state UNUSED)
{
        struct lease_scene scene;
        struct kube_call *call;
        struct mono made;

        enter(&scene, &spec);
        kube_lease_want(scene.lease, true);
        kube_fake_answer(scene_call(&scene.on, 1, "GET", ONE), 404, NULL);
        call = scene_call(&scene.on, 2, "POST", LIST OWN);
        says(call, "\"holderIdentity\":\"\"");
        says(call, "\"leaseTransitions\":0");
        made = clock_mono();
        kube_fake_answer(call, 201, NEW_LEASE);
        assert_string_equal(scene.told, "");
        kube_fake_answer(scene_call(&scene.on, 3, "GET", ONE), 200, NEW_LEASE); /* who else is there? */
        call = scene_call(&scene.on, 4, "PUT", ONE OWN);
        assert_true(clock_mono().ms - made.ms >= 2000);
        says(call, "\"leaseTransitions\":1");
        answer(call, "px-0", 8);
        assert_string_equal(scene.told, "held ");
        leave(&scene);
}

static void another_holds_it(void **state UNUSED)
{
        struct lease_scene scene;

        enter(&scene, &spec);
        scene_run(&scene.on, QUIET);
        assert_int_equal(kube_fake_n(scene.on.client), 0); /* it was not wanted */
        kube_lease_want(scene.lease, true);
        answer(scene_call(&scene.on, 1, "GET", ONE), "px-1", 1);
        assert_string_equal(scene.told, "waits:px-1 ");
        scene_run(&scene.on, QUIET);
        answer(scene_call(&scene.on, 2, "GET", ONE), "px-1", 2);
        assert_string_equal(scene.told, "waits:px-1 ");
        answer(scene_call(&scene.on, 3, "GET", ONE), "px-2", 3);
        assert_string_equal(scene.told, "waits:px-1 waits:px-2 ");
        answer(scene_call(&scene.on, 4, "GET", ONE), "", 4); /* given back */
        kube_fake_answer(scene_call(&scene.on, 5, "PUT", ONE OWN), 409, NULL);
        answer(scene_call(&scene.on, 6, "GET", ONE), "px-1", 5); /* another was faster */
        assert_string_equal(scene.told, "waits:px-1 waits:px-2 waits:px-1 ");
        leave(&scene);
        assert_false(strstr(scene.told, "held") != NULL);
}

static void one_that_does_not_renew(void **state UNUSED)
{
        struct lease_scene scene;

        enter(&scene, &spec);
        kube_lease_want(scene.lease, true);
        answer(scene_call(&scene.on, 1, "GET", ONE), "px-1", 1);
        answer(scene_call(&scene.on, 2, "GET", ONE), "px-1", 1);
        answer(scene_call(&scene.on, 3, "GET", ONE), "px-1", 1);
        says(scene_call(&scene.on, 4, "PUT", ONE OWN), "\"leaseTransitions\":2");
        answer(kube_fake_open(scene.on.client), "px-0", 2);
        assert_string_equal(scene.told, "waits:px-1 held ");
        leave(&scene);
}

static void our_own_from_before_a_restart(void **state UNUSED)
{
        struct lease_scene scene;

        enter(&scene, &spec);
        kube_lease_want(scene.lease, true);
        answer(scene_call(&scene.on, 1, "GET", ONE), "px-0", 1);
        assert_string_equal(scene.told, ""); /* read is not held */
        assert_false(kube_lease_is_held(scene.lease));
        answer(scene_call(&scene.on, 2, "PUT", ONE OWN), "px-0", 2);
        assert_string_equal(scene.told, "held ");
        leave(&scene);
}

static bool is_over_or_asks(void *arg)
{
        const struct lease_scene *scene = arg;

        return !kube_lease_is_held(scene->lease) || kube_fake_open(scene->on.client) != NULL;
}

static bool has_lost(void *arg)
{
        return strcmp(((const struct lease_scene *)arg)->told, "held ") != 0;
}

static void lost_without_renewal(void **state UNUSED)
{
        struct lease_scene scene;

        hold(&scene);
        while (kube_lease_is_held(scene.lease)) {
                scene_until(&scene.on, is_over_or_asks, &scene);
                if (kube_fake_open(scene.on.client) != NULL)
                        kube_fake_break(kube_fake_open(scene.on.client), ERR_TIMEOUT);
        }
        scene_until(&scene.on, has_lost, &scene);
        assert_int_equal(strncmp(scene.told, "held lost!Timeout ", 18), 0);
        assert_in_range(kube_fake_n(scene.on.client), 4, 14); /* it tried more than once, and not too often */
        leave(&scene);
}

/* No answer comes at all, so no try has failed: it is lost all the same, with a reason. */
static void lost_in_silence(void **state UNUSED)
{
        struct lease_scene scene;

        hold(&scene);
        (void)scene_call(&scene.on, 3, "PUT", ONE OWN);
        scene_until(&scene.on, has_lost, &scene);
        assert_string_equal(scene.told, "held lost!Timeout waits!Timeout ");
        leave(&scene);
}

static void lost_to_another(void **state UNUSED)
{
        struct lease_scene scene;

        hold(&scene);
        kube_fake_answer(scene_call(&scene.on, 3, "PUT", ONE OWN), 409, NULL);
        assert_true(kube_lease_is_held(scene.lease)); /* so far nobody said that it is gone */
        answer(scene_call(&scene.on, 4, "GET", ONE), "px-1", 9);
        assert_string_equal(scene.told, "held lost:px-1 waits:px-1 ");
        leave(&scene);
}

static void a_label_is_no_loss(void **state UNUSED)
{
        struct lease_scene scene;

        hold(&scene);
        kube_fake_answer(scene_call(&scene.on, 3, "PUT", ONE OWN), 409, NULL);
        answer(scene_call(&scene.on, 4, "GET", ONE), "px-0", 9);
        says(scene_call(&scene.on, 5, "PUT", ONE OWN), "\"resourceVersion\":\"9\"");
        assert_string_equal(scene.told, "held ");
        leave(&scene);
}

static void deleted_while_held(void **state UNUSED)
{
        struct lease_scene scene;

        hold(&scene);
        kube_fake_answer(scene_call(&scene.on, 3, "PUT", ONE OWN), 404, NULL);
        assert_true(kube_lease_is_held(scene.lease)); /* nobody else takes it so soon */
        kube_fake_answer(scene_call(&scene.on, 4, "POST", LIST OWN), 201, NEW_LEASE);
        assert_int_equal(strncmp(scene.told, "held lost!", 10), 0);
        assert_int_equal(scene.err, ERR_MISSING);
        scene_run(&scene.on, QUIET); /* and it is ours as little as anybody's */
        assert_int_equal(kube_fake_n(scene.on.client), 4);
        leave(&scene);
}

static void given_back(void **state UNUSED)
{
        struct lease_scene scene;
        struct kube_call *call;

        hold(&scene);
        kube_lease_want(scene.lease, false);
        assert_false(kube_lease_is_held(scene.lease)); /* before the server knows */
        call = scene_call(&scene.on, 3, "PUT", ONE OWN);
        says(call, "\"holderIdentity\":\"\",\"leaseDurationSeconds\":1");
        kube_fake_break(call, ERR_NETWORK);
        assert_false(kube_lease_is_idle(scene.lease));
        answer(scene_call(&scene.on, 4, "GET", ONE), "px-0", 1);
        call = scene_call(&scene.on, 5, "PUT", ONE OWN);
        says(call, "\"holderIdentity\":\"\"");
        answer(call, "", 2);
        assert_true(kube_lease_is_idle(scene.lease));
        scene_run(&scene.on, QUIET);
        assert_int_equal(kube_fake_n(scene.on.client), 5);
        assert_string_equal(scene.told, "held ");
        leave(&scene);
        assert_string_equal(scene.told, "held ");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(taken_and_renewed),
                cmocka_unit_test(made_where_there_is_none),
                cmocka_unit_test(another_holds_it),
                cmocka_unit_test(one_that_does_not_renew),
                cmocka_unit_test(our_own_from_before_a_restart),
                cmocka_unit_test(lost_without_renewal),
                cmocka_unit_test(lost_in_silence),
                cmocka_unit_test(lost_to_another),
                cmocka_unit_test(a_label_is_no_loss),
                cmocka_unit_test(deleted_while_held),
                cmocka_unit_test(given_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
