// SPDX-License-Identifier: Apache-2.0
#include "rotate/custom_place.h"

#include "base/limits.h"
#include "base/mem.h"
#include "rotate/custom_layout.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct custom_place {
        const struct custom *custom;
        size_t i;
        const char *path;
        const struct custom_text *texts;
        size_t n;
};

typedef int custom_place_fn(const struct custom_place *place, struct err *err);

static const struct hook *hook_of(const struct custom *custom)
{
        return custom->agent->database->hook;
}

static int render(const struct custom_place *place, const char *path, struct buf *out, struct fs_attr *attr,
                  bool *is_changed, struct err *err)
{
        const struct database *database = place->custom->agent->database;
        AUTO(buf_done_p) struct buf present = BUF_INIT(SETTINGS_MAX_BYTES + 1);

        if (settings_read(path, &present, attr, err) != 0)
                return -1;
        if (database->hook->custom_lay(database, place->i, place->texts, place->n, buf_str(&present), out,
                                       err) != 0)
                return -1;
        if (out->overflow)
                return err_set(err, ERR_LIMIT, "it would be larger than %zu bytes", out->max);
        *is_changed = strcmp(buf_str(&present), buf_str(out)) != 0;
        return 0;
}

static int check_one(const struct custom_place *place, struct err *err)
{
        AUTO(mem_free_p) char *real = settings_real(place->path);
        AUTO(buf_done_p) struct buf out = BUF_INIT(SETTINGS_MAX_BYTES);
        AUTO(mem_free_p) char *folder = mem_printf("%.*s", (int)(strrchr(real, '/') - real), real);
        struct fs_attr attr;
        bool is_changed = false;

        if (render(place, real, &out, &attr, &is_changed, err) != 0)
                return -1;
        if (is_changed && access(folder, W_OK | X_OK) != 0)
                return err_set(err, ERR_REFUSED, "its folder must be there and writable");
        return 0;
}

static int write_one(const struct custom_place *place, const char *path, struct err *err)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(SETTINGS_MAX_BYTES);
        struct fs_attr attr;
        bool is_changed = false;

        if (render(place, path, &out, &attr, &is_changed, err) != 0)
                return -1;
        return is_changed ? fs_replace(path, out.data, out.len, &attr, err) : 0;
}

static int lay_one(const struct custom_place *place, struct err *err)
{
        AUTO(mem_free_p) char *real = settings_real(place->path);
        AUTO(mem_free_p) char *before = settings_before(place->path);

        if (before != NULL && write_one(place, before, err) != 0)
                return -1;
        return write_one(place, real, err);
}

static int each_place(const struct custom *custom, const struct snapshot *files, custom_place_fn *fn,
                      struct err *err)
{
        const struct hook *hook = hook_of(custom);
        const char *settings = custom->agent->config->settings_file;
        AUTO(mem_free_p) struct custom_text *texts = custom_layout_texts(files);
        struct custom_place place = { .custom = custom, .texts = texts, .n = files->n };

        if (settings == NULL)
                settings = hook->settings_file;
        for (; hook->custom_place != NULL; place.i++) {
                AUTO(mem_free_p)
                char *path = hook->custom_place(custom->agent->database, settings, place.i);

                if (path == NULL)
                        return 0;
                place.path = path;
                if (fn(&place, err) != 0)
                        return err_wrap(err, "%.300s", path);
        }
        return 0;
}

int custom_place_check(const struct custom *custom, const struct snapshot *files, struct err *err)
{
        return each_place(custom, files, check_one, err);
}

int custom_place_lay(const struct custom *custom, int64_t generation, struct err *err)
{
        AUTO(snapshot_free_p) struct snapshot *files = NULL;
        struct fingerprint content;

        if (hook_of(custom)->custom_place == NULL)
                return 0;
        if (custom_layout_read(custom, generation, &files, &content, err) != 0)
                return -1;
        return each_place(custom, files, lay_one, err);
}
