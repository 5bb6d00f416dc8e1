// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * OpenSSL's client context for handshake.c, and the witness that each of its connections reports to.
 */
#include "certs/framing.h"
#include "certs/handshake.h"
#include "certs/stream.h"

#include <openssl/ssl.h>

/* Filled from OpenSSL's callbacks, in the moment a message arrives. Must outlive the connection. */
struct handshake_witness {
        struct chain *chain;   /* what the server sends is added here */
        bool asked_identity;   /* it asked for a client certificate */
        struct err unreadable; /* a certificate that could not be parsed; the ones before it are in chain */
};

/* A connection over two memory BIOs, owned by it (SSL_get_rbio, SSL_get_wbio).
 * ERR_INTERNAL; ERR_USAGE when the request's identity, name or protocol is of no use. */
int handshake_context_open(const struct handshake_context *context, const struct handshake_request *request,
                           struct handshake_witness *witness, SSL **out, struct err *err) MUST_CHECK;
/* Sends everything TLS has to say, in packets unless framing is NULL. STREAM_OK or STREAM_WAIT (until
 * writable, then again). */
enum stream_state handshake_context_flush(SSL *ssl, const struct framing *framing, struct stream *stream);
/* One read from the peer. STREAM_END with err filled: packets that are none. */
enum stream_state handshake_context_fill(SSL *ssl, struct framer *framer, struct stream *stream,
                                         struct err *err);
/* A polite end, as far as it goes at once, and SSL_free. The stream stays open. */
void handshake_context_close(SSL *ssl, struct stream *stream);
