// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * "Something happened in this directory": libinotifytools behind an adapter. Events are hints; the content
 * hash decides. Opened first thing in the process, because the library hides its descriptor.
 */
#include "loop/loop.h"

struct watch_dir;

enum watch_hint {
        WATCH_SWAPPED, /* ..data was renamed over: an atomic generation is there now */
        WATCH_TOUCHED, /* anything else, but not kubelet's scaffolding ("..2026_…", "..data_tmp"): let it
                          settle */
        WATCH_LOST,    /* queue overflow, directory gone or unmounted: rescan, and watch again */
};

/* One call for all that was waiting, with the strongest hint: LOST over SWAPPED over TOUCHED. */
typedef void watch_dir_fn(enum watch_hint hint, void *arg);

/* One per process. ERR_IO when inotify is not to be had (limits): the caller then polls and says so. */
int watch_dir_open(struct loop *loop, watch_dir_fn *fn, void *arg, struct watch_dir **out,
                   struct err *err) MUST_CHECK;
/*
 * Watch (again) this directory; ERR_MISSING when it is not there yet. Replaces the one before, which is gone
 * in any case. Scan after it, not before: what happened in between is not told.
 */
int watch_dir_set(struct watch_dir *watch, const char *path, struct err *err) MUST_CHECK;
/*
 * Watch this directory too, after watch_dir_set, which may forget it; a few of them, each once. The same
 * hints. ERR_MISSING when it is not there yet.
 */
int watch_dir_also(struct watch_dir *watch, const char *path, struct err *err) MUST_CHECK;
void watch_dir_close(struct watch_dir *watch);
AUTO_DEFINE(struct watch_dir, watch_dir_close)
