// SPDX-License-Identifier: Apache-2.0
/*
 * What becomes of what cert-manager issues by itself, and when: by the schedule of its database.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "choose_scene.h"

static void test_renewal_becomes_a_request(void **state)
{
        struct scene scene;
        const struct action *action;

        (void)state;
        open_scene(&scene);
        action = first(&scene);
        assert_non_null(action);
        assert_int_equal(action->kind, ACTION_RECORD); /* the agents hold from now on */
        assert_null(action->record.request);
        assert_int_equal(action->record.mode, TLS_ON);
        assert_int_equal(action->record.n_served, 1);
        at_rest(&scene);
        assert_null(first(&scene));
        scene.certificate.revision = 4;
        scene.certificate.is_issuing = true;
        assert_null(first(&scene));
        scene.certificate.is_issuing = false;
        action = first(&scene);
        assert_non_null(action);
        assert_int_equal(action->kind, ACTION_CREATE);
        assert_string_equal(action->name, "px-1000-rotate-tls-auto");
        assert_string_equal(action->text, "px-server-cert=4 c");
        scene.pod.kind_label = text("");
        assert_null(first(&scene));
        close_scene(&scene);
}

static struct request *add_renewal(struct scene *scene, const char *name)
{
        struct request *request = add(scene, name, REQUEST_TLS);

        request->tls = REQUEST_ROTATE;
        request->is_auto = true;
        request->renewal = text("px-server-cert=4 c");
        request->created.s = NOON;
        return request;
}

static void open_renewed(struct scene *scene)
{
        open_scene(scene);
        at_rest(scene);
        scene->seen.now.s = NOON;
        scene->seen.schedule = &scene->database.schedule;
        scene->certificate.revision = 4;
        scene->certificate.not_before.s = NOON;
        scene->certificate.not_after.s = NOON + 80 * DAY;
        scene->pod.served_until.s = NOON + 30 * DAY;
        add_renewal(scene, "px-auto");
}

static void assert_told(struct scene *scene, const char *reason, const char *says)
{
        const struct action *action = first(scene);

        assert_non_null(action);
        assert_int_equal(action->kind, ACTION_CONDITION);
        assert_string_equal(action->type, "Scheduled");
        assert_string_equal(action->reason, reason);
        if (strstr(action->text, says) == NULL)
                fail_msg("%s", action->text);
}

static void test_renewal_waits_for_its_window(void **state)
{
        struct scene scene;

        (void)state;
        open_renewed(&scene);
        scene.database.schedule.window = text("Sat,Sun 02:00-04:00");
        assert_told(&scene, "Waiting",
                    "begins at 2026-11-28T02:00:00Z: maintenance window 'Sat,Sun 02:00-04:00'");
        assert_int_equal(scene.actions.n, 1);
        assert_int_equal(scene.actions.wake.s, SATURDAY);
        scene.requests[0].scheduled = mem_strdup(scene.actions.items[0].text);
        assert_null(first(&scene)); /* told once, and no second request is made of it */
        assert_int_equal(scene.actions.wake.s, SATURDAY);
        scene.seen.now.s = SATURDAY;
        assert_begins(&scene, "px-auto");
        scene.seen.now.s = NOON;
        scene.requests[0].is_auto = false; /* somebody's own, whatever is annotated on it */
        assert_begins(&scene, "px-auto");
        mem_free(scene.requests[0].scheduled);
        close_scene(&scene);
}

static void test_renewal_is_urgent(void **state)
{
        struct scene scene;

        (void)state;
        open_renewed(&scene);
        scene.database.schedule.window = text("Sat,Sun 02:00-04:00");
        scene.pod.served_until.s = NOON + 10 * DAY; /* an eighth of 80 days */
        assert_told(&scene, "Urgent", "close to its end");
        assert_int_equal(scene.actions.items[1].kind, ACTION_RECORD);
        scene.pod.served_until.s += 3600; /* before the window: it is looked at again then */
        assert_told(&scene, "Waiting", "begins at 2026-11-25T13:00:00Z");
        assert_int_equal(scene.actions.wake.s, NOON + 3600);
        scene.pod.served_until.s = NOON + 20 * DAY;
        scene.database.schedule.urgent = text("480h");
        assert_told(&scene, "Urgent", "close to its end");
        scene.database.schedule.urgent =
                text("1h"); /* too late for a walk before the agents act by themselves */
        scene.pod.served_until.s = NOON + 10 * DAY;
        assert_told(&scene, "Urgent", "close to its end");
        scene.pod.served_until.s = 0; /* nothing is served that could end */
        assert_told(&scene, "Waiting", "2026-11-28T02:00:00Z");
        close_scene(&scene);
}

