// SPDX-License-Identifier: Apache-2.0
/*
 * The decisions of a watch. The version is the whole memory of where the stream is: as long as it is kept the
 * next request goes on from there, dropping it means to list. It is dropped when the server no longer knows
 * it (410), when we cannot trust what we were told (garbled), and when the user was told KUBE_LOST: so the
 * way out of KUBE_LOST is always a whole list and KUBE_LISTED.
 *
 * One failure is no news: connections of a good stream break when an API server is restarted or a balancer
 * moves. The second in a row is told, and any before the first list.
 */
#include "kube/watch_state.h"

#include "base/mem.h"
#include "kube/names.h"
#include "kube/told.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WHAT_MAX     200
#define SHRINK       4    /* of pages */
#define SELECTOR_MAX 1024 /* leaves room for a name and a continue token */

const struct kube_watch_limits kube_watch_defaults = {
        .pause_min_ms = 500,
        .pause_max_ms = 30000,
        .refused_max_ms = 300000,
        .steady_ms = 10000,
        .head_ms = KUBE_CALL_LIMIT_MS + 1000,
        .silence_ms = 150000,
        .silence_max_ms = 630000,
        .timeout_min_s = 300,
        .timeout_max_s = 600,
        .page = 100, /* of pods of 10 KiB: 1 MiB, as a tree ten */
        .pages_max = KUBE_TOLD_MAX,
};

void kube_watch_state_init(struct kube_watch_state *state, const struct kube_watch_limits *limits)
{
        *state = (struct kube_watch_state){
                .limits = limits,
                .backoff = { .min_ms = limits->pause_min_ms, .max_ms = limits->pause_max_ms },
                .page = limits->page,
                .silence_ms = limits->silence_ms,
        };
}

void kube_watch_state_done(struct kube_watch_state *state)
{
        mem_free(state->more);
        state->more = NULL;
}

bool kube_watch_state_is_watching(const struct kube_watch_state *state)
{
        return state->version[0] != '\0';
}

static bool is_graphic(const char *text)
{
        for (; *text != '\0'; text++)
                if (!isgraph((unsigned char)*text))
                        return false;
        return true;
}

int kube_watch_state_check(const struct kube_watch_spec *spec, struct err *err)
{
        if (*spec->collection != '/' || !is_graphic(spec->collection) ||
            strpbrk(spec->collection, "?#") != NULL)
                return err_set(err, ERR_USAGE, "'%.100s' is no collection of the API", spec->collection);
        if (spec->name != NULL && !kube_names_is_subdomain(spec->name))
                return err_set(err, ERR_USAGE, "'%.100s' is no name of an object", spec->name);
        if (spec->labels != NULL && (!is_graphic(spec->labels) || strpbrk(spec->labels, "&#") != NULL))
                return err_set(err, ERR_USAGE, "label selector '%.100s' is not escaped", spec->labels);
        if (strlen(spec->collection) + (spec->labels == NULL ? 0 : strlen(spec->labels)) > SELECTOR_MAX)
                return err_set(err, ERR_USAGE, "collection and label selector are longer than %d bytes",
                               SELECTOR_MAX);
        return 0;
}

/* What stands before the next parameter. */
static char separator(const struct buf *path)
{
        return strchr(buf_str(path), '?') == NULL ? '?' : '&';
}

static void add_escaped(struct buf *path, const char *text)
{
        for (; *text != '\0'; text++) {
                if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL)
                        buf_add_char(path, *text);
                else
                        buf_printf(path, "%%%02X", (unsigned)(unsigned char)*text);
        }
}

int kube_watch_state_path(const struct kube_watch_state *state, const struct kube_watch_spec *spec,
                          char out[static KUBE_PATH_MAX], struct err *err)
{
        const struct kube_watch_limits *limits = state->limits;
        AUTO(buf_done_p) struct buf path = BUF_INIT(KUBE_PATH_MAX - 1);

        buf_add_str(&path, spec->collection);
        /* With exactly this selector RBAC takes list and watch for those of one resourceName. */
        if (spec->name != NULL)
                buf_printf(&path, "%cfieldSelector=metadata.name%%3D%s", separator(&path), spec->name);
        if (spec->labels != NULL)
                buf_printf(&path, "%clabelSelector=%s", separator(&path), spec->labels);
        if (kube_watch_state_is_watching(state))
                buf_printf(&path, "%cwatch=1&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%lld",
                           separator(&path), state->version,
                           (long long)kube_random(limits->timeout_min_s, limits->timeout_max_s));
        else if (spec->name == NULL)
                buf_printf(&path, "%climit=%lld", separator(&path), (long long)state->page);
        if (!kube_watch_state_is_watching(state) && state->more != NULL) {
                buf_printf(&path, "%ccontinue=", separator(&path));
                add_escaped(&path, state->more);
        }
        if (path.overflow)
                return err_set(err, ERR_LIMIT, "the path of a request is longer than %d bytes",
                               KUBE_PATH_MAX);
        (void)snprintf(out, KUBE_PATH_MAX, "%s", buf_str(&path));
        return 0;
}

static void set_version(char to[static KUBE_VERSION_MAX], const char *version)
{
        (void)snprintf(to, KUBE_VERSION_MAX, "%s", version);
}

static void end_list(struct kube_watch_state *state)
{
        set_version(state->listing, "");
        state->pages = 0;
        mem_free(state->more);
        state->more = NULL;
}

/* Back to the beginning: the next request lists. */
static void forget(struct kube_watch_state *state)
{
        set_version(state->version, "");
        end_list(state);
}

