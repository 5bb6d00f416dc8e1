// SPDX-License-Identifier: Apache-2.0
/*
 * A Lease and what goes wrong: servers in trouble, answers that come late or not at all, ends at bad moments.
 */
#include "kube/lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lease_scene.h"

static bool has_told(void *arg)
{
        return *((const struct lease_scene *)arg)->told != '\0';
}

static void servers_in_trouble(void **state UNUSED)
{
        static const struct {
                int status;
                const char *body;
                enum err_kind err;
                bool soon;
        } cases[] = {
                { 401, "", ERR_AUTH, false },
                { 403, "{\"message\":\"no\"}", ERR_PRIVILEGE, false },
                { 422, "", ERR_REFUSED, false },
                { 429, "", ERR_NOT_READY, true },
                { 500, "<html>", ERR_NETWORK, true },
                { 200, "{\"metadata\":{\"resourceV", ERR_PROTOCOL, true },
                { 200, "", ERR_PROTOCOL, true },
                { 200, "null", ERR_PROTOCOL, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct lease_scene scene;
                struct kube_call *call;

                enter(&scene, &spec);
                kube_lease_want(scene.lease, true);
                kube_fake_answer(scene_call(&scene.on, 1, "GET", ONE), cases[i].status, cases[i].body);
                assert_int_equal(strncmp(scene.told, "waits!", 6), 0);
                assert_int_equal(scene.err, cases[i].err);
                scene_run(&scene.on, QUIET);
                assert_int_equal(kube_fake_n(scene.on.client), 1);
                if (cases[i].soon) {
                        call = scene_call(&scene.on, 2, "GET", ONE);
                        kube_fake_answer(call, cases[i].status, cases[i].body);
                } else {
                        scene_run(&scene.on, 700);
                        assert_int_equal(kube_fake_n(scene.on.client), 1);
                }
                assert_null(strchr(scene.told + 6, '!')); /* the same trouble is told once */
                leave(&scene);
        }
}

/* A server that accepts everything and keeps what it likes: no busy loop, and never held. */
static void a_server_that_keeps_nothing(void **state UNUSED)
{
        struct lease_scene scene;

        enter(&scene, &spec);
        kube_lease_want(scene.lease, true);
        answer(scene_call(&scene.on, 1, "GET", ONE), "", 1);
        answer(scene_call(&scene.on, 2, "PUT", ONE OWN), "", 2);
        scene_run(&scene.on, QUIET);
        assert_int_equal(kube_fake_n(scene.on.client), 2);
        assert_int_equal(scene.err, ERR_PROTOCOL);
        leave(&scene);

        enter(&scene, &spec); /* a namespace that is not there */
        kube_lease_want(scene.lease, true);
        kube_fake_answer(scene_call(&scene.on, 1, "GET", ONE), 404, NULL);
        kube_fake_answer(scene_call(&scene.on, 2, "POST", LIST OWN), 404, NULL);
        scene_run(&scene.on, QUIET);
        assert_int_equal(kube_fake_n(scene.on.client), 2);
        assert_int_equal(scene.err, ERR_MISSING);
        leave(&scene);
}

static void an_answer_that_comes_too_late(void **state UNUSED)
{
        struct lease_scene scene;
        struct kube_call *call;

        enter(&scene, &spec);
        kube_lease_want(scene.lease, true);
        answer(scene_call(&scene.on, 1, "GET", ONE), "", 0);
        call = scene_call(&scene.on, 2, "PUT", ONE OWN);
        scene_run(&scene.on, 2050); /* two thirds of the duration */
        answer(call, "px-0", 1);
        assert_false(kube_lease_is_held(scene.lease));
        assert_int_equal(scene.err, ERR_TIMEOUT);
        answer(scene_call(&scene.on, 3, "PUT", ONE OWN), "px-0", 2);
        assert_true(kube_lease_is_held(scene.lease));
        leave(&scene);
}

static void no_longer_wanted_when_it_comes(void **state UNUSED)
{
        struct lease_scene scene;
        struct kube_call *call;

        enter(&scene, &spec);
        kube_lease_want(scene.lease, true);
        answer(scene_call(&scene.on, 1, "GET", ONE), "", 1);
        call = scene_call(&scene.on, 2, "PUT", ONE OWN);
        kube_lease_want(scene.lease, false);
        answer(call, "px-0", 2);
        assert_false(kube_lease_is_held(scene.lease));
        call = scene_call(&scene.on, 3, "PUT", ONE OWN);
        says(call, "\"holderIdentity\":\"\"");
        says(call, "\"resourceVersion\":\"2\"");
        kube_lease_want(scene.lease, true); /* and once more the other way */
        answer(call, "", 3);
        answer(scene_call(&scene.on, 4, "PUT", ONE OWN), "px-0", 4);
        assert_string_equal(scene.told, "held ");
        leave(&scene);
}

static void no_answer_may_be_a_yes(void **state UNUSED)
{
        struct lease_scene scene;
        struct kube_call *call;

        enter(&scene, &spec);
        kube_lease_want(scene.lease, true);
        answer(scene_call(&scene.on, 1, "GET", ONE), "", 1);
        call = scene_call(&scene.on, 2, "PUT", ONE OWN);
        kube_lease_want(scene.lease, false);
        kube_fake_break(call, ERR_TIMEOUT);
        answer(scene_call(&scene.on, 3, "GET", ONE), "px-0", 2); /* it had arrived */
        says(scene_call(&scene.on, 4, "PUT", ONE OWN), "\"holderIdentity\":\"\"");
        leave(&scene);
}

static void closed_where_it_is_told(void **state UNUSED)
{
        struct lease_scene scene;
        struct kube_call *call;

        enter(&scene, &spec);
        scene.closes = true;
        kube_lease_want(scene.lease, true);
        answer(scene_call(&scene.on, 1, "GET", ONE), "", 1);
        answer(scene_call(&scene.on, 2, "PUT", ONE OWN), "px-0", 2);
        assert_null(scene.lease);
        call = scene_call(&scene.on, 3, "PUT", ONE OWN); /* given back by close */
        says(call, "\"holderIdentity\":\"\"");
        kube_fake_answer(call, 500, NULL);
        leave(&scene);

        enter(&scene, &spec); /* and by one that is not held */
        scene.closes = true;
        kube_lease_want(scene.lease, true);
        answer(scene_call(&scene.on, 1, "GET", ONE), "px-1", 1);
        assert_null(scene.lease);
        assert_null(kube_fake_open(scene.on.client));
        leave(&scene);
}

static void unfit_names(void **state UNUSED)
{
        static char longest[300];
        const struct kube_lease_spec cases[] = {
                { longest, "x", "h", 3000, false }, { "", "x", "h", 3000, false },
                { "d", longest, "h", 3000, false }, { "d", "a/b", "h", 3000, false },
                { "d", "x", "", 3000, false },      { "d", "x", longest, 3000, false },
                { "d", "x", "a b", 3000, false },   { "d", "x", "h", 2000, false },
                { "d", "x", "h", 3500, false },     { "d", "x", "h", -3000, false },
                { "d", "x", "h", 1 << 30, false },
        };

        memset(longest, 'a', sizeof(longest) - 1);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct lease_scene scene;
                struct err err = ERR_INIT;

                assert_int_equal(kube_lease_check(&cases[i], &err), -1);
                assert_int_equal(err.kind, ERR_USAGE);
                enter(&scene, &cases[i]);
                kube_lease_want(scene.lease, true);
                assert_string_equal(scene.told, ""); /* not from inside of want */
                scene_until(&scene.on, has_told, &scene);
                assert_int_equal(scene.err, ERR_USAGE);
                assert_int_equal(kube_fake_n(scene.on.client), 0);
                leave(&scene);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(servers_in_trouble),
                cmocka_unit_test(a_server_that_keeps_nothing),
                cmocka_unit_test(an_answer_that_comes_too_late),
                cmocka_unit_test(no_longer_wanted_when_it_comes),
                cmocka_unit_test(no_answer_may_be_a_yes),
                cmocka_unit_test(closed_where_it_is_told),
                cmocka_unit_test(unfit_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