static void test_renewal_is_spread(void **state)
{
        struct scene scene;
        int64_t due;

        (void)state;
        open_renewed(&scene);
        scene.database.schedule.spread = text("10h");
        assert_told(&scene, "Waiting", "spread over 10h");
        due = scene.actions.wake.s;
        assert_in_range(due, NOON + 1, NOON + 10 * 3600);
        scene.seen.now.s = due - 1;
        assert_told(&scene, "Waiting", "spread over 10h");
        scene.seen.now.s = due;
        assert_begins(&scene, "px-auto");
        close_scene(&scene);
}

/* Never "never". */
static void test_renewal_with_a_window_that_is_none(void **state)
{
        struct scene scene;

        (void)state;
        open_renewed(&scene);
        scene.database.schedule.window = text("at night");
        assert_told(&scene, "Unreadable",
                    "certrotate.io/maintenance-window: 'at night' is no list of windows");
        assert_false(scene.actions.items[0].is_true);
        assert_int_equal(scene.actions.n, 2);
        assert_int_equal(scene.actions.items[1].kind, ACTION_RECORD);
        assert_string_equal(scene.actions.items[1].record.request, "px-auto");
        close_scene(&scene);
}

/* What somebody asks for is neither displaced by a renewal nor doubled. */
static void test_renewal_beside_other_requests(void **state)
{
        struct scene scene;
        struct request *own;

        (void)state;
        open_renewed(&scene);
        scene.database.schedule.window = text("Sat 02:00-04:00");
        own = add(&scene, "own", REQUEST_TLS);
        assert_ends(&scene, "px-auto", REQUEST_SKIPPED, "own is newer");
        scene.requests[0].phase = REQUEST_SKIPPED;
        own->phase = REQUEST_SUCCESSFUL;
        scene.list[0] = own; /* older now */
        scene.list[1] = &scene.requests[0];
        scene.requests[0].phase = own->phase = REQUEST_PENDING;
        scene.database.phase = text("Critical");
        assert_null(first(&scene));
        scene.database.phase = text("Ready");
        assert_begins(&scene, "own");
        /* It is waited for, instead of making a renewal beside it. */
        scene.database.phase = text("Critical");
        scene.seen.n_requests = 1;
        assert_null(first(&scene));
        own->phase = REQUEST_FAILED;
        assert_int_equal(first(&scene)->kind, ACTION_CREATE);
        scene.seen.n_requests = 2;
        scene.requests[0].phase = REQUEST_SKIPPED;
        assert_null(first(&scene));
        scene.requests[0].phase = REQUEST_PENDING;
        /* Another has brought it. */
        scene.seen.n_requests = 2;
        at_rest(&scene);
        assert_ends(&scene, "px-auto", REQUEST_SKIPPED, "served already");
        close_scene(&scene);
}

/* What has failed is not tried again by itself; what was issued since is, and of a Certificate made anew. */
static void test_renewal_that_has_failed(void **state)
{
        struct scene scene;

        (void)state;
        open_renewed(&scene);
        scene.requests[0].phase = REQUEST_FAILED;
        assert_null(first(&scene));
        scene.certificate.revision = 5;
        assert_string_equal(first(&scene)->text, "px-server-cert=5 c");
        scene.certificate.revision = 4;
        scene.certificate.uid = text("another");
        assert_string_equal(first(&scene)->text, "px-server-cert=4 another");
        scene.requests[0].name = text("px-1795608000-rotate-tls-auto"); /* of this second */
        assert_string_equal(first(&scene)->name, "px-1795608001-rotate-tls-auto");
        scene.seen.n_requests = 0; /* deleted */
        scene.certificate.uid = text("c");
        assert_string_equal(first(&scene)->text, "px-server-cert=4 c");
        close_scene(&scene);
}

static void test_history(void **state)
{
        struct scene scene;
        const struct action *action;

        (void)state;
        open_scene(&scene);
        at_rest(&scene);
        for (int i = 0; i < 3; i++) {
                struct request *request = add(&scene, i == 0 ? "a" : i == 1 ? "b" : "c", REQUEST_TLS);

                request->phase = REQUEST_SUCCESSFUL;
                request->is_auto = i != 2;
        }
        action = first(&scene);
        assert_non_null(action);
        assert_int_equal(action->kind, ACTION_DELETE);
        assert_string_equal(action->request->name, "a");
        scene.requests[0].is_auto = false; /* a person's: kept */
        assert_null(first(&scene));
        close_scene(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_renewal_becomes_a_request),
                cmocka_unit_test(test_renewal_waits_for_its_window),
                cmocka_unit_test(test_renewal_is_urgent),
                cmocka_unit_test(test_renewal_is_spread),
                cmocka_unit_test(test_renewal_with_a_window_that_is_none),
                cmocka_unit_test(test_renewal_beside_other_requests),
                cmocka_unit_test(test_renewal_that_has_failed),
                cmocka_unit_test(test_history),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
