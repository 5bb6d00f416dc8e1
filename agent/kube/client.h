// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Calls of the API server: HTTP/2 over one connection for all of them, on the event loop. It knows tokens,
 * limits and how a dead connection is told from a quiet one; what an answer means is the callers' business,
 * with kube_answer_judge to help.
 */
#include "kube/access.h"
#include "loop/loop.h"

#define KUBE_PATH_MAX         2048
#define KUBE_ANSWER_MAX_BYTES ((size_t)4 << 20)
#define KUBE_CALL_LIMIT_MS    INT64_C(15000)

struct kube_client;

/*
 * libcurl is loaded here. The access is the client's from now on, also on failure. ERR_INTERNAL,
 * ERR_UNTRUSTED (authorities or client certificate that cannot be read).
 */
int kube_client_open(struct loop *loop, struct kube_access *access, struct kube_client **out,
                     struct err *err) MUST_CHECK;
/* All calls have ended or are cancelled first. Not from inside of a callback. NULL is fine. */
void kube_client_close(struct kube_client *client);
AUTO_DEFINE(struct kube_client, kube_client_close)
struct loop *kube_client_loop(struct kube_client *client);
const struct kube_access *kube_client_access(const struct kube_client *client);
/* Requests sent since it was opened, for metrics and tests. */
uint64_t kube_client_requests(const struct kube_client *client);

#define KUBE_JSON        "application/json"
#define KUBE_MERGE_PATCH "application/merge-patch+json"
#define KUBE_JSON_PATCH  "application/json-patch+json"
#define KUBE_APPLY_PATCH "application/apply-patch+yaml" /* server-side apply; JSON is YAML */

struct kube_request {
        const char *method; /* GET POST PUT PATCH DELETE */
        const char *path;   /* "/api/v1/namespaces/demo/secrets/x?…", escaped by the caller */
        const char *type;   /* of the body; NULL: KUBE_JSON */
        const char *body;   /* NULL: none; copied */
        int64_t limit_ms;   /* for the whole answer, of a stream for its head; 0: KUBE_CALL_LIMIT_MS */
        int64_t silence_ms; /* of a stream: without a byte for so long it is dead; 0: not a stream */
};

struct kube_answer {
        int status;             /* of HTTP; 0: no answer, see err */
        int64_t retry_after_ms; /* 0: not said */
        const char *body;       /* NUL-terminated; of a stream: "" unless the status is an error */
        size_t len;
        struct err err; /* of a call without an answer, or with half of one: ERR_NETWORK, ERR_TIMEOUT,
                           ERR_NOT_READY (nobody listens), ERR_UNTRUSTED, ERR_LIMIT, ERR_PROTOCOL; ERR_AUTH:
                           not sent, since there is no token */
};

typedef void kube_answer_fn(const struct kube_answer *answer, void *arg);
/* Bytes of a stream as they come; only of an answer with status 200. */
typedef void kube_data_fn(const char *data, size_t len, void *arg);

struct kube_call;
/*
 * Starts a call. `done` comes exactly once, from the loop, never from in here; in it the call is over and its
 * handle dead. `data` may be NULL unless silence_ms is given. A call that ended without an answer, or a
 * stream that fell silent, makes the client drop its connection, unless something else came over it
 * meanwhile: everything else on it ends with ERR_NETWORK, and the next call opens a new one.
 */
struct kube_call *kube_call_start(struct kube_client *client, const struct kube_request *request,
                                  kube_data_fn *data, kube_answer_fn *done, void *arg);
/* Ends it without a callback; NULL is fine; also inside of `data` of the same call. */
void kube_call_cancel(struct kube_call *call);

/*
 * 0 for 2xx. Otherwise -1 with the server's own sentence (metav1.Status.message, trimmed, never more than a
 * line):
 *   ERR_MISSING 404 · ERR_CHANGED 409 and 410 · ERR_AUTH 401 · ERR_PRIVILEGE 403 · ERR_REFUSED 400, 422 and
 *   other 4xx · ERR_NOT_READY 429, 503, 504, no listener · ERR_NETWORK other 5xx · else what answer->err says
 */
int kube_answer_judge(const struct kube_answer *answer, const char *what, struct err *err) MUST_CHECK;
/* Is it worth while to ask again by itself: not after 400, 404, 405, 409, 410, 413, 415, 422. 403 and 401 may
 * pass: roles are granted later, tokens renewed. */
bool kube_answer_may_pass(const struct kube_answer *answer);
