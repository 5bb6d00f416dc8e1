// SPDX-License-Identifier: Apache-2.0
/*
 * The configuration files as far as they are decided without a database: what is due, what a fingerprint is,
 * which of volume and API counts, what survives a kill.
 */
#include "rotate/custom_choice.h"
#include "rotate/custom_source.h"
#include "rotate/custom_state.h"

#include "base/fs.h"
#include "base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Contents are letters; '0' is no files at all. */
static struct fingerprint content(char letter)
{
        struct fingerprint fp;

        memset(fp.sha256, letter, sizeof(fp.sha256));
        if (letter == '0')
                custom_choice_nothing(&fp);
        return fp;
}

enum flags {
        FRESH = 1,
        UNPROVEN = 2,
        BACK = 4,
        DEGRADED = 8,
        PLAN = 16,
        TURN = 32,
        ARRIVED = 64,
        JUDGED = 128,
        ALWAYS = 256,
        NEVER = 512,
        PENDING = 1024,
        ANSWERED = 2048
};

struct scene {
        int flags;
        char current, settled;
        char wanted, newest; /* ' ': none */
        enum custom_choice choice;
        char about; /* ' ': nothing */
};

static const struct scene scenes[] = {
        /* Nothing there, nothing asked. */
        { FRESH | TURN, '0', '0', ' ', ' ', CUSTOM_REST, ' ' },
        { TURN, 'a', 'a', ' ', ' ', CUSTOM_REST, ' ' },
        /* On its own: followed in turn, but nothing is taken away. */
        { TURN, 'a', 'a', ' ', 'b', CUSTOM_CHANGE, 'b' },
        { 0, 'a', 'a', ' ', 'b', CUSTOM_AWAIT_TURN, 'b' },
        { TURN, 'a', 'a', ' ', 'a', CUSTOM_REST, ' ' },
        { TURN, 'a', 'a', ' ', '0', CUSTOM_REST, ' ' },
        { TURN | JUDGED, 'a', 'a', ' ', 'b', CUSTOM_REST, ' ' },
        /* The first waits for nobody. */
        { FRESH, '0', '0', ' ', 'a', CUSTOM_FIRST, 'a' },
        { FRESH | PLAN, '0', '0', ' ', 'a', CUSTOM_FIRST, 'a' },
        { FRESH | PLAN, '0', '0', 'b', 'a', CUSTOM_FIRST, 'a' },
        { FRESH | PLAN | ARRIVED, '0', '0', 'b', 'a', CUSTOM_FIRST, 'b' },
        { FRESH | UNPROVEN, 'a', '0', ' ', 'a', CUSTOM_PROVE, ' ' },
        { FRESH | UNPROVEN, 'a', '0', ' ', 'b', CUSTOM_FIRST, 'b' },
        { FRESH | JUDGED, '0', '0', ' ', 'a', CUSTOM_REST, ' ' },
        /* A plan asks for one content, or for nothing. */
        { PLAN | TURN, 'a', 'a', ' ', 'b', CUSTOM_REST, ' ' },
        { PLAN | TURN, 'a', 'a', 'b', 'c', CUSTOM_AWAIT_CONTENT, ' ' },
        { PLAN, 'a', 'a', 'b', ' ', CUSTOM_AWAIT_CONTENT, ' ' },
        { PLAN | TURN | ARRIVED, 'a', 'a', 'b', 'c', CUSTOM_CHANGE, 'b' },
        { PLAN | ARRIVED, 'a', 'a', 'b', 'b', CUSTOM_AWAIT_TURN, 'b' },
        { PLAN | TURN | ARRIVED, 'a', 'a', '0', '0', CUSTOM_CHANGE, '0' },
        { PLAN | TURN | ARRIVED, 'a', 'a', 'a', 'a', CUSTOM_REST, ' ' },
        { PLAN | TURN | ARRIVED | JUDGED, 'a', 'a', 'b', 'b', CUSTOM_REST, ' ' },
        /* What is there already is taken once more for a restart. */
        { PLAN | TURN | ARRIVED | ALWAYS, 'a', 'a', 'a', 'a', CUSTOM_CHANGE, 'a' },
        { PLAN | ARRIVED | ALWAYS, 'a', 'a', 'a', 'a', CUSTOM_AWAIT_TURN, 'a' },
        { PLAN | TURN | ARRIVED | ALWAYS | ANSWERED, 'a', 'a', 'a', 'a', CUSTOM_REST, ' ' },
        { PLAN | TURN | ARRIVED | ALWAYS | JUDGED, 'a', 'a', 'a', 'a', CUSTOM_REST, ' ' },
        { PLAN | TURN | ARRIVED | PENDING, 'a', 'a', 'a', 'a', CUSTOM_CHANGE, 'a' },
        { PLAN | TURN | ARRIVED | PENDING | NEVER, 'a', 'a', 'a', 'a', CUSTOM_REST, ' ' },
        { PLAN | TURN | ARRIVED | NEVER, 'a', 'a', 'b', 'b', CUSTOM_CHANGE, 'b' },
        { PLAN | TURN | PENDING, 'a', 'a', ' ', 'b', CUSTOM_REST, ' ' },
        { TURN | PENDING, 'a', 'a', ' ', 'a', CUSTOM_REST, ' ' },
        /* What an earlier process left comes first. */
        { UNPROVEN, 'b', 'a', ' ', 'b', CUSTOM_PROVE, ' ' },
        { UNPROVEN | TURN, 'b', 'a', ' ', 'c', CUSTOM_PROVE, ' ' },
        { UNPROVEN | BACK, 'b', 'a', ' ', 'c', CUSTOM_UNDO, ' ' },
        { BACK, 'a', 'a', ' ', 'a', CUSTOM_UNDO, ' ' },
        /* A failed rollback waits for something else. */
        { UNPROVEN | DEGRADED | TURN | JUDGED, 'b', 'a', ' ', 'b', CUSTOM_REST, ' ' },
        { UNPROVEN | DEGRADED | TURN, 'b', 'a', ' ', 'c', CUSTOM_CHANGE, 'c' },
        { UNPROVEN | DEGRADED | TURN, 'b', 'a', ' ', ' ', CUSTOM_REST, ' ' },
        { DEGRADED | TURN, 'a', 'a', ' ', 'a', CUSTOM_CHANGE, 'a' },
        { DEGRADED | PLAN | ARRIVED, 'a', 'a', 'a', 'a', CUSTOM_AWAIT_TURN, 'a' },
};

