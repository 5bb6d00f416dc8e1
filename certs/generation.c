// SPDX-License-Identifier: Apache-2.0
/*
 * The published directory.
 *
 * Two kinds of names below it are ours: `..gen-N`, which is whole by definition because a generation is
 * built as `..half-N` and renamed when everything in it is synced (and renamed back before it is taken
 * apart), and `..tmp-…`, the temporary name of a link that is about to get its own. A kill between any two
 * system calls therefore leaves only a whole old state, a whole new one, or litter that the next prune
 * sweeps.
 *
 * The trap: everything that may fail, running out of inodes for a link included, must fail before `..data`
 * moves. So links are prepared under temporary names first and only renamed afterwards.
 */
#include "certs/generation.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "certs/places.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define WHOLE         "..gen-"
#define HALF          "..half-"
#define NAME_MAX_LEN  200
#define NUMBER_MAX    ((int64_t)999999999999)
#define META_PATH_MAX 64

struct gen_name {
        char text[32];
};

static struct gen_name gen_name(const char *prefix, int64_t number)
{
        struct gen_name name;

        (void)snprintf(name.text, sizeof(name.text), "%s%06lld", prefix, (long long)number);
        return name;
}

static bool has_prefix(const char *text, const char *prefix)
{
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The number of "<prefix>000007", 0 when the text is anything but what gen_name makes. */
static int64_t parse_name(const char *text, const char *prefix)
{
        struct err ignored;
        int64_t number;

        if (!has_prefix(text, prefix))
                return 0;
        if (num_parse(text + strlen(prefix), 1, NUMBER_MAX, &number, &ignored) != 0)
                return 0;
        return strcmp(gen_name(prefix, number).text, text) == 0 ? number : 0;
}

static int note_number(void *arg, const char *entry, struct err *err UNUSED)
{
        struct store *store = arg;
        int64_t number = parse_name(entry, WHOLE);

        if (number > store->last)
                store->last = number;
        return 0;
}

int generation_open(const char *path, struct store **out, struct err *err)
{
        AUTO(generation_close_p) struct store *store = MEM_NEW(struct store);
        char target[PATH_MAX];

        store->dir = -1;
        store->path = mem_strdup(path);
        if (fs_make_dirs(path, 0755, err) != 0 || fs_open_dir(path, &store->dir, err) != 0)
                return -1;
        if (places_read_link(store->dir, PLACES_DATA, target) != 0)
                return err_set(err, ERR_USAGE,
                               "'%s/" PLACES_DATA "' is no link of ours: publish to another directory", path);
        if (target[0] != '\0' && parse_name(target, WHOLE) == 0)
                return err_set(err, ERR_USAGE,
                               "'%s' belongs to someone else (its " PLACES_DATA
                               " points to '%.100s', as in a Secret volume): publish to another directory",
                               path, target);
        if (places_each(store->dir, ".", note_number, store, err) != 0)
                return err_wrap(err, "'%s'", path);
        *out = TAKE(store);
        return 0;
}

void generation_close(struct store *store)
{
        if (store == NULL)
                return;
        close_fd_p(&store->dir);
        mem_free(store->path);
        mem_free(store);
}

static const char *meta_path(int64_t number, char out[static META_PATH_MAX])
{
        (void)snprintf(out, META_PATH_MAX, "%s/" GENERATION_META, gen_name(WHOLE, number).text);
        return out;
}

bool generation_exists(const struct store *store, int64_t number)
{
        char path[META_PATH_MAX];

        return faccessat(store->dir, meta_path(number, path), F_OK, 0) == 0;
}

int generation_current(const struct store *store, int64_t *out, struct err *err)
{
        char target[PATH_MAX];
        int64_t number;

        if (places_read_link(store->dir, PLACES_DATA, target) != 0)
                return err_sys(err, errno, "read symlink '%s/" PLACES_DATA "'", store->path);
        number = parse_name(target, WHOLE);
        *out = number > 0 && generation_exists(store, number) ? number : 0;
        return 0;
}

/* A generation loses its name before it loses its first file: what is called ..gen-N is always whole. */
static int take_apart(const struct store *store, int64_t number, struct err *err)
{
        const struct gen_name whole = gen_name(WHOLE, number);
        const struct gen_name half = gen_name(HALF, number);

        if (fs_remove_dir_at(store->dir, half.text, err) != 0)
                return -1;
        if (renameat(store->dir, whole.text, store->dir, half.text) == -1)
                return errno == ENOENT ? 0 : err_sys(err, errno, "rename '%s'", whole.text);
        return fs_remove_dir_at(store->dir, half.text, err);
}

static int refuse_current(const struct store *store, int64_t number, const char *verb, struct err *err)
{
        int64_t current;

        if (generation_current(store, &current, err) != 0)
                return -1;
        if (current == number)
                return err_set(err, ERR_INTERNAL, "%s generation %lld of '%s': it is the published one", verb,
                               (long long)number, store->path);
        return 0;
}

int generation_remove(struct store *store, int64_t number, struct err *err)
{
        if (refuse_current(store, number, "remove", err) != 0)
                return -1;
        if (take_apart(store, number, err) != 0)
                return err_wrap(err, "remove generation %lld of '%s'", (long long)number, store->path);
        return 0;
}

static int make_half(const struct store *store, const char *half, int *out, struct err *err)
{
        AUTO(close_fd_p) int dir = -1;

        if (mkdirat(store->dir, half, 0755) == -1) {
                if (errno != EEXIST)
                        return err_sys(err, errno, "create directory '%s'", half);
                if (fs_remove_dir_at(store->dir, half, err) != 0)
                        return -1;
                if (mkdirat(store->dir, half, 0755) == -1)
                        return err_sys(err, errno, "create directory '%s'", half);
        }
        if (fs_open_dir_at(store->dir, half, &dir, err) != 0)
                return -1;
        /* The database is another user: it must get through whatever our umask is. */
        if (fchmod(dir, 0755) == -1)
                return err_sys(err, errno, "set mode of '%s'", half);
        *out = take_fd(&dir);
        return 0;
}

static int check_name(const char *name, struct err *err)
{
        if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL || strlen(name) > NAME_MAX_LEN ||
            strcmp(name, GENERATION_META) == 0)
                return err_set(
                        err, ERR_USAGE,
                        "'%.80s' cannot be the name of a published file: no slash, no leading dot, at most "
                        "%d bytes, not " GENERATION_META,
                        name, NAME_MAX_LEN);
        return 0;
}

