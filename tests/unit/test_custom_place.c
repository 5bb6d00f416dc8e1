// SPDX-License-Identifier: Apache-2.0
/*
 * Configuration files laid into files of the engine's own: whole generations, also into what a pending
 * rotation would bring back. The driver is one of the test's: it ends each file in one line of what is laid
 * in.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "rotate/custom_layout.h"
#include "rotate/custom_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct scene {
        char dir[64];
        struct config config;
        struct database database;
        struct agent agent;
        struct custom custom;
};

static const char *directory; /* of the second file */

static char *place(const struct database *database UNUSED, const char *settings_file, size_t i)
{
        if (i > 1)
                return NULL;
        return i == 0 ? mem_strdup(settings_file) : mem_printf("%s/own", directory);
}

static int lay(const struct database *database UNUSED, size_t i, const struct custom_text *files, size_t n,
               const char *present, struct buf *out, struct err *err)
{
        const char *block = strstr(present, "<");

        buf_add(out, present, block == NULL ? strlen(present) : (size_t)(block - present));
        for (size_t k = 0; k < n; k++) {
                if (strcmp(files[k].text, "bad") == 0)
                        return err_set(err, ERR_REFUSED, "bad");
                if (files[k].name[0] == (i == 0 ? 'a' : 'b'))
                        buf_printf(out, "<%s>", files[k].text);
        }
        return 0;
}

static const struct hook hook = { .name = "test", .custom_place = place, .custom_lay = lay };
static const struct hook plain_hook = { .name = "plain" };

static char *path(const struct scene *scene, const char *name)
{
        return mem_printf("%s/%s", scene->dir, name);
}

static void put(const struct scene *scene, const char *name, const char *text)
{
        static const struct fs_attr attr = { 0604, FS_KEEP, (gid_t)FS_KEEP };
        AUTO(mem_free_p) char *file = path(scene, name);
        struct err err;

        assert_int_equal(fs_replace(file, text, strlen(text), &attr, &err), 0);
}

/* NULL: there must be no such file. */
static void says(const struct scene *scene, const char *name, const char *text)
{
        AUTO(mem_free_p) char *file = path(scene, name);
        AUTO(buf_done_p) struct buf got = BUF_INIT(4096);
        struct err err;
        const int r = fs_read(file, 4096, &got, &err);

        assert_int_equal(r == 0, text != NULL);
        if (text != NULL)
                assert_string_equal(buf_str(&got), text);
}

static void open_scene(struct scene *scene)
{
        AUTO(mem_free_p) char *published = NULL;
        struct err err;

        (void)strcpy(scene->dir, "/tmp/certrotate-place-XXXXXX");
        assert_non_null(mkdtemp(scene->dir));
        published = path(scene, "published");
        assert_int_equal(mkdir(published, 0755), 0);
        assert_int_equal(generation_open(published, &scene->custom.store, &err), 0);
        scene->config.settings_file = path(scene, "settings");
        scene->config.custom.publish = "/nowhere";
        scene->config.custom.mode = 0644;
        scene->database.hook = &hook;
        scene->agent.config = &scene->config;
        scene->agent.database = &scene->database;
        scene->custom.agent = &scene->agent;
        directory = scene->dir;
}

static void close_scene_p(struct scene *scene)
{
        AUTO(mem_free_p) char *command = mem_printf("rm -rf '%s'", scene->dir);
        char *file = (char *)(uintptr_t)scene->config.settings_file;

        generation_close(scene->custom.store);
        mem_free(file);
        (void)!system(command);
}

/* a, b: NULL leaves the file out. */
static struct snapshot *files_of(const char *a, const char *b)
{
        struct snapshot *files = MEM_NEW(struct snapshot);
        const char *const texts[] = { a, b };
        struct err err;

        for (size_t i = 0; i < 2; i++) {
                if (texts[i] == NULL)
                        continue;
                files->files = mem_grow(files->files, files->n + 1, sizeof(*files->files));
                files->files[files->n] =
                        (struct snapshot_file){ mem_strdup(i == 0 ? "a" : "b"), SECRET_INIT };
                secret_set(&files->files[files->n].data, texts[i], strlen(texts[i]));
                files->n++;
        }
        assert_int_equal(snapshot_seal(files, &err), 0);
        return files;
}

static void stage(struct scene *scene, int64_t number, const char *a, const char *b)
{
        AUTO(snapshot_free_p) struct snapshot *files = files_of(a, b);
        struct err err;

        if (custom_layout_stage(&scene->custom, number, files, &err) != 0)
                fail_msg("%s", err.text);
}

static void lay_generation(struct scene *scene, int64_t number)
{
        struct err err;

        if (custom_place_lay(&scene->custom, number, &err) != 0)
                fail_msg("%s", err.text);
}

static void in_place_of_another(void **state UNUSED)
{
        AUTO(close_scene_p) struct scene scene = { .dir = "" };
        AUTO(mem_free_p) char *settings = NULL;
        struct stat st;

        open_scene(&scene);
        settings = path(&scene, "settings");
        put(&scene, "settings", "mine ");
        stage(&scene, 1, NULL, NULL);
        stage(&scene, 2, "1", "2");
        stage(&scene, 3, "3", NULL);
        lay_generation(&scene, 1);
        says(&scene, "own", NULL);
        lay_generation(&scene, 2);
        says(&scene, "settings", "mine <1>");
        says(&scene, "own", "<2>");
        lay_generation(&scene, 2);
        says(&scene, "settings", "mine <1>");
        assert_int_equal(stat(settings, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0604);
        lay_generation(&scene, 3);
        says(&scene, "settings", "mine <3>");
        says(&scene, "own", "");
        lay_generation(&scene, 1);
        says(&scene, "settings", "mine ");
        scene.database.hook = &plain_hook;
        lay_generation(&scene, 2);
        says(&scene, "settings", "mine ");
}

/* A rotation that is undone afterwards does not take the files away with it. */
static void beside_a_rotation(void **state UNUSED)
{
        AUTO(close_scene_p) struct scene scene = { .dir = "" };

        open_scene(&scene);
        put(&scene, "settings", "tls ");
        put(&scene, ".settings.certrotate-before", "none ");
        stage(&scene, 1, "1", NULL);
        lay_generation(&scene, 1);
        says(&scene, "settings", "tls <1>");
        says(&scene, ".settings.certrotate-before", "none <1>");
}

static void checked_before(void **state UNUSED)
{
        AUTO(close_scene_p) struct scene scene = { .dir = "" };
        AUTO(snapshot_free_p) struct snapshot *good = files_of("1", "2");
        AUTO(snapshot_free_p) struct snapshot *one = files_of("1", NULL);
        AUTO(snapshot_free_p) struct snapshot *bad = files_of("1", "bad");
        struct err err = ERR_INIT;

        open_scene(&scene);
        assert_int_equal(custom_place_check(&scene.custom, good, &err), 0);
        says(&scene, "settings", NULL);
        assert_int_equal(custom_layout_check(&scene.custom, bad, &err), -1);
        assert_int_equal(err.kind, ERR_REFUSED);
        directory = "/nowhere/at/all";
        err = (struct err)ERR_INIT;
        assert_int_equal(custom_place_check(&scene.custom, good, &err), -1);
        assert_non_null(strstr(err.text, "/nowhere/at/all/own: its folder must be there"));
        assert_int_equal(custom_place_check(&scene.custom, one, &err), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(in_place_of_another),
                cmocka_unit_test(beside_a_rotation),
                cmocka_unit_test(checked_before),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