int kube_watch_state_page(struct kube_watch_state *state, const struct kube_page *page, struct err *err)
{
        /* Pages of one list are of one version; were they not, then going on from the oldest misses nothing.
         */
        if (state->listing[0] == '\0')
                set_version(state->listing, page->version);
        if (page->more != NULL) {
                if (++state->pages >= state->limits->pages_max ||
                    (state->more != NULL && strcmp(state->more, page->more) == 0))
                        return err_set(err, ERR_PROTOCOL, "pages of a list without end");
                mem_free(state->more);
                state->more = mem_strdup(page->more);
                return 0;
        }
        memcpy(state->version, state->listing, sizeof(state->version));
        end_list(state);
        state->frames = 0;
        state->is_listed = true;
        state->is_live = true;
        state->is_lost = false;
        return 1;
}

void kube_watch_state_alive(struct kube_watch_state *state)
{
        if (!kube_watch_state_is_watching(state))
                return;
        state->is_live = true;
        state->has_begun = true;
}

void kube_watch_state_frame(struct kube_watch_state *state, const struct kube_frame *frame)
{
        set_version(state->version, frame->id.version);
        state->frames++;
        if (frame->type != KUBE_FRAME_BOOKMARK)
                return;
        state->has_bookmarks = true;
        state->silence_ms = state->limits->silence_ms;
}

static void describe(const struct kube_watch_state *state, const struct kube_watch_spec *spec,
                     char out[static WHAT_MAX])
{
        (void)snprintf(out, WHAT_MAX, "%s of %.120s%s%.60s",
                       kube_watch_state_is_watching(state) ? "watch" : "list", spec->collection,
                       spec->name == NULL ? "" : "/", spec->name == NULL ? "" : spec->name);
}

void kube_watch_state_blame(const struct kube_watch_state *state, const struct kube_watch_spec *spec,
                            struct err *err)
{
        char what[WHAT_MAX];

        describe(state, spec, what);
        (void)err_wrap(err, "%s", what);
}

enum kube_watch_end kube_watch_state_judge(const struct kube_watch_state *state,
                                           const struct kube_watch_spec *spec,
                                           const struct kube_answer *answer, int64_t lasted_ms,
                                           struct err *err)
{
        const int status = answer->status;
        char what[WHAT_MAX];

        describe(state, spec, what);
        if (status == 200 && answer->err.kind == ERR_NONE) {
                (void)err_set(err, ERR_NETWORK, "%s: the API server ends the stream again and again", what);
                return KUBE_END_CLEAN;
        }
        if (kube_answer_judge(answer, what, err) == 0)
                (void)err_set(err, ERR_PROTOCOL, "%s: the API server answered %d", what, status);
        if (answer->err.kind == ERR_LIMIT)
                return KUBE_END_LARGE;
        if (status == 410)
                return KUBE_END_GONE;
        if (answer->err.kind == ERR_TIMEOUT && kube_watch_state_is_watching(state) &&
            lasted_ms >= state->silence_ms)
                return KUBE_END_SILENT;
        if (status >= 300 && status < 500 && status != 408 && status != 429)
                return KUBE_END_REFUSED;
        return KUBE_END_AWAY;
}

static void rest(struct kube_watch_state *state)
{
        kube_backoff_reset(&state->backoff);
        state->was_gone = false;
}

/* Ends that are part of the normal course: no pause, no failure. */
static bool is_normal(struct kube_watch_state *state, enum kube_watch_end end, int64_t lasted_ms)
{
        if (end == KUBE_END_CLEAN)
                return lasted_ms >= state->limits->steady_ms;
        if (end == KUBE_END_LARGE && !kube_watch_state_is_watching(state) && state->page > 1) {
                state->page = state->page / SHRINK > 0 ? state->page / SHRINK : 1;
                forget(state);
                return true;
        }
        if (end == KUBE_END_GONE && !state->was_gone) {
                state->was_gone = true;
                state->is_live = false;
                forget(state);
                return true;
        }
        return false;
}

static bool is_worth_telling(const struct kube_watch_state *state, enum kube_watch_end end, int failures)
{
        if (end == KUBE_END_REFUSED || end == KUBE_END_LARGE || !state->is_listed)
                return true;
        /* Short streams that bring something are odd, but nothing is missed. */
        return failures > 1 && (end != KUBE_END_CLEAN || state->frames == 0);
}

struct kube_watch_next kube_watch_state_end(struct kube_watch_state *state, enum kube_watch_end end,
                                            int64_t lasted_ms, int64_t retry_after_ms)
{
        const struct kube_watch_limits *limits = state->limits;
        const bool is_refused = end == KUBE_END_REFUSED || end == KUBE_END_LARGE;
        struct kube_watch_next next = { .pause_ms = 0 };

        if (state->has_begun && lasted_ms >= limits->steady_ms)
                rest(state);
        state->has_begun = false;
        if (end == KUBE_END_SILENT && !state->has_bookmarks)
                state->silence_ms = state->silence_ms * 2 < limits->silence_max_ms ? state->silence_ms * 2
                                                                                   : limits->silence_max_ms;
        if (is_normal(state, end, lasted_ms)) {
                state->frames = 0;
                return next;
        }
        state->is_live = false;
        state->backoff.max_ms = is_refused ? limits->refused_max_ms : limits->pause_max_ms;
        next.pause_ms = kube_backoff_next(&state->backoff, retry_after_ms);
        if (is_worth_telling(state, end, state->backoff.tries)) {
                next.tells_lost = !state->is_lost;
                state->is_lost = true;
        }
        /* Half a list is of no use either. */
        if (state->is_lost || !kube_watch_state_is_watching(state) || end == KUBE_END_GONE ||
            end == KUBE_END_GARBLED)
                forget(state);
        state->frames = 0;
        return next;
}