static void what_is_due(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
                const struct scene *scene = &scenes[i];
                const struct fingerprint wanted = content(scene->wanted);
                const struct fingerprint newest = content(scene->newest);
                const struct plan plan = { .given = (scene->flags & PLAN) != 0,
                                           .turn = (scene->flags & TURN) != 0,
                                           .generation = 4 };
                struct custom_view view = { .fresh = (scene->flags & FRESH) != 0,
                                            .unproven = (scene->flags & UNPROVEN) != 0,
                                            .rolling_back = (scene->flags & BACK) != 0,
                                            .degraded = (scene->flags & DEGRADED) != 0,
                                            .current = content(scene->current),
                                            .settled = content(scene->settled),
                                            .pending = (scene->flags & PENDING) != 0,
                                            .restart = scene->flags & ALWAYS  ? PLAN_RESTART_ALWAYS
                                                       : scene->flags & NEVER ? PLAN_RESTART_NEVER
                                                                              : PLAN_RESTART_AUTO,
                                            .plan = &plan,
                                            .wanted = scene->wanted == ' ' ? NULL : &wanted,
                                            .arrived = (scene->flags & ARRIVED) != 0,
                                            .newest = scene->newest == ' ' ? NULL : &newest };
                struct fingerprint about = content(' ');
                const struct fingerprint expected = content(scene->about);
                enum custom_choice choice;

                if (scene->flags & JUDGED)
                        custom_choice_target(&view, scene->wanted == ' ' ? &newest : &wanted, &view.judged);
                if (scene->flags & ANSWERED)
                        custom_choice_target(&view, &wanted, &view.answered);
                choice = custom_choose(&view, &about);
                if (choice != scene->choice)
                        fail_msg("scene %zu: %d", i, (int)choice);
                if (scene->about != ' ' && !hex_fingerprint_equal(&about, &expected))
                        fail_msg("scene %zu: about something else", i);
        }
}

