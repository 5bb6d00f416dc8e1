// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A small HTTP/1.1 server (evhttp) for health, metrics and status: GET and HEAD only, every limit set,
 * connections counted and capped (HTTP_CONNECTIONS_MAX), answers made at once by a pure function.
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

struct http_server;

/*
 * address: "127.0.0.1:9533", "[::1]:9533", ":9533" (all interfaces), or "/path" for a unix socket (mode
 * 0600; a stale one is replaced, a live one is an error). ERR_USAGE bad address, ERR_IO in use.
 */
int http_server_open(struct loop *loop, const char *address, http_handler_fn *fn, void *arg,
                     struct http_server **out, struct err *err) MUST_CHECK;
/* The port bound, for ":0" in tests. 0 for a unix socket. */
int http_server_port(const struct http_server *server);
void http_server_close(struct http_server *server);
AUTO_DEFINE(struct http_server, http_server_close)
