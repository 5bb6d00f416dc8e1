// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * From a request that evhttp has read whole to the answer that goes out: which methods are taken, who makes
 * the answer, and with which headers. For http_server.c.
 */
#include "loop/http_server.h"

struct evhttp_request;

/* `sent` is called when the answer has gone out; of a connection that broke it is not. */
void http_answer(struct evhttp_request *request, const struct http_server_spec *spec,
                 void (*sent)(struct evhttp_request *request, void *arg), void *arg);