/* Not again, before something changes: with a plan that is its generation, too. */
static void judged_once_a_generation(void **state UNUSED)
{
        struct plan plan = { .given = true, .generation = 4, .request = "rcfg" };
        const struct fingerprint wanted = content('b');
        const struct custom_view planned = { .plan = &plan, .wanted = &wanted };
        const struct custom_view alone = { .plan = &plan };
        struct fingerprint a;
        struct fingerprint b;

        custom_choice_target(&planned, &wanted, &a);
        custom_choice_target(&alone, &wanted, &b);
        assert_false(hex_fingerprint_equal(&a, &b));
        plan.generation = 5;
        custom_choice_target(&planned, &wanted, &b);
        assert_false(hex_fingerprint_equal(&a, &b));
        plan.generation = 4;
        custom_choice_target(&planned, &wanted, &b);
        assert_true(hex_fingerprint_equal(&a, &b));
}

static void done_when_settled(void **state UNUSED)
{
        const struct plan plan = { .given = true };
        const struct fingerprint b = content('b');
        struct custom_view view = { .plan = &plan, .settled = content('a') };

        assert_true(custom_choice_is_done(&view)); /* it asks nothing */
        view.wanted = &b;
        assert_false(custom_choice_is_done(&view));
        view.settled = b;
        assert_true(custom_choice_is_done(&view));
        view.unproven = true;
        assert_false(custom_choice_is_done(&view));
        view.unproven = false;
        view.degraded = true;
        assert_false(custom_choice_is_done(&view));
        view.degraded = false;
        view.pending = true;
        assert_false(custom_choice_is_done(&view));
        view.restart = PLAN_RESTART_NEVER;
        assert_true(custom_choice_is_done(&view));
        view.pending = false;
        view.restart = PLAN_RESTART_ALWAYS;
        assert_false(custom_choice_is_done(&view));
        custom_choice_target(&view, &b, &view.answered);
        assert_true(custom_choice_is_done(&view));
}

/* Of this generation, and as long as nothing of it is under way. */
static void failed_when_judged(void **state UNUSED)
{
        struct plan plan = { .given = true, .generation = 4, .request = "rcfg" };
        const struct fingerprint b = content('b');
        struct custom_view view = { .plan = &plan, .settled = content('a'), .wanted = &b };

        assert_false(custom_choice_has_failed(&view));
        custom_choice_target(&view, &b, &view.judged);
        assert_true(custom_choice_has_failed(&view));
        view.rolling_back = true;
        assert_false(custom_choice_has_failed(&view));
        view.rolling_back = false;
        plan.generation = 5;
        assert_false(custom_choice_has_failed(&view));
        plan.generation = 4;
        view.wanted = NULL;
        assert_false(custom_choice_has_failed(&view));
}

static cJSON *secret(const char *data)
{
        AUTO(mem_free_p) char *text = mem_printf("{\"data\":%s}", data);
        cJSON *tree = NULL;
        struct err err;

        assert_int_equal(json_parse(text, strlen(text), &tree, &err), 0);
        return tree;
}

static void set(struct custom_source *source, const char *data)
{
        AUTO(json_free_p) cJSON *tree = secret(data);

        custom_source_set(source, tree);
}

/* printf 'a.cnf\0one\0b.cnf\0two\0' | sha256sum */
#define BOTH_SHA "55611e22bc6dd1cf27c051e7a1f6c8d0e207dff704132616a2018ab04a992d06"

static void content_of_a_secret(void **state UNUSED)
{
        struct custom_source source = { .secret = "px-files" };
        struct fingerprint fp;
        struct fingerprint nothing;
        char hex[FINGERPRINT_TEXT_MAX];

        custom_choice_nothing(&nothing);
        custom_source_look(&source);
        assert_null(custom_source_newest(&source));
        set(&source, "{\"b.cnf\":\"dHdv\",\"a.cnf\":\"b25l\"}");
        custom_source_fingerprint(custom_source_newest(&source), &fp);
        assert_string_equal(hex_fingerprint(&fp, hex), BOTH_SHA);
        assert_non_null(custom_source_find(&source, &fp));
        assert_null(custom_source_find(&source, &nothing));
        set(&source, "null"); /* a Secret without data has no files, and is there */
        assert_int_equal(custom_source_problem(&source)->kind, ERR_NONE);
        assert_non_null(custom_source_find(&source, &nothing));
        set(&source, "{\"a\":\"!\"}");
        assert_int_equal(custom_source_problem(&source)->kind, ERR_PARSE);
        assert_null(custom_source_newest(&source));
        custom_source_set(&source, NULL);
        assert_int_equal(custom_source_problem(&source)->kind, ERR_MISSING);
        assert_null(custom_source_find(&source, &nothing));
        custom_source_done(&source);
}