static int fill_half(int dir, const struct generation_file *files, size_t n, const cJSON *meta,
                     struct err *err)
{
        static const struct fs_attr readable = { 0644, FS_KEEP, (gid_t)FS_KEEP };
        AUTO(mem_free_p) char *json = json_print(meta, true);

        for (size_t i = 0; i < n; i++) {
                const struct output *output = files[i].output;
                const struct place_name second = places_plain_name(i, output->name);

                if (check_name(output->name, err) != 0 ||
                    fs_create_at(dir, output->name, files[i].data.data, files[i].data.len, &output->attr,
                                 err) != 0)
                        return -1;
                if (!output->plain)
                        continue;
                if (linkat(dir, output->name, dir, second.text, 0) == -1)
                        return err_sys(err, errno, "link '%s' to '%s'", output->name, second.text);
        }
        if (fs_create_at(dir, GENERATION_META, json, strlen(json), &readable, err) != 0)
                return -1;
        return fs_sync_dir(dir, err);
}

/* ..half-N becomes ..gen-N; an older ..gen-N makes room first. */
static int complete_half(const struct store *store, int64_t number, const char *half, struct err *err)
{
        const struct gen_name whole = gen_name(WHOLE, number);

        if (renameat(store->dir, half, store->dir, whole.text) == -1)
                return err_sys(err, errno, "rename '%s' to '%s'", half, whole.text);
        return fs_sync_dir(store->dir, err);
}

static int stage(const struct store *store, int64_t number, const struct generation_file *files, size_t n,
                 const cJSON *meta, struct err *err)
{
        const struct gen_name half = gen_name(HALF, number);
        AUTO(close_fd_p) int dir = -1;
        struct err ignored;
        int removed;

        if (number <= store->last && take_apart(store, number, err) != 0)
                return -1;
        if (make_half(store, half.text, &dir, err) == 0 && fill_half(dir, files, n, meta, err) == 0 &&
            complete_half(store, number, half.text, err) == 0)
                return 0;
        /* Space may be short: do not keep what nobody can use. The first error is the one to report. */
        removed = fs_remove_dir_at(store->dir, half.text, &ignored);
        (void)removed;
        return -1;
}

int generation_stage(struct store *store, int64_t number, const struct generation_file *files, size_t n,
                     const cJSON *meta, struct err *err)
{
        if (number < 1 || number > NUMBER_MAX)
                return err_set(err, ERR_INTERNAL, "generation number %lld", (long long)number);
        if (number <= store->last && refuse_current(store, number, "stage", err) != 0)
                return -1;
        if (stage(store, number, files, n, meta, err) != 0)
                return err_wrap(err, "stage generation %lld in '%s'", (long long)number, store->path);
        if (number > store->last)
                store->last = number;
        return 0;
}

