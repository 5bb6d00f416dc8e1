// SPDX-License-Identifier: Apache-2.0
/*
 * libinotifytools as one descriptor of the loop.
 *
 * The library hides its descriptor, makes it without close-on-exec, reads it through select(2) and keeps
 * events in static storage that even its own clean-up does not empty. So: the descriptor is found by the
 * rule that a new one gets the lowest free number, and that is checked; and the library is started anew
 * whenever a watch died by itself, because it can forget only watches that the kernel still has.
 *
 * Everything is a hint. What inotify cannot show, the caller's slow re-scan does: that a symlink on the way
 * to the directory points elsewhere now, or that a file system (network, FUSE) changes without events.
 */
#include "loop/watch_dir.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inotifytools/inotifytools.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/select.h>

#include "base/mem.h"

/*
 * The directory, never a file in it: kubelet replaces links, and a watch on a file dies at the first swap.
 * IN_ATTRIB, because on some hosts that was all a swap showed (configmap-reload #190).
 */
#define WATCH_MASK                                                                                           \
        (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |               \
         IN_CLOSE_WRITE | IN_ATTRIB | IN_ONLYDIR)
#define ALSO_MAX  4
#define LOST_MASK ((uint32_t)(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED))

struct watch_dir {
        struct loop *loop;
        watch_dir_fn *fn;
        void *arg;
        struct event *event; /* NULL: the library is not running */
        int wd;              /* -1: nothing watched */
        struct {
                int wd;
                char *path;
        } also[ALSO_MAX];
        size_t n_also;
        bool is_dead; /* the kernel dropped the watch; the library still has it */
};

enum strength { NOTHING, TOUCHED, SWAPPED, LOST };

static bool is_watched(const struct watch_dir *watch, int wd)
{
        for (size_t i = 0; i < watch->n_also; i++)
                if (watch->also[i].wd == wd)
                        return true;
        return watch->wd == wd;
}

static enum strength judge(struct watch_dir *watch, const struct inotify_event *event)
{
        const char *name = event->len > 0 ? event->name : "";

