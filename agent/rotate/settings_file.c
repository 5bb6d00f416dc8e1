// SPDX-License-Identifier: Apache-2.0
/*
 * Renames only, once the next text is on the disk: what may fail for lack of space or rights fails in
 * settings_stage, before anything has changed.
 */
#include "rotate/settings_file.h"

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEXT     ".certrotate-next"
#define BEFORE   ".certrotate-before"
#define PREVIOUS ".certrotate-previous"
#define NONE     ".certrotate-none"
#define REJECTED ".certrotate-rejected"
#define MODE_NEW 0644

/* The file and the names beside it. */
struct places {
        char *real; /* behind links; itself when it is not there (yet) */
        char *next;
        char *before;
        char *previous;
        char *none;
        char *rejected;
};

/* "/etc/x.cnf" and ".certrotate-next" make "/etc/.x.cnf.certrotate-next". */
static char *beside(const char *real, const char *suffix)
{
        const char *name = strrchr(real, '/') + 1;

        return mem_printf("%.*s.%s%s", (int)(name - real), real, name, suffix);
}

static struct places places_of(const char *file)
{
        struct places places = { .real = realpath(file, NULL) };

        if (places.real == NULL)
                places.real = mem_strdup(file);
        places.next = beside(places.real, NEXT);
        places.before = beside(places.real, BEFORE);
        places.previous = beside(places.real, PREVIOUS);
        places.none = beside(places.real, NONE);
        places.rejected = beside(places.real, REJECTED);
        return places;
}

static void places_free_p(struct places *places)
{
        mem_free(places->real);
        mem_free(places->next);
        mem_free(places->before);
        mem_free(places->previous);
        mem_free(places->none);
        mem_free(places->rejected);
}

static bool exists(const char *path)
{
        return access(path, F_OK) == 0;
}

static bool is_pending(const struct places *places)
{
        return exists(places->before) || exists(places->none);
}

int settings_read(const char *path, struct buf *text, struct fs_attr *attr, struct err *err)
{
        struct stat st;

        *attr = (struct fs_attr){ MODE_NEW, FS_KEEP, (gid_t)FS_KEEP };
        if (stat(path, &st) == -1)
                return errno == ENOENT ? 0 : err_sys(err, errno, "look at '%s'", path);
        *attr = (struct fs_attr){ st.st_mode & 07777, st.st_uid, st.st_gid };
        if (fs_read(path, SETTINGS_MAX_BYTES, text, err) != 0)
                return -1;
        if (text->len > 0 && memchr(text->data, '\0', text->len) != NULL)
                return err_set(err, ERR_REFUSED, "'%.200s' is no text: it holds a byte 0", path);
        return 0;
}

static int remove_file(const char *path, struct err *err)
{
        if (unlink(path) == -1 && errno != ENOENT)
                return err_sys(err, errno, "remove '%s'", path);
        return 0;
}

static int render(const struct database *database, const char *file, const struct settings_wish *wish,
                  const struct buf *present, struct buf *out, struct err *err)
{
        if (database->hook->settings(database, wish, buf_str(present), out, err) != 0) {
                err->kind = ERR_REFUSED;
                return err_wrap(err, "%s", file);
        }
        if (out->overflow)
                return err_set(err, ERR_REFUSED, "'%.200s' would be larger than %zu bytes", file, out->max);
        return 0;
}

