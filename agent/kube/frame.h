// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What list and watch answer: a stream of frames, one JSON document a line, in pieces that end anywhere; and
 * pages of a list. A document that came in one piece is read where it lies; of one that did not only its own
 * bytes are kept, until it has been taken.
 */
#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "kube/client.h"

#define KUBE_FRAME_MAX_BYTES JSON_MAX_BYTES
#define KUBE_VERSION_MAX     64 /* with its NUL; today's are decimal numbers, but nobody has promised that */
#define KUBE_NAME_MAX        253

struct kube_frames {
        struct buf rest; /* of a document whose end has not come */
        bool is_taken;   /* `rest` was handed out and is to be dropped */
        const char *data;
        size_t len;
};

#define KUBE_FRAMES_INIT                                                                                     \
        {                                                                                                    \
                BUF_INIT(KUBE_FRAME_MAX_BYTES), false, NULL, 0                                               \
        }

/* The piece is borrowed until kube_frames_next says that nothing more is in it. */
void kube_frames_feed(struct kube_frames *frames, const char *data, size_t len);
/*
 * 1: the next document, valid until the next call, may be unreadable; 0: none before more is fed.
 * ERR_LIMIT: it is larger than KUBE_FRAME_MAX_BYTES; nothing after it can be found.
 */
int kube_frames_next(struct kube_frames *frames, const char **text, size_t *len, struct err *err) MUST_CHECK;
/* A document has begun and not ended. */
bool kube_frames_is_cut(const struct kube_frames *frames);
/* Empty and usable again. */
void kube_frames_done(struct kube_frames *frames);

/* Which object, in which state; strings belong to the tree it was read from. */
struct kube_id {
        const char *namespace; /* "" for objects outside of namespaces */
        const char *name;
        const char *version;
};

/* ERR_PARSE: no object of the API: name or resourceVersion are missing or no such thing. */
int kube_id_read(const cJSON *object, struct kube_id *out, struct err *err) MUST_CHECK;

enum kube_frame_type {
        KUBE_FRAME_ADDED,
        KUBE_FRAME_MODIFIED,
        KUBE_FRAME_DELETED,
        KUBE_FRAME_BOOKMARK, /* only id.version */
        KUBE_FRAME_ERROR,    /* only object: a metav1.Status */
};

struct kube_frame {
        enum kube_frame_type type;
        cJSON *tree;
        const cJSON *object;
        struct kube_id id;
};

/* ERR_PARSE or ERR_LIMIT: whatever is not exactly one of the five. */
int kube_frame_parse(const char *text, size_t len, struct kube_frame *out, struct err *err) MUST_CHECK;
void kube_frame_done(struct kube_frame *frame);
/* The Status as the answer it would have been; answer->body is mem_free'd by the caller. */
void kube_frame_status(const struct kube_frame *frame, struct kube_answer *answer, char **body);

struct kube_page {
        cJSON *tree;
        const cJSON *items;  /* an array (or null) in which each element has an id */
        const char *version; /* of the list */
        const char *more;    /* continue token, NULL: that was the last page */
};

/* ERR_PARSE or ERR_LIMIT: no list. A single object is none either. */
int kube_page_parse(const char *text, size_t len, struct kube_page *out, struct err *err) MUST_CHECK;
void kube_page_done(struct kube_page *page);