/* As kubelet leaves an empty Secret, and as nobody has mounted anything yet. */
static void an_empty_volume(void **state UNUSED)
{
        char dir[] = "/tmp/certrotate-custom-XXXXXX";
        struct custom_source source = { .directory = dir };
        AUTO(mem_free_p) char *generation = NULL;
        AUTO(mem_free_p) char *data = NULL;
        struct fingerprint nothing;

        custom_choice_nothing(&nothing);
        assert_non_null(mkdtemp(dir));
        custom_source_look(&source);
        assert_int_equal(custom_source_problem(&source)->kind, ERR_MISSING);
        generation = mem_printf("%s/..1", dir);
        data = mem_printf("%s/..data", dir);
        assert_int_equal(mkdir(generation, 0755), 0);
        assert_int_equal(symlink("..1", data), 0);
        custom_source_look(&source);
        assert_int_equal(custom_source_problem(&source)->kind, ERR_NONE);
        assert_non_null(custom_source_find(&source, &nothing));
        assert_int_equal(unlink(data), 0);
        assert_int_equal(rmdir(generation), 0);
        assert_int_equal(rmdir(dir), 0);
        custom_source_done(&source);
}

static void state_is_read_as_written(void **state UNUSED)
{
        char dir[] = "/tmp/certrotate-custom-XXXXXX";
        AUTO(mem_free_p) char *path = NULL;
        struct custom_state written;
        struct custom_state got;
        char why[ERR_TEXT_MAX];
        struct err err;

        assert_non_null(mkdtemp(dir));
        path = mem_printf("%s/state.json", dir);
        custom_state_load(path, &written, why);
        assert_true(written.fresh && why[0] == '\0');
        (void)snprintf(written.step, sizeof(written.step), "files-restart");
        (void)snprintf(written.text, sizeof(written.text), "one\n\"two\" \x01");
        written.rolling_back = written.down = written.degraded = written.pending = true;
        written.answered = content('q');
        written.fresh = false;
        written.generation = 4;
        written.good = 3;
        written.published.s = 1234567890;
        written.reason = ERR_MISMATCH;
        written.trying = content('t');
        written.settled = content('s');
        written.judged = content('j');
        assert_int_equal(custom_state_save(&written, &err), 0);
        custom_state_load(path, &got, why);
        assert_string_equal(why, "");
        assert_string_equal(got.step, written.step);
        assert_string_equal(got.text, written.text);
        assert_true(got.rolling_back && got.down && got.degraded && got.pending && !got.fresh);
        assert_true(hex_fingerprint_equal(&got.answered, &written.answered));
        assert_int_equal(got.generation, 4);
        assert_int_equal(got.good, 3);
        assert_int_equal(got.published.s, 1234567890);
        assert_int_equal(got.reason, ERR_MISMATCH);
        assert_true(hex_fingerprint_equal(&got.trying, &written.trying) &&
                    hex_fingerprint_equal(&got.settled, &written.settled) &&
                    hex_fingerprint_equal(&got.judged, &written.judged));
        custom_state_done(&got);
        assert_int_equal(truncate(path, 20), 0);
        custom_state_load(path, &got, why);
        assert_true(got.fresh && got.good == 0 && strstr(why, "state file") != NULL);
        custom_state_done(&got);
        custom_state_done(&written);
        assert_int_equal(fs_remove_dir_at(AT_FDCWD, dir, &err), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_due),
                cmocka_unit_test(judged_once_a_generation),
                cmocka_unit_test(done_when_settled),
                cmocka_unit_test(failed_when_judged),
                cmocka_unit_test(content_of_a_secret),
                cmocka_unit_test(an_empty_volume),
                cmocka_unit_test(state_is_read_as_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
