// SPDX-License-Identifier: Apache-2.0
/*
 * The shell around watch_state.c: sends what it says, hands it what comes, and tells the user. At any time
 * either a call is under way or the timer is set, never both (but for the timer that waits for the first sign
 * of life of a stream).
 *
 * The trap: each callback of the user may close the watch. So whoever calls one holds it (enter, leave), and
 * looks at is_closed before going on.
 */
#include "kube/watch.h"

#include "base/mem.h"
#include "kube/told.h"
#include "kube/watch_state.h"

#include <string.h>

struct kube_watch {
        struct kube_client *client;
        struct loop_timer *timer;
        struct kube_call *call;
        struct kube_watch_state state;
        char *collection;
        char *name;
        char *labels;
        struct kube_watch_spec spec; /* of these */
        struct kube_frames frames;
        struct kube_told told;
        struct kube_watch_counts counts;
        struct mono began;  /* the call */
        enum err_kind lost; /* what LOST was told of last */
        kube_watch_fn *fn;
        void *arg;
        int holders;
        bool is_closed;
};

static void start(struct kube_watch *watch);

static void destroy(struct kube_watch *watch)
{
        loop_timer_free(watch->timer);
        kube_frames_done(&watch->frames);
        kube_told_done(&watch->told);
        kube_watch_state_done(&watch->state);
        mem_free(watch->collection);
        mem_free(watch->name);
        mem_free(watch->labels);
        mem_free(watch);
}

static void enter(struct kube_watch *watch)
{
        watch->holders++;
}

static void leave(struct kube_watch *watch)
{
        if (--watch->holders == 0 && watch->is_closed)
                destroy(watch);
}

/* False: the user has closed it. */
static bool tell(struct kube_watch *watch, const struct kube_watch_event *event)
{
        watch->lost = event->kind == KUBE_LOST ? event->err->kind : ERR_NONE;
        watch->counts.losses += event->kind == KUBE_LOST;
        watch->state.is_lost = event->kind == KUBE_LOST;
        if (event->kind == KUBE_OBJECT || event->kind == KUBE_GONE)
                watch->counts.events++;
        watch->fn(event, watch->arg);
        return !watch->is_closed;
}

static int64_t lasted(const struct kube_watch *watch)
{
        return clock_mono().ms - watch->began.ms;
}

static enum kube_watch_end judge(const struct kube_watch *watch, const struct kube_answer *answer,
                                 struct err *err)
{
        return kube_watch_state_judge(&watch->state, &watch->spec, answer, lasted(watch), err);
}

/* The call is over, by itself or by us. */
static void ended(struct kube_watch *watch, enum kube_watch_end end, int64_t retry_after_ms,
                  const struct err *err)
{
        struct kube_watch_next next;

        kube_call_cancel(watch->call);
        watch->call = NULL;
        kube_frames_done(&watch->frames);
        loop_timer_clear(watch->timer);
        next = kube_watch_state_end(&watch->state, end, lasted(watch), retry_after_ms);
        if ((next.tells_lost || (end == KUBE_END_REFUSED && err->kind != watch->lost)) &&
            !tell(watch, &(struct kube_watch_event){ .kind = KUBE_LOST, .err = err }))
                return;
        if (next.pause_ms == 0)
                start(watch);
        else
                loop_timer_set(watch->timer, next.pause_ms);
}

/* What came makes no sense, or is too much. */
static void broken(struct kube_watch *watch, enum kube_watch_end end, struct err *err)
{
        kube_watch_state_blame(&watch->state, &watch->spec, err);
        ended(watch, end, 0, err);
}

/* A server that knows no field selectors tells of others too. */
static bool is_ours(const struct kube_watch *watch, const struct kube_id *id)
{
        return watch->spec.name == NULL || strcmp(watch->spec.name, id->name) == 0;
}

static bool tell_object(struct kube_watch *watch, enum kube_watch_kind kind, const cJSON *object,
                        const struct kube_id *id)
{
        return tell(watch, &(struct kube_watch_event){ .kind = kind,
                                                       .object = object,
                                                       .namespace = id->namespace,
                                                       .name = id->name,
                                                       .version = id->version });
}

