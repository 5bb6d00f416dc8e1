// SPDX-License-Identifier: Apache-2.0
/*
 * The database's settings file: replaced and put back byte for byte, whatever happens in between, a kill
 * before any system call included. The driver is one of the test's: it ends the text in one line of its own.
 */
#include "rotate/settings_file.h"

#include "base/fs.h"
#include "base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "testkill.h"

#define OWN "tls="

static int settings(const struct database *database UNUSED, const struct settings_wish *wish,
                    const char *present, struct buf *out, struct err *err)
{
        const char *own = strstr(present, OWN);

        if (strstr(present, "nonsense") != NULL)
                return err_set(err, ERR_PARSE, "line 1: nonsense");
        buf_add(out, present, own == NULL ? strlen(present) : (size_t)(own - present));
        buf_printf(out, OWN "%s\n", tls_mode_name(wish->mode));
        return 0;
}

/* Takes its line out wherever it stands, and adds it at the end, as Druid's does. */
static int settings_anywhere(const struct database *database UNUSED, const struct settings_wish *wish,
                             const char *present, struct buf *out, struct err *err UNUSED)
{
        const char *own = strstr(present, OWN "on\n");

        if (own != NULL && wish->mode == TLS_OFF) {
                buf_add(out, present, (size_t)(own - present));
                buf_add_str(out, own + strlen(OWN "on\n"));
        } else {
                buf_printf(out, "%s%s", present, own == NULL && wish->mode == TLS_ON ? OWN "on\n" : "");
        }
        return 0;
}

static const struct hook hook = { .name = "test", .settings = settings };
static const struct database database = { .hook = &hook };
static const struct settings_wish on = { TLS_ON, "/generation" };
static const struct settings_wish never = { TLS_UNMANAGED, "/generation" };
static const struct settings_wish off = { TLS_OFF, "/generation" };

static const char user[] = "# mine\nport=1\n";

struct scene {
        char dir[64];
        char file[96];
};

static void put(const char *path, const char *text)
{
        static const struct fs_attr attr = { 0604, FS_KEEP, (gid_t)FS_KEEP };
        struct err err;

        assert_int_equal(fs_replace(path, text, strlen(text), &attr, &err), 0);
}

/* NULL: there must be no such file. */
static bool says(const char *path, const char *text)
{
        AUTO(buf_done_p) struct buf got = BUF_INIT(4096);
        struct err err;

        if (fs_read(path, 4095, &got, &err) != 0)
                return text == NULL && err.kind == ERR_MISSING;
        return text != NULL && strcmp(buf_str(&got), text) == 0;
}

static size_t count_beside(const char *dir)
{
        static const char *const names[] = { "next", "before", "none", "previous" };
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                AUTO(mem_free_p) char *path = mem_printf("%s/.x.cnf.certrotate-%s", dir, names[i]);

                n += access(path, F_OK) == 0;
        }
        return n;
}

static int setup(void **state)
{
        struct scene *scene = test_calloc(1, sizeof(*scene));

        (void)snprintf(scene->dir, sizeof(scene->dir), "/tmp/certrotate-settings-XXXXXX");
        if (mkdtemp(scene->dir) == NULL)
                return -1;
        (void)snprintf(scene->file, sizeof(scene->file), "%s/x.cnf", scene->dir);
        *state = scene;
        return 0;
}

static int teardown(void **state)
{
        struct scene *scene = *state;
        struct err err;
        int r = fs_remove_dir_at(AT_FDCWD, scene->dir, &err);

        test_free(scene);
        return r;
}

static void must(int result, const struct err *err)
{
        if (result != 0)
                fail_msg("%s", err->text);
}

static void switch_on(const char *file)
{
        struct err err = ERR_INIT;

        must(settings_stage(&database, file, &on, &err), &err);
        must(settings_publish(file, &err), &err);
}

