// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One call as libcurl sees it: what is sent, and what is made of the answer. client.c decides when.
 */
#include "hooks/curl_library.h"
#include "kube/client.h"

#include "base/buf.h"

#include <sys/queue.h>

enum kube_call_state {
        KUBE_CALL_FRESH,   /* waits for its start */
        KUBE_CALL_RUNS,    /* libcurl has it */
        KUBE_CALL_ENDED,   /* the answer waits to be told */
        KUBE_CALL_DROPPED, /* cancelled while libcurl ran: it is removed afterwards */
        KUBE_CALL_OVER,    /* told, or being told */
};

/* The server's address in the forms that libcurl wants. */
struct kube_target {
        char *url;        /* the server's, or with the name to verify in the place of the host */
        char *connect_to; /* NULL: the host of the URL */
};

#define KUBE_CALL_LINES   3
#define KUBE_CALL_HEADERS (KUBE_CALL_LINES + 1)

struct kube_call {
        TAILQ_ENTRY(kube_call) entry;
        struct kube_client *client;
        enum kube_call_state state;
        char *method;
        char *path;
        char *type;
        char *body; /* NULL: none */
        int64_t limit_ms;
        int64_t silence_ms;
        kube_data_fn *data;
        kube_answer_fn *done;
        void *arg;

        const struct curl_library *curl;
        CURL *easy;
        struct secret authorization;
        char *lines[KUBE_CALL_LINES];                 /* the other header lines */
        struct curl_slist headers[KUBE_CALL_HEADERS]; /* libcurl borrows the list */
        struct curl_slist connect_to;
        char message[CURL_ERROR_SIZE];

        struct loop_timer *timer; /* the limit, then the silence */
        struct mono sent;
        struct mono *heard; /* the client's: when anything came */
        size_t head_len;
        int status; /* 0: the head is not complete */
        struct buf answer;
        int64_t retry_after_ms;
        struct err err;
};

struct kube_target kube_call_target(const struct kube_access *access);
void kube_call_target_done(struct kube_target *target);

struct kube_call *kube_call_new(const struct kube_request *request);
/* Out of libcurl already. */
void kube_call_free(struct kube_call *call);
/*
 * Makes the easy handle. The token is read here: ERR_AUTH when there is none, ERR_INTERNAL.
 */
int kube_call_prepare(struct kube_call *call, const struct curl_library *curl,
                      const struct kube_access *access, const struct kube_target *target,
                      struct err *err) MUST_CHECK;
/* libcurl has done with it: status and err say how it went. */
void kube_call_settle(struct kube_call *call, const struct kube_access *access, CURLcode code);
/* A stream whose head has come: its bytes are handed on, and silence is what ends it. */
bool kube_call_is_streaming(const struct kube_call *call);
