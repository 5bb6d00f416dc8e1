// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What does this listener serve? One TLS handshake, in the protocol the listener speaks, that returns the
 * whole chain the server sent even when either side then rejects the other.
 */
#include "base/op.h"
#include "certs/bundle.h"
#include "certs/preamble.h"

struct handshake_request {
        const char *host; /* name or address; a path beginning with '/' is a unix socket */
        int port;
        const char *server_name;         /* SNI; NULL: host unless it is an address or a path */
        const struct preamble *preamble; /* NULL: TLS from the first byte */
        const char *alpn;                /* one protocol, NULL for none */
        const struct chain *authorities; /* what the client trusts; NULL: nothing is verified */
        const struct bundle *identity;   /* client certificate and key; NULL for none */
        bool check_name;                 /* verify server_name (or host) against the leaf too */
        bool prove_mutual; /* TLS 1.2 at most, so that a server's refusal of our certificate arrives inside
                              the handshake */
};

struct handshake_result {
        struct chain chain;    /* as the server sent it; n == 0 when it sent none */
        bool completed;        /* both sides finished */
        bool trusted;          /* authorities were given and the chain verifies */
        char verify_text[160]; /* why not trusted; "" otherwise */
        char refusal[160];     /* why not completed though a chain came; "" otherwise */
        char tls_version[16];  /* "TLSv1.3" */
        char cipher[64];
        char server[PREAMBLE_SERVER_MAX]; /* what the preamble learned */
        char address[64];                 /* that answered */
        int64_t elapsed_ms;
};

/*
 * The request's strings and pointers are borrowed until the operation is freed; so is result, which is
 * initialised here and freed by the caller with handshake_done once the operation is freed.
 *
 * Fails when no chain could be had at all: ERR_NOT_READY refused or no such socket, ERR_NETWORK broken off,
 * ERR_PROTOCOL no TLS here or garbage, ERR_TIMEOUT (limit_ms).
 * Succeeds when a chain came; whether that is good is in result.
 */
struct op *handshake_start(const struct handshake_request *request, int64_t limit_ms,
                           struct handshake_result *result);
void handshake_done(struct handshake_result *result);
static inline UNUSED void handshake_done_p(struct handshake_result *result)
{
        handshake_done(result);
}