static void undo(const char *file, bool expect_edited)
{
        struct err err = ERR_INIT;
        bool edited;

        must(settings_undo(&database, file, &on, &edited, &err), &err);
        assert_int_equal(edited, expect_edited);
        assert_false(settings_is_pending(file));
}

static void published_and_settled(void **state)
{
        const struct scene *scene = *state;
        struct stat st;

        put(scene->file, user);
        switch_on(scene->file);
        assert_true(says(scene->file, "# mine\nport=1\ntls=on\n"));
        assert_true(settings_is_pending(scene->file));
        settings_settle(&database, scene->file, &never);
        assert_int_equal(count_beside(scene->dir), 0);
        assert_int_equal(stat(scene->file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0604);
        /* The same again changes nothing, and has nothing to be put back. */
        switch_on(scene->file);
        assert_false(settings_is_pending(scene->file));
}

static void staged_only(void **state)
{
        const struct scene *scene = *state;
        struct err err = ERR_INIT;

        must(settings_stage(&database, scene->file, &on, &err), &err);
        assert_true(says(scene->file, NULL));
        settings_unstage(scene->file);
        assert_int_equal(count_beside(scene->dir), 0);
}

static void put_back(void **state)
{
        const struct scene *scene = *state;

        put(scene->file, user);
        switch_on(scene->file);
        undo(scene->file, false);
        assert_true(says(scene->file, user));
        assert_int_equal(count_beside(scene->dir), 0);
}

static void there_was_none(void **state)
{
        const struct scene *scene = *state;

        switch_on(scene->file);
        assert_true(says(scene->file, "tls=on\n"));
        undo(scene->file, false);
        assert_true(says(scene->file, NULL));
        assert_int_equal(count_beside(scene->dir), 0);
}

/* Two changes, none of them proven: both go back. */
static void back_to_the_last_proven(void **state)
{
        const struct scene *scene = *state;
        struct err err = ERR_INIT;
        bool edited;

        put(scene->file, user);
        switch_on(scene->file);
        must(settings_stage(&database, scene->file, &off, &err), &err);
        must(settings_publish(scene->file, &err), &err);
        must(settings_undo(&database, scene->file, &off, &edited, &err), &err);
        assert_true(says(scene->file, user) && !edited);
}

/* Off was begun, or even proven, and taken back for on, which is what there was: nobody sees that it was off.
 */
static void taken_back(void **state)
{
        static const struct hook anywhere = { .name = "anywhere", .settings = settings_anywhere };
        static const char there[] = OWN "on\nport=1\n";
        static const struct {
                bool is_proven, is_edited;
                const char *want;
        } cases[] = {
                { false, false, there },
                { true, false, there },
                { false, true, "port=2\n" OWN "on\n" },
                { true, true, "port=2\n" OWN "on\n" },
        };
        struct database switched = { .hook = &anywhere, .mode = TLS_OFF };
        const struct scene *scene = *state;
        struct err err = ERR_INIT;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                put(scene->file, there);
                must(settings_stage(&switched, scene->file, &off, &err), &err);
                must(settings_publish(scene->file, &err), &err);
                assert_true(says(scene->file, "port=1\n"));
                if (cases[i].is_proven)
                        settings_settle(&switched, scene->file, &on);
                if (cases[i].is_edited)
                        put(scene->file, "port=2\n");
                must(settings_stage(&switched, scene->file, &on, &err), &err);
                must(settings_publish(scene->file, &err), &err);
                assert_true(says(scene->file, cases[i].want));
                settings_settle(&switched, scene->file, cases[i].is_proven ? &off : &on);
                /* Kept is only what could not be made again: the text without the edit. */
                assert_int_equal(count_beside(scene->dir), cases[i].is_edited && !cases[i].is_proven);
        }
}

