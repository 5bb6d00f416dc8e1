// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The TLS side of an HTTP server: TLS 1.3 and nothing older, no tickets, no early data. The certificate can
 * be replaced at any moment: connections that have begun keep theirs. Before the first one every handshake is
 * refused with an alert.
 */
#include "base/err.h"

#include <openssl/ssl.h>

struct bufferevent;
struct event_base;
struct http_tls;

/* ERR_INTERNAL */
int http_tls_new(struct http_tls **out, struct err *err) MUST_CHECK;
void http_tls_free(struct http_tls *tls);
AUTO_DEFINE(struct http_tls, http_tls_free)
/* Leaf first, n >= 1; references are taken. ERR_REFUSED: OpenSSL does not take it, and what was there stays.
 */
int http_tls_use(struct http_tls *tls, EVP_PKEY *key, X509 *const *chain, size_t n,
                 struct err *err) MUST_CHECK;
/* Of a connection that is about to be accepted; for http_server.c. */
struct bufferevent *http_tls_accept(struct http_tls *tls, struct event_base *base);
