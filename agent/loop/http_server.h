// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A small HTTP/1.1 server (evhttp): for health, metrics and status GET and HEAD, for whoever asks for it POST
 * instead, plain or over TLS. Every limit set: on sizes, on the number of connections, and on the time from
 * the start of a connection, its TLS handshake included, to the end of a request. Answers are made at once,
 * by one function.
 */
#include "base/buf.h"
#include "loop/loop.h"

struct http_reply {
        int status;               /* 200, 404, 503 … */
        const char *content_type; /* static string */
        struct buf body;          /* initialised by the server */
};

/* path without query; query "" when none. */
typedef void http_handler_fn(const char *path, const char *query, struct http_reply *reply, void *arg);

struct http_post {
        const char *path;         /* without query */
        const char *content_type; /* "" when none */
        const char *body;         /* no NUL behind it */
        size_t len;
};
typedef void http_post_fn(const struct http_post *post, struct http_reply *reply, void *arg);

struct http_tls;

struct http_server_spec {
        /* "127.0.0.1:9533", "[::1]:9533", ":9533" (all interfaces), or "/path" for a unix socket (mode 0600;
         * a stale one is replaced, a live one is an error). */
        const char *address;
        http_handler_fn *get;   /* one of the two; other methods get 405 */
        http_post_fn *post;     /* each answer is the last of its connection */
        size_t body_max;        /* of a POST: 413 beyond it */
        size_t connections_max; /* 0: HTTP_CONNECTIONS_MAX */
        struct http_tls *tls;   /* NULL: plain. Borrowed, outlives the server (loop/http_tls.h) */
        void *arg;
};

struct http_server;

/* ERR_USAGE bad address, ERR_IO in use. The spec is copied, but not what it points to. */
int http_server_start(struct loop *loop, const struct http_server_spec *spec, struct http_server **out,
                      struct err *err) MUST_CHECK;
/* Plain, GET and HEAD. */
int http_server_open(struct loop *loop, const char *address, http_handler_fn *fn, void *arg,
                     struct http_server **out, struct err *err) MUST_CHECK;
/* The port bound, for ":0" in tests. 0 for a unix socket. */
int http_server_port(const struct http_server *server);
void http_server_close(struct http_server *server);
AUTO_DEFINE(struct http_server, http_server_close)