static bool same(const struct buf *a, const struct buf *b)
{
        return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* Where nothing can be written nothing can be switched: told before anything has changed. */
static int prepare(const struct places *places, const struct buf *fresh, const struct fs_attr *attr,
                   struct err *err)
{
        if (fs_replace(places->next, fresh->data, fresh->len, attr, err) == 0 &&
            (exists(places->real) || is_pending(places) || fs_replace(places->none, "", 0, attr, err) == 0))
                return 0;
        return err_wrap(err, "settings-file: the folder of '%.120s' must be writable", places->real);
}

/* Is what stands there still what settings_publish put there, or what was before it? */
static bool is_ours(const struct database *database, const char *file, const struct settings_wish *wish,
                    const struct places *places, const char *before)
{
        AUTO(buf_done_p) struct buf present = BUF_INIT(SETTINGS_MAX_BYTES + 1);
        AUTO(buf_done_p) struct buf old = BUF_INIT(SETTINGS_MAX_BYTES + 1);
        AUTO(buf_done_p) struct buf ours = BUF_INIT(SETTINGS_MAX_BYTES);
        struct fs_attr attr;
        struct err ignored;

        if (settings_read(places->real, &present, &attr, &ignored) != 0 ||
            settings_read(before, &old, &attr, &ignored) != 0 ||
            render(database, file, wish, &old, &ours, &ignored) != 0)
                return false;
        return same(&present, &ours) || same(&present, &old);
}

/*
 * A switch that is taken back: what is wished for may be what stood there before it. Then that is the next
 * text, byte for byte, which the driver would not make of what stands there now.
 */
static bool take_before(const struct database *database, const char *file, const struct settings_wish *wish,
                        const struct places *places, struct buf *out)
{
        const struct settings_wish present = { database->mode, wish->generation };
        const char *before = is_pending(places) ? places->before : places->previous;
        AUTO(buf_done_p) struct buf old = BUF_INIT(SETTINGS_MAX_BYTES + 1);
        AUTO(buf_done_p) struct buf again = BUF_INIT(SETTINGS_MAX_BYTES);
        struct fs_attr attr;
        struct err ignored;

        if (!exists(before) || settings_read(before, &old, &attr, &ignored) != 0 ||
            render(database, file, wish, &old, &again, &ignored) != 0 || !same(&again, &old) ||
            !is_ours(database, file, &present, places, before))
                return false;
        buf_add_str(out, buf_str(&old));
        return true;
}

int settings_stage(const struct database *database, const char *file, const struct settings_wish *wish,
                   struct err *err)
{
        AUTO(places_free_p) struct places places = places_of(file);
        AUTO(buf_done_p) struct buf present = BUF_INIT(SETTINGS_MAX_BYTES + 1);
        AUTO(buf_done_p) struct buf fresh = BUF_INIT(SETTINGS_MAX_BYTES);
        struct fs_attr attr;

        if (settings_read(places.real, &present, &attr, err) != 0)
                return -1;
        if (!take_before(database, file, wish, &places, &fresh) &&
            render(database, file, wish, &present, &fresh, err) != 0)
                return -1;
        if (same(&present, &fresh) && !is_pending(&places))
                return remove_file(places.next, err);
        return prepare(&places, &fresh, &attr, err);
}

int settings_publish(const char *file, struct err *err)
{
        AUTO(places_free_p) struct places places = places_of(file);

        if (!exists(places.next))
                return 0;
        if (!is_pending(&places) && link(places.real, places.before) == -1)
                return err_sys(err, errno, "keep '%s' as '%s'", places.real, places.before);
        if (rename(places.next, places.real) == -1)
                return err_sys(err, errno, "rename '%s' to '%s'", places.next, places.real);
        return 0;
}

char *settings_real(const char *file)
{
        AUTO(places_free_p) struct places places = places_of(file);

        return mem_strdup(places.real);
}

char *settings_before(const char *file)
{
        AUTO(places_free_p) struct places places = places_of(file);

        return exists(places.before) ? mem_strdup(places.before) : NULL;
}

bool settings_is_pending(const char *file)
{
        AUTO(places_free_p) struct places places = places_of(file);

        return is_pending(&places);
}

int settings_undo(const struct database *database, const char *file, const struct settings_wish *wish,
                  bool *edited, struct err *err)
{
        AUTO(places_free_p) struct places places = places_of(file);

        *edited = false;
        if (remove_file(places.next, err) != 0)
                return -1;
        if (!is_pending(&places))
                return 0;
        if (exists(places.real) && !is_ours(database, file, wish, &places, places.before)) {
                if (rename(places.real, places.rejected) == -1)
                        return err_sys(err, errno, "keep '%s' as '%s'", places.real, places.rejected);
                *edited = true;
        }
        if (exists(places.before)) {
                if (rename(places.before, places.real) == -1)
                        return err_sys(err, errno, "rename '%s' to '%s'", places.before, places.real);
                /* Two names of one file, from a kill before the rename: then rename(2) leaves both. */
                return remove_file(places.before, err);
        }
        if (remove_file(places.real, err) != 0)
                return -1;
        return remove_file(places.none, err);
}

void settings_unstage(const char *file)
{
        AUTO(places_free_p) struct places places = places_of(file);

        (void)unlink(places.next);
        if (!exists(places.real))
                (void)unlink(places.none);
}

/* Whether the driver would make another text than that of before of what stands there now. */
static bool is_lost(const struct database *database, const char *file, const struct settings_wish *was,
                    const struct places *places)
{
        AUTO(buf_done_p) struct buf present = BUF_INIT(SETTINGS_MAX_BYTES + 1);
        AUTO(buf_done_p) struct buf old = BUF_INIT(SETTINGS_MAX_BYTES + 1);
        AUTO(buf_done_p) struct buf again = BUF_INIT(SETTINGS_MAX_BYTES);
        struct fs_attr attr;
        struct err ignored;

        return was->mode != TLS_UNMANAGED && settings_read(places->real, &present, &attr, &ignored) == 0 &&
               settings_read(places->before, &old, &attr, &ignored) == 0 &&
               render(database, file, was, &present, &again, &ignored) == 0 && !same(&again, &old);
}

void settings_settle(const struct database *database, const char *file, const struct settings_wish *was)
{
        AUTO(places_free_p) struct places places = places_of(file);

        (void)unlink(places.next);
        if (exists(places.before)) {
                if (is_lost(database, file, was, &places))
                        (void)rename(places.before, places.previous);
                else
                        (void)unlink(places.previous);
        }
        (void)unlink(places.before);
        (void)unlink(places.none);
}