/* False: the watch is over, or the stream is. */
static bool take_object(struct kube_watch *watch, const struct kube_frame *frame)
{
        struct err err = ERR_INIT;
        bool is_news = false;

        if (!is_ours(watch, &frame->id))
                return true;
        if (frame->type == KUBE_FRAME_DELETED)
                return !kube_told_drop(&watch->told, &frame->id) ||
                       tell_object(watch, KUBE_GONE, frame->object, &frame->id);
        if (kube_told_put(&watch->told, &frame->id, &is_news, &err) != 0) {
                broken(watch, KUBE_END_REFUSED, &err);
                return false;
        }
        return !is_news || tell_object(watch, KUBE_OBJECT, frame->object, &frame->id);
}

/* An ERROR frame: the answer that the stream could not become. */
static void take_status(struct kube_watch *watch, const struct kube_frame *frame)
{
        AUTO(mem_free_p) char *body = NULL;
        struct kube_answer answer;
        struct err err = ERR_INIT;
        enum kube_watch_end end;

        kube_frame_status(frame, &answer, &body);
        end = judge(watch, &answer, &err);
        ended(watch, end, answer.retry_after_ms, &err);
}

static bool take_frame(struct kube_watch *watch, const char *text, size_t len)
{
        struct kube_frame frame;
        struct err err = ERR_INIT;
        bool goes_on = true;

        if (kube_frame_parse(text, len, &frame, &err) != 0) {
                broken(watch, KUBE_END_GARBLED, &err);
                return false;
        }
        if (frame.type == KUBE_FRAME_ERROR) {
                take_status(watch, &frame);
                goes_on = false;
        } else {
                kube_watch_state_frame(&watch->state, &frame);
                if (frame.type != KUBE_FRAME_BOOKMARK)
                        goes_on = take_object(watch, &frame);
        }
        kube_frame_done(&frame);
        return goes_on;
}

static void on_data(const char *data, size_t len, void *arg)
{
        struct kube_watch *watch = arg;
        struct err err = ERR_INIT;
        const char *text;
        size_t n;
        int found = 0;

        enter(watch);
        kube_watch_state_alive(&watch->state);
        kube_frames_feed(&watch->frames, data, len);
        while ((found = kube_frames_next(&watch->frames, &text, &n, &err)) == 1)
                if (!take_frame(watch, text, n))
                        break;
        if (found == -1)
                broken(watch, KUBE_END_GARBLED, &err);
        leave(watch);
}

/* What was told and is not in the list. */
static bool tell_vanished(struct kube_watch *watch, const char *version)
{
        AUTO(kube_told_done_p) struct kube_told gone = KUBE_TOLD_INIT;
        const char *name = watch->spec.name;

        kube_told_sweep(&watch->told, &gone);
        for (size_t i = 0; i < gone.n; i++) {
                struct kube_id id = kube_told_at(&gone, i);

                id.version = version;
                if (!tell_object(watch, KUBE_GONE, NULL, &id))
                        return false;
        }
        if (name == NULL || watch->told.n > 0 || gone.n > 0)
                return true;
        return tell_object(watch, KUBE_GONE, NULL,
                           &(struct kube_id){ .namespace = "", .name = name, .version = version });
}

/* 1: all told; 0: the user has closed it; -1: too many. */
static int tell_page(struct kube_watch *watch, const struct kube_page *page, struct err *err)
{
        if (watch->state.listing[0] == '\0')
                kube_told_unmark(&watch->told);
        for (const cJSON *item = page->items->child; item != NULL; item = item->next) {
                struct kube_id id;
                bool is_news;

                if (kube_id_read(item, &id, err) != 0)
                        return -1;
                if (!is_ours(watch, &id))
                        continue;
                if (kube_told_put(&watch->told, &id, &is_news, err) != 0)
                        return -1;
                if (!tell_object(watch, KUBE_OBJECT, item, &id))
                        return 0;
        }
        return 1;
}

static void take_page(struct kube_watch *watch, const struct kube_page *page)
{
        struct err err = ERR_INIT;
        char version[KUBE_VERSION_MAX];
        int result = tell_page(watch, page, &err);

        if (result == 0)
                return;
        if (result == 1)
                result = kube_watch_state_page(&watch->state, page, &err);
        if (result == -1) {
                broken(watch, KUBE_END_REFUSED, &err);
                return;
        }
        if (result == 1) {
                memcpy(version, watch->state.version, sizeof(version));
                if (!tell_vanished(watch, version) ||
                    !tell(watch, &(struct kube_watch_event){ .kind = KUBE_LISTED, .version = version }))
                        return;
        }
        start(watch);
}

