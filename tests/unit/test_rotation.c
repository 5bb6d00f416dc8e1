// SPDX-License-Identifier: Apache-2.0
/*
 * The interpreter over the real tables, with steps of our own: every way a rotation can go, as text.
 */
#include "base/buf.h"
#include "rotate/rotation.h"
#include "rotate/steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct walk {
        const char *fails;      /* step that fails going forward */
        const char *fails_back; /* step that fails rolling back */
        const char *enough;     /* step that says there is nothing left to do */
        struct buf trace;
        struct rotation rotation;
        int ended;
};

static void entered(void *work, const struct step *step, bool rolling_back)
{
        struct walk *walk = work;

        buf_printf(&walk->trace, " %s%s", rolling_back ? "~" : "", step->name);
}

static void ended(void *work)
{
        struct walk *walk = work;

        walk->ended++;
}

static enum step_result answer(void *work, const char *name, struct err *err)
{
        struct walk *walk = work;
        const char *fails = walk->rotation.rolling_back ? walk->fails_back : walk->fails;

        if (walk->enough != NULL && strcmp(walk->enough, name) == 0)
                return STEP_ENOUGH;
        if (fails == NULL || strcmp(fails, name) != 0)
                return STEP_DONE;
        (void)err_set(err, ERR_INTERNAL, "%s failed", name);
        return STEP_FAILED;
}

/* rotation.c is linked alone: these stand for the files of the real steps. */
#define STEP(fn, name)                                                                                       \
        enum step_result fn(void *work, struct err *err)                                                     \
        {                                                                                                    \
                return answer(work, name, err);                                                              \
        }

STEP(load_step, "load")
STEP(validate_step, "validate")
STEP(stage_step, "stage")
STEP(stage_undo, "unstage")
STEP(publish_step, "publish")
STEP(publish_undo, "unpublish")
STEP(apply_step, "apply")
STEP(verify_step, "verify")
STEP(report_step, "report")

static void walk_from(struct walk *walk, const struct err *failure, const char *step)
{
        walk->trace = (struct buf)BUF_INIT(4096);
        rotation_init(&walk->rotation, &rotation_plan, walk);
        walk->rotation.entered = entered;
        walk->rotation.ended = ended;
        if (step == NULL)
                rotation_start(&walk->rotation);
        else
                assert_true(rotation_resume(&walk->rotation, failure, step));
        assert_true(rotation_is_idle(&walk->rotation));
        assert_int_equal(walk->ended, 1);
}

#define FORWARD " load validate stage publish"

static void every_way(void **state UNUSED)
{
        static const struct {
                const char *fails;
                const char *fails_back;
                const char *enough;
                const char *trace;
                bool undone;
                bool degraded;
        } cases[] = {
                { NULL, NULL, NULL, FORWARD " apply verify report", false, false },
                { "load", NULL, NULL, " load ~report", false, false },
                { "validate", NULL, NULL, " load validate ~report", false, false },
                { NULL, NULL, "validate", " load validate report", false, false },
                { "stage", NULL, NULL, " load validate stage ~unstage ~report", false, false },
                { "publish", NULL, NULL, FORWARD " ~unpublish ~apply ~verify ~unstage ~report", true, false },
                { "apply", NULL, NULL, FORWARD " apply ~unpublish ~apply ~verify ~unstage ~report", true,
                  false },
                { "verify", NULL, NULL, FORWARD " apply verify ~unpublish ~apply ~verify ~unstage ~report",
                  true, false },
                { "report", NULL, NULL, FORWARD " apply verify report", false, false },
                { "verify", "unpublish", NULL, FORWARD " apply verify ~unpublish ~report", true, true },
                { "verify", "apply", NULL, FORWARD " apply verify ~unpublish ~apply ~verify ~unstage ~report",
                  true, false },
                { "verify", "verify", NULL, FORWARD " apply verify ~unpublish ~apply ~verify ~report", true,
                  true },
                { "verify", "unstage", NULL,
                  FORWARD " apply verify ~unpublish ~apply ~verify ~unstage ~report", true, false },
                { "verify", "report", NULL,
                  FORWARD " apply verify ~unpublish ~apply ~verify ~unstage ~report", true, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct walk walk = { .fails = cases[i].fails,
                                     .fails_back = cases[i].fails_back,
                                     .enough = cases[i].enough };

                walk_from(&walk, NULL, NULL);
                assert_string_equal(buf_str(&walk.trace), cases[i].trace);
                assert_int_equal(walk.rotation.undone, cases[i].undone);
                assert_int_equal(walk.rotation.degraded, cases[i].degraded);
                if (cases[i].fails != NULL)
                        assert_non_null(strstr(walk.rotation.failure.text, cases[i].fails));
                buf_done(&walk.trace);
        }
}

static void resumed_where_it_was(void **state UNUSED)
{
        const struct err failure = { ERR_MISMATCH, 0, "verify said so" };
        struct walk forward = { 0 };
        struct walk back = { 0 };

        walk_from(&forward, NULL, "apply");
        assert_string_equal(buf_str(&forward.trace), " apply verify report");
        walk_from(&back, &failure, "unpublish");
        assert_string_equal(buf_str(&back.trace), " ~unpublish ~apply ~verify ~unstage ~report");
        assert_int_equal(back.rotation.failure.kind, ERR_MISMATCH);
        assert_true(back.rotation.undone);
        assert_false(rotation_resume(&back.rotation, NULL, "no such step"));
        buf_done(&forward.trace);
        buf_done(&back.trace);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_way),
                cmocka_unit_test(resumed_where_it_was),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
