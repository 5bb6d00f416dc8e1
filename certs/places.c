// SPDX-License-Identifier: Apache-2.0
/*
 * Links and plain files in the published directory.
 *
 * A place that is right already costs one system call and is not touched; that is every place of every
 * rotation but the first. The trap: rename(2) of two names of one inode does nothing and leaves both, so a
 * plain file that is in place already must be recognised by its inode.
 */
#include "certs/places.h"

#include "base/limits.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct path {
        char text[NAME_MAX + 64]; /* a name of the directory behind a prefix */
};

static struct path join(const char *left, const char *right)
{
        struct path path;

        (void)snprintf(path.text, sizeof(path.text), "%s%s", left, right);
        return path;
}

static bool has_prefix(const char *text, const char *prefix)
{
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void close_dir_p(DIR **dir)
{
        if (*dir != NULL)
                (void)closedir(*dir);
}

int places_each(int parent, const char *name, int (*visit)(void *arg, const char *entry, struct err *err),
                void *arg, struct err *err)
{
        AUTO(close_fd_p) int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        AUTO(close_dir_p) DIR *entries = NULL;
        const struct dirent *entry;

        if (fd == -1)
                return err_sys(err, errno, "open directory '%s'", name);
        entries = fdopendir(fd);
        if (entries == NULL)
                return err_sys(err, errno, "list directory '%s'", name);
        (void)take_fd(&fd);
        for (errno = 0; (entry = readdir(entries)) != NULL; errno = 0) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (visit(arg, entry->d_name, err) != 0)
                        return -1;
        }
        return errno == 0 ? 0 : err_sys(err, errno, "list directory '%s'", name);
}

int places_read_link(int dir, const char *name, char out[static PATH_MAX])
{
        ssize_t n = readlinkat(dir, name, out, PATH_MAX - 1);

        if (n == -1 && errno != ENOENT)
                return -1;
        out[n == -1 ? 0 : n] = '\0';
        return 0;
}

bool places_have(const struct places *places, const char *name)
{
        for (size_t i = 0; i < places->n; i++)
                if (strcmp(places->items[i].name, name) == 0)
                        return true;
        return false;
}

struct place_name places_plain_name(size_t turn, const char *name)
{
        struct place_name second;

        (void)snprintf(second.text, sizeof(second.text), PLACES_PLAIN "%02zu-%s", turn, name);
        return second;
}

/* The turn and the name behind it, of a second name; NULL: it is none. */
static const char *parse_plain(const char *entry, int *turn)
{
        const char *rest = entry + strlen(PLACES_PLAIN);

        if (!has_prefix(entry, PLACES_PLAIN) || rest[0] < '0' || rest[0] > '9' || rest[1] < '0' ||
            rest[1] > '9' || rest[2] != '-')
                return NULL;
        *turn = (rest[0] - '0') * 10 + rest[1] - '0';
        return rest + 3;
}

/* A plain file comes twice, by its own and by its second name, in any order. */
static int note_place(void *arg, const char *entry, struct err *err)
{
        struct places *places = arg;
        int turn = 0;
        const char *second = parse_plain(entry, &turn);
        const char *name = second != NULL ? second : entry;

        if (name[0] == '.' || strcmp(name, PLACES_META) == 0)
                return 0;
        for (size_t i = 0; i < places->n; i++) {
                if (strcmp(places->items[i].name, name) != 0)
                        continue;
                places->items[i].plain |= second != NULL;
                places->items[i].turn |= turn;
                return 0;
        }
        if (places->n == SNAPSHOT_MAX_FILES)
                return err_set(err, ERR_LIMIT, "more than %d files", SNAPSHOT_MAX_FILES);
        places->items = mem_grow(places->items, places->n + 1, sizeof(*places->items));
        places->items[places->n++] =
                (struct place){ .name = mem_strdup(name), .plain = second != NULL, .turn = turn };
        return 0;
}

static int compare_turns(const void *left, const void *right)
{
        return ((const struct place *)left)->turn - ((const struct place *)right)->turn;
}

int places_read(int dir, const char *generation, struct places *out, struct err *err)
{
        struct places places = PLACES_INIT;

        if (places_each(dir, generation, note_place, &places, err) != 0) {
                places_done(&places);
                return -1;
        }
        if (places.n > 1)
                qsort(places.items, places.n, sizeof(*places.items), compare_turns);
        *out = places;
        return 0;
}

bool places_is_ours(int dir, const char *name)
{
        char target[PATH_MAX];

        return places_read_link(dir, name, target) == 0 && has_prefix(target, PLACES_DATA "/") &&
               strcmp(target + strlen(PLACES_DATA "/"), name) == 0;
}

static bool is_same_file(int dir, const char *a, const char *b)
{
        struct stat left;
        struct stat right;

        return fstatat(dir, a, &left, AT_SYMLINK_NOFOLLOW) == 0 &&
               fstatat(dir, b, &right, AT_SYMLINK_NOFOLLOW) == 0 && left.st_dev == right.st_dev &&
               left.st_ino == right.st_ino;
}

/* Whatever stands in the place is replaced by rename; only a directory cannot be. */
static int check_free(int dir, const char *name, struct err *err)
{
        struct stat st;

        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
                return err_set(err, ERR_IO, "a directory is in the place of '%s': move it away", name);
        return 0;
}

static int prepare(struct place *place, int dir, const char *generation, struct err *err)
{
        const struct path tmp = join(PLACES_TMP, place->name);
        const struct path target = join(place->plain ? generation : PLACES_DATA, "/");
        const struct path full = join(target.text, place->name);
        int r;

        if (place->plain ? is_same_file(dir, place->name, full.text) : places_is_ours(dir, place->name))
                return 0;
        if (check_free(dir, place->name, err) != 0)
                return -1;
        if (unlinkat(dir, tmp.text, 0) == -1 && errno != ENOENT)
                return err_sys(err, errno, "remove '%s'", tmp.text);
        r = place->plain ? linkat(dir, full.text, dir, tmp.text, 0) : symlinkat(full.text, dir, tmp.text);
        if (r == -1)
                return err_sys(err, errno, "make the link of '%s'", place->name);
        place->prepared = true;
        return 0;
}

int places_prepare(struct places *places, int dir, const char *generation, struct err *err)
{
        for (size_t i = 0; i < places->n; i++) {
                if (prepare(&places->items[i], dir, generation, err) == 0)
                        continue;
                places_undo(places, dir);
                return -1;
        }
        return 0;
}

int places_commit(struct places *places, int dir, struct err *err)
{
        for (size_t i = 0; i < places->n; i++) {
                struct place *place = &places->items[i];
                const struct path tmp = join(PLACES_TMP, place->name);

                if (!place->prepared)
                        continue;
                if (renameat(dir, tmp.text, dir, place->name) == -1)
                        return err_sys(err, errno, "rename '%s' to '%s'", tmp.text, place->name);
                place->prepared = false;
        }
        return 0;
}

void places_undo(struct places *places, int dir)
{
        for (size_t i = 0; i < places->n; i++) {
                const struct path tmp = join(PLACES_TMP, places->items[i].name);

                if (places->items[i].prepared)
                        (void)unlinkat(dir, tmp.text, 0);
                places->items[i].prepared = false;
        }
}

void places_done(struct places *places)
{
        for (size_t i = 0; i < places->n; i++)
                mem_free(places->items[i].name);
        mem_free(places->items);
        *places = (struct places)PLACES_INIT;
}
