// SPDX-License-Identifier: Apache-2.0
#include "loop/http_answer.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <string.h>

#define URI_MAX    2048
#define REPLY_MAX  ((size_t)1 << 20)

#define TEXT_PLAIN "text/plain; charset=utf-8"

static const char *phrase(int status)
{
        switch (status) {
        case 200:
                return "OK";
        case 404:
                return "Not Found";
        case 405:
                return "Method Not Allowed";
        case 413:
                return "Content Too Large";
        case 414:
                return "URI Too Long";
        case 415:
                return "Unsupported Media Type";
        case 503:
                return "Service Unavailable";
        default:
                return status < 500 ? "Bad Request" : "Internal Server Error";
        }
}

/*
 * evhttp does not read the body of a GET: it must not be taken for the next request. And whoever POSTs is
 * told not to come again over the same connection: a client takes up an idle one at the very moment at which
 * we may be closing it, and a POST that got no answer is not sent twice.
 */
static bool is_last(struct evhttp_request *request, const struct http_server_spec *spec, int status)
{
        struct evkeyvalq *asked = evhttp_request_get_input_headers(request);

        return status == 405 || spec->post != NULL || evhttp_find_header(asked, "Content-Length") != NULL ||
               evhttp_find_header(asked, "Transfer-Encoding") != NULL;
}

static void send_reply(struct evhttp_request *request, const struct http_server_spec *spec,
                       const struct http_reply *reply)
{
        struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
        struct evbuffer *body = evhttp_request_get_output_buffer(request);
        char len[24];

        (void)snprintf(len, sizeof(len), "%zu", reply->body.len);
        (void)evhttp_add_header(headers, "Content-Type", reply->content_type);
        (void)evhttp_add_header(headers, "Content-Length", len); /* of a HEAD too */
        (void)evhttp_add_header(headers, "Cache-Control", "no-store");
        (void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
        if (reply->status == 405)
                (void)evhttp_add_header(headers, "Allow", spec->post != NULL ? "POST" : "GET, HEAD");
        if (is_last(request, spec, reply->status))
                (void)evhttp_add_header(headers, "Connection", "close");
        if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD && reply->body.len > 0)
                (void)evbuffer_add(body, reply->body.data, reply->body.len);
        evhttp_send_reply(request, reply->status, phrase(reply->status), NULL);
}

static bool is_taken(enum evhttp_cmd_type method, const struct http_server_spec *spec)
{
        if (spec->post != NULL)
                return method == EVHTTP_REQ_POST;
        return method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD;
}

static void make_reply(struct evhttp_request *request, const struct http_server_spec *spec,
                       struct http_reply *reply)
{
        const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
        const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
        const char *query = uri != NULL ? evhttp_uri_get_query(uri) : NULL;
        struct evbuffer *body = evhttp_request_get_input_buffer(request);
        struct http_post post = { .path = path != NULL && path[0] != '\0' ? path : "/" };

        if (spec->post == NULL) {
                spec->get(post.path, query != NULL ? query : "", reply, spec->arg);
                return;
        }
        post.content_type = evhttp_find_header(evhttp_request_get_input_headers(request), "Content-Type");
        if (post.content_type == NULL)
                post.content_type = "";
        post.len = evbuffer_get_length(body);
        post.body = post.len == 0 ? "" : (const char *)evbuffer_pullup(body, -1);
        spec->post(&post, reply, spec->arg);
}

void http_answer(struct evhttp_request *request, const struct http_server_spec *spec,
                 void (*sent)(struct evhttp_request *request, void *arg), void *arg)
{
        struct http_reply reply = { 200, TEXT_PLAIN, BUF_INIT(REPLY_MAX) };

        if (!is_taken(evhttp_request_get_command(request), spec)) {
                reply.status = 405;
                buf_add_str(&reply.body, spec->post != NULL ? "only POST\n" : "only GET and HEAD\n");
        } else if (strlen(evhttp_request_get_uri(request)) > URI_MAX) {
                reply.status = 414;
                buf_add_str(&reply.body, "address too long\n");
        } else {
                make_reply(request, spec, &reply);
        }
        if (reply.body.overflow) {
                reply.status = 500;
                reply.content_type = TEXT_PLAIN;
                buf_reset(&reply.body);
                buf_add_str(&reply.body, "answer too long\n");
        }
        evhttp_request_set_on_complete_cb(request, sent, arg);
        send_reply(request, spec, &reply);
        buf_done(&reply.body);
}