/* The one rename that changes what the database sees. Nothing when it is current already. */
static int move_data(const struct store *store, const char *target, struct err *err)
{
        char now[PATH_MAX];
        int r;

        if (places_read_link(store->dir, PLACES_DATA, now) == 0 && strcmp(now, target) == 0)
                return 0;
        r = symlinkat(target, store->dir, PLACES_TMP);
        if (r == -1 && errno == EEXIST && unlinkat(store->dir, PLACES_TMP, 0) == 0)
                r = symlinkat(target, store->dir, PLACES_TMP);
        if (r == -1)
                return err_sys(err, errno, "create symlink '" PLACES_TMP "'");
        if (renameat(store->dir, PLACES_TMP, store->dir, PLACES_DATA) == -1)
                return err_sys(err, errno, "rename '" PLACES_TMP "' to '" PLACES_DATA "'");
        return 0;
}

static int publish(const struct store *store, const char *target, struct err *err)
{
        AUTO(places_done_p) struct places places = PLACES_INIT;

        if (places_read(store->dir, target, &places, err) != 0 ||
            places_prepare(&places, store->dir, target, err) != 0)
                return -1;
        if (move_data(store, target, err) != 0) {
                places_undo(&places, store->dir);
                return -1;
        }
        if (places_commit(&places, store->dir, err) != 0)
                return -1;
        return fs_sync_dir(store->dir, err);
}

int generation_publish(struct store *store, int64_t number, struct err *err)
{
        const struct gen_name target = gen_name(WHOLE, number);

        if (publish(store, target.text, err) != 0)
                return err_wrap(err, "publish generation %lld in '%s'", (long long)number, store->path);
        return 0;
}

struct sweep {
        struct store *store;
        struct places kept; /* files of the current generation */
        int64_t current;
        int64_t keep;
};

static void sweep_done_p(struct sweep *sweep)
{
        places_done(&sweep->kept);
}

static int sweep_entry(void *arg, const char *entry, struct err *err)
{
        struct sweep *sweep = arg;
        const int dir = sweep->store->dir;
        const int64_t number = parse_name(entry, WHOLE);

        if (number != 0)
                return number == sweep->current || number == sweep->keep
                               ? 0
                               : take_apart(sweep->store, number, err);
        if (parse_name(entry, HALF) != 0)
                return fs_remove_dir_at(dir, entry, err);
        if (!has_prefix(entry, PLACES_TMP) &&
            (sweep->current == 0 || entry[0] == '.' || places_have(&sweep->kept, entry) ||
             !places_is_ours(dir, entry)))
                return 0;
        if (unlinkat(dir, entry, 0) == -1 && errno != ENOENT)
                return err_sys(err, errno, "remove '%s'", entry);
        return 0;
}

int generation_prune(struct store *store, int64_t keep, struct err *err)
{
        AUTO(sweep_done_p) struct sweep sweep = { .store = store, .kept = PLACES_INIT, .keep = keep };

        if (generation_current(store, &sweep.current, err) != 0)
                return -1;
        if (sweep.current != 0 &&
            places_read(store->dir, gen_name(WHOLE, sweep.current).text, &sweep.kept, err) != 0)
                return err_wrap(err, "prune '%s'", store->path);
        if (places_each(store->dir, ".", sweep_entry, &sweep, err) != 0)
                return err_wrap(err, "prune '%s'", store->path);
        return 0;
}

int generation_read(const struct store *store, int64_t number, const char *name, size_t max, struct buf *out,
                    struct err *err)
{
        char path[NAME_MAX_LEN + META_PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s/%s", gen_name(WHOLE, number).text, name);
        return fs_read_at(store->dir, path, max, out, err);
}

char *generation_path(const struct store *store, int64_t number)
{
        return mem_printf("%s/%s", store->path, gen_name(WHOLE, number).text);
}

int generation_meta(const struct store *store, int64_t number, cJSON **out, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(JSON_MAX_BYTES + 1);
        char path[META_PATH_MAX];

        if (fs_read_at(store->dir, meta_path(number, path), JSON_MAX_BYTES, &text, err) != 0 ||
            json_parse(buf_str(&text), text.len, out, err) != 0)
                return err_wrap(err, "description of generation %lld in '%s'", (long long)number,
                                store->path);
        return 0;
}