        if ((event->mask & IN_Q_OVERFLOW) != 0)
                return LOST;
        if (!is_watched(watch, event->wd))
                return NOTHING; /* the last word of the watch before */
        if ((event->mask & (IN_DELETE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0)
                watch->is_dead = true;
        if ((event->mask & LOST_MASK) != 0)
                return LOST;
        if (strcmp(name, "..data") == 0)
                return (event->mask & IN_MOVED_TO) != 0 ? SWAPPED : TOUCHED;
        /* "..data_tmp" and "..2026_…": the scaffolding of a swap, no content. */
        return strncmp(name, "..", 2) == 0 ? NOTHING : TOUCHED;
}

static enum strength drain(struct watch_dir *watch)
{
        const struct inotify_event *event;
        enum strength found = NOTHING;

        /* With 0 seconds this one polls; its sibling next_event(0) would block for ever. */
        while ((event = inotifytools_next_events(0, 1)) != NULL) {
                const enum strength one = judge(watch, event);

                if (one > found)
                        found = one;
        }
        return found;
}

static void on_readable(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
        struct watch_dir *watch = arg;

        /* The callback may watch anew or close: nothing is touched behind it. */
        switch (drain(watch)) {
        case NOTHING:
                return;
        case TOUCHED:
                watch->fn(WATCH_TOUCHED, watch->arg);
                return;
        case SWAPPED:
                watch->fn(WATCH_SWAPPED, watch->arg);
                return;
        case LOST:
                watch->fn(WATCH_LOST, watch->arg);
                return;
        }
}

static void library_stop(struct watch_dir *watch)
{
        if (watch->event == NULL)
                return;
        (void)drain(watch);
        event_free(watch->event);
        watch->event = NULL;
        watch->wd = -1;
        while (watch->n_also > 0)
                mem_free(watch->also[--watch->n_also].path);
        watch->is_dead = false;
        inotifytools_cleanup();
}

static bool is_inotify(int fd)
{
        static const char want[] = "anon_inode:inotify";
        char path[64];
        char target[64];
        ssize_t len;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        len = readlink(path, target, sizeof(target));
        return len == (ssize_t)sizeof(want) - 1 && memcmp(target, want, sizeof(want) - 1) == 0;
}

static int library_start(struct watch_dir *watch, struct err *err)
{
        const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        if (fd == -1)
                return err_sys(err, errno, "inotify: open '/dev/null'");
        (void)close(fd);
        if (inotifytools_initialize() != 1) {
                const int sys = inotifytools_error();

                if (sys == EMFILE)
                        return err_set(err, ERR_IO,
                                       "inotify: no instance left (%d for this user on this host): raise "
                                       "fs.inotify.max_user_instances",
                                       inotifytools_get_max_user_instances());
                return err_sys(err, sys, "inotify");
        }
        if (fd >= FD_SETSIZE || !is_inotify(fd)) {
                inotifytools_cleanup();
                return err_set(err, ERR_IO,
                               "inotify: descriptor of libinotifytools not found (is /proc mounted?)");
        }
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 || fcntl(fd, F_SETFL, O_RDONLY | O_NONBLOCK) == -1) {
                const int sys = errno;

                inotifytools_cleanup();
                return err_sys(err, sys, "inotify: fcntl");
        }
        watch->event = event_new(loop_base(watch->loop), fd, EV_READ | EV_PERSIST, on_readable, watch);
        loop_need(watch->event != NULL && event_add(watch->event, NULL) == 0, "inotify event");
        return 0;
}

static int watch_error(const char *path, int sys, struct err *err)
{
        if (sys == ENOSPC)
                return err_set(err, ERR_IO,
                               "watch '%s': no inotify watch left (%d for this user): raise "
                               "fs.inotify.max_user_watches",
                               path, inotifytools_get_max_user_watches());
        return err_sys(err, sys, "watch '%s'", path);
}

int watch_dir_open(struct loop *loop, watch_dir_fn *fn, void *arg, struct watch_dir **out, struct err *err)
{
        AUTO(mem_free_p) struct watch_dir *watch = MEM_NEW(struct watch_dir);

        watch->loop = loop;
        watch->fn = fn;
        watch->arg = arg;
        watch->wd = -1;
        if (library_start(watch, err))
                return -1;
        *out = TAKE(watch);
        return 0;
}

int watch_dir_set(struct watch_dir *watch, const char *path, struct err *err)
{
        AUTO(mem_free_p)
        char *slashed = mem_printf("%s/", path); /* follows a symlink, and is the library's key */

        if (watch->event != NULL)
                (void)drain(watch); /* learns of a death; the caller scans behind us anyway */
        if (watch->is_dead || (watch->wd != -1 && inotifytools_remove_watch_by_wd(watch->wd) != 1))
                library_stop(watch);
        watch->wd = -1;
        if (watch->event == NULL && library_start(watch, err))
                return -1;
        if (inotifytools_watch_file(slashed, WATCH_MASK) != 1)
                return watch_error(path, inotifytools_error(), err);
        watch->wd = inotifytools_wd_from_filename(slashed);
        if (watch->wd < 0) {
                watch->is_dead = true;
                return err_set(err, ERR_INTERNAL, "watch '%s': libinotifytools lost the watch it made", path);
        }
        return 0;
}

int watch_dir_also(struct watch_dir *watch, const char *path, struct err *err)
{
        AUTO(mem_free_p) char *slashed = mem_printf("%s/", path);

        if (watch->event == NULL)
                return err_set(err, ERR_MISSING, "nothing is watched yet");
        for (size_t i = 0; i < watch->n_also; i++)
                if (strcmp(watch->also[i].path, path) == 0)
                        return 0;
        if (watch->n_also == ALSO_MAX)
                return err_set(err, ERR_LIMIT, "watch '%s': more than %d directories", path, ALSO_MAX);
        if (inotifytools_watch_file(slashed, WATCH_MASK) != 1)
                return watch_error(path, inotifytools_error(), err);
        watch->also[watch->n_also].wd = inotifytools_wd_from_filename(slashed);
        watch->also[watch->n_also++].path = mem_strdup(path);
        return 0;
}

void watch_dir_close(struct watch_dir *watch)
{
        if (watch == NULL)
                return;
        library_stop(watch);
        mem_free(watch);
}