static void on_listed(const struct kube_answer *answer, void *arg)
{
        struct kube_watch *watch = arg;
        struct err err = ERR_INIT;
        struct kube_page page;

        enter(watch);
        watch->call = NULL;
        if (answer->status != 200 || answer->err.kind != ERR_NONE) {
                const enum kube_watch_end end = judge(watch, answer, &err);

                ended(watch, end, answer->retry_after_ms, &err);
        } else if (kube_page_parse(answer->body, answer->len, &page, &err) != 0) {
                broken(watch, KUBE_END_GARBLED, &err);
        } else {
                take_page(watch, &page);
                kube_page_done(&page);
        }
        leave(watch);
}

static void on_ended(const struct kube_answer *answer, void *arg)
{
        struct kube_watch *watch = arg;
        struct err err = ERR_INIT;
        enum kube_watch_end end;

        enter(watch);
        watch->call = NULL;
        if (answer->status == 200)
                kube_watch_state_alive(&watch->state);
        end = judge(watch, answer, &err);
        if (end == KUBE_END_CLEAN && kube_frames_is_cut(&watch->frames)) {
                (void)err_set(&err, ERR_PROTOCOL, "the stream ended in the middle of a frame");
                kube_watch_state_blame(&watch->state, &watch->spec, &err);
                end = KUBE_END_AWAY;
        }
        ended(watch, end, answer->retry_after_ms, &err);
        leave(watch);
}

static void start(struct kube_watch *watch)
{
        const bool is_watch = kube_watch_state_is_watching(&watch->state);
        char path[KUBE_PATH_MAX];
        struct err err = ERR_INIT;
        const struct kube_request request = {
                .method = "GET",
                .path = path,
                .silence_ms = is_watch ? watch->state.silence_ms : 0,
        };

        watch->began = clock_mono();
        if (kube_watch_state_path(&watch->state, &watch->spec, path, &err) != 0) {
                broken(watch, KUBE_END_GARBLED, &err);
                return;
        }
        if (is_watch)
                watch->counts.watches++;
        else
                watch->counts.lists++;
        watch->call = kube_call_start(watch->client, &request, is_watch ? on_data : NULL,
                                      is_watch ? on_ended : on_listed, watch);
        if (is_watch && !watch->state.is_live)
                loop_timer_set(watch->timer, watch->state.limits->head_ms);
}

static void on_timer(void *arg)
{
        struct kube_watch *watch = arg;
        struct err err = ERR_INIT;

        enter(watch);
        if (watch->call != NULL)
                kube_watch_state_alive(&watch->state);
        else if (kube_watch_state_check(&watch->spec, &err) == 0)
                start(watch);
        else
                (void)tell(watch, &(struct kube_watch_event){ .kind = KUBE_LOST, .err = &err });
        leave(watch);
}

struct kube_watch *kube_watch_open_limited(struct kube_client *client, const struct kube_watch_spec *spec,
                                           const struct kube_watch_limits *limits, kube_watch_fn *fn,
                                           void *arg)
{
        struct kube_watch *watch = MEM_NEW(struct kube_watch);
        struct err err = ERR_INIT;

        watch->client = client;
        watch->timer = loop_timer_new(kube_client_loop(client), on_timer, watch);
        watch->collection = mem_strdup(spec->collection);
        watch->name = mem_strdup(spec->name);
        watch->labels = mem_strdup(spec->labels);
        watch->spec = (struct kube_watch_spec){ watch->collection, watch->name, watch->labels };
        watch->frames = (struct kube_frames)KUBE_FRAMES_INIT;
        watch->fn = fn;
        watch->arg = arg;
        kube_watch_state_init(&watch->state, limits);
        if (kube_watch_state_check(&watch->spec, &err) == 0)
                start(watch);
        else
                loop_timer_set(watch->timer, 0); /* it is told from the loop */
        return watch;
}

struct kube_watch *kube_watch_open(struct kube_client *client, const struct kube_watch_spec *spec,
                                   kube_watch_fn *fn, void *arg)
{
        return kube_watch_open_limited(client, spec, &kube_watch_defaults, fn, arg);
}

void kube_watch_close(struct kube_watch *watch)
{
        if (watch == NULL)
                return;
        kube_call_cancel(watch->call);
        watch->call = NULL;
        loop_timer_clear(watch->timer);
        watch->is_closed = true;
        enter(watch);
        leave(watch);
}

bool kube_watch_is_live(const struct kube_watch *watch)
{
        return watch->state.is_live;
}

struct kube_watch_counts kube_watch_counts(const struct kube_watch *watch)
{
        return watch->counts;
}