static void edited_in_between(void **state)
{
        const struct scene *scene = *state;
        AUTO(mem_free_p) char *rejected = mem_printf("%s/.x.cnf.certrotate-rejected", scene->dir);

        put(scene->file, user);
        switch_on(scene->file);
        put(scene->file, "port=2\n");
        undo(scene->file, true);
        assert_true(says(scene->file, user));
        assert_true(says(rejected, "port=2\n"));
}

static void refused(void **state)
{
        const struct scene *scene = *state;
        struct err err = ERR_INIT;

        put(scene->file, "nonsense");
        assert_int_equal(settings_stage(&database, scene->file, &on, &err), -1);
        assert_int_equal(err.kind, ERR_REFUSED);
        assert_non_null(strstr(err.text, "x.cnf: line 1: nonsense"));
        assert_true(says(scene->file, "nonsense"));
        assert_int_equal(count_beside(scene->dir), 0);
}

static void no_folder(void **state)
{
        const struct scene *scene = *state;
        AUTO(mem_free_p) char *file = mem_printf("%s/none/x.cnf", scene->dir);
        struct err err = ERR_INIT;

        assert_int_equal(settings_stage(&database, file, &on, &err), -1);
        assert_non_null(strstr(err.text, "must be writable"));
}

/* A link is followed, not replaced. */
static void behind_a_link(void **state)
{
        const struct scene *scene = *state;
        AUTO(mem_free_p) char *real = mem_printf("%s/real.cnf", scene->dir);
        struct stat st;

        put(real, user);
        assert_int_equal(symlink(real, scene->file), 0);
        switch_on(scene->file);
        assert_true(says(real, "# mine\nport=1\ntls=on\n"));
        assert_int_equal(lstat(scene->file, &st), 0);
        assert_true(S_ISLNK(st.st_mode));
}

static int act_publish(void *arg, struct err *err)
{
        if (settings_stage(&database, arg, &on, err) != 0)
                return -1;
        return settings_publish(arg, err);
}

static int act_undo(void *arg, struct err *err)
{
        bool edited;

        return settings_undo(&database, arg, &on, &edited, err);
}

/* Whenever it is killed: the file is the old or the new one, and both ways lead on from there. */
static void killed(const char *dir, const char *before, int (*act)(void *arg, struct err *err), bool forward)
{
        AUTO(mem_free_p) char *after = mem_printf("%stls=on\n", before == NULL ? "" : before);
        bool ended = false;
        long calls = 0;

        for (; !ended; calls++) {
                AUTO(mem_free_p) char *folder = mem_printf("%s/%ld", dir, calls);
                AUTO(mem_free_p) char *file = mem_printf("%s/x.cnf", folder);
                struct err err;

                assert_int_equal(mkdir(folder, 0700), 0);
                if (before != NULL)
                        put(file, before);
                if (!forward)
                        switch_on(file);
                ended = testkill_run(NULL, act, file, calls);
                if (!says(file, after) && !says(file, before))
                        fail_msg("killed at call %ld: a mixture", calls);
                if (calls % 2 == 0) {
                        undo(file, false);
                        assert_true(says(file, before));
                } else {
                        switch_on(file);
                        settings_settle(&database, file, &never);
                        assert_true(says(file, after));
                }
                settings_unstage(file);
                assert_int_equal(count_beside(folder), 0);
                assert_int_equal(fs_remove_dir_at(AT_FDCWD, folder, &err), 0);
        }
        assert_true(calls > 5);
}

static void killed_anywhere(void **state)
{
        const struct scene *scene = *state;

        killed(scene->dir, user, act_publish, true);
        killed(scene->dir, NULL, act_publish, true);
        killed(scene->dir, user, act_undo, false);
        killed(scene->dir, NULL, act_undo, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(published_and_settled),
                TEST(staged_only),
                TEST(put_back),
                TEST(there_was_none),
                TEST(back_to_the_last_proven),
                TEST(edited_in_between),
                TEST(refused),
                TEST(no_folder),
                TEST(behind_a_link),
                TEST(killed_anywhere),
                TEST(taken_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
