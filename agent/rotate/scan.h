// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Looking at the source: read one generation, compare its content, decide. Events only say when to look; the
 * content decides, so that a missed event costs at most one rescan interval.
 */
#include "loop/watch_dir.h"
#include "rotate/agent.h"

/* Look now; force: also at content that was judged or settled before (SIGHUP, a retry). */
void scan_now(struct agent *agent, bool force);
/* An event of the source directory. */
void scan_hinted(enum watch_hint hint, void *arg);
/* (Re)watch the source directory; missing is fine, the rescan tries again. */
void scan_watch(struct agent *agent);
/*
 * After a rotation: look again at once, after a pause, when the time of a bundle comes, or at the next event.
 * The status says whether what the plan asks has failed for good.
 */
void scan_later(struct agent *agent);
