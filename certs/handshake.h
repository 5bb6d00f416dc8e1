// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What does this listener serve? One TLS handshake, in the protocol the listener speaks, that returns the
 * whole chain the server sent even when either side then rejects the other.
 */
#include "base/op.h"
#include "certs/bundle.h"
#include "certs/preamble.h"

/*
 * What handshakes share: building OpenSSL's client context costs more than a handshake's own set-up. Made
 * once by whoever makes many; must outlive every operation that uses it.
 */
struct handshake_context;

int handshake_context_new(struct handshake_context **out, struct err *err) MUST_CHECK;
void handshake_context_free(struct handshake_context *context);
AUTO_DEFINE(struct handshake_context, handshake_context_free)

struct handshake_request {
        struct handshake_context *context; /* NULL: one of its own */
        const char *host;                  /* name or address; a path beginning with '/' is a unix socket */
        int port;
        const char *server_name;         /* SNI; NULL: host unless it is an address or a path */
        const struct preamble *preamble; /* NULL: TLS from the first byte */
        const char *alpn;                /* one protocol, NULL for none */
        const struct chain *authorities; /* what the client trusts; NULL: nothing is verified */
        const struct bundle *identity;   /* client certificate and key; NULL for none */
        bool check_name;                 /* verify server_name (or host) against the leaf too */
        bool prove_mutual; /* TLS 1.2 at most, so that a server's refusal of our certificate arrives inside
                              the handshake */
        int settle_ms;     /* after a TLS 1.3 handshake in which the server asked for a certificate: wait this
                              long     for its refusal, which only comes then; 0: do not */
};

struct handshake_result {
        struct chain chain;    /* as the server sent it; n == 0 when it sent none */
        bool completed;        /* both sides finished; under TLS 1.3 the server may refuse us after that */
        bool asked_identity;   /* the server asked for a client certificate */
        bool trusted;          /* authorities were given and the chain verifies */
        char verify_text[256]; /* why not trusted; "" otherwise */
        char refusal[160];     /* why not completed though a chain came; "" otherwise */
        char tls_version[16];  /* "TLSv1.3" */
        char cipher[64];
        char server[PREAMBLE_SERVER_MAX]; /* what the preamble learned */
        char address[64];                 /* that answered */
        int64_t elapsed_ms;
};

/*
 * The request's strings and pointers are borrowed until the operation is freed, and not the struct itself;
 * result is initialised here, and freed by the caller with handshake_done once the operation is freed.
 *
 * Weak chains (SHA-1, short RSA) are fetched all the same: judging them is the policy's work. TLS 1.2 is the
 * lowest version spoken.
 *
 * A MySQL server counts a connection that ends without a login as aborted, and blocks a host after
 * max_connect_errors of them in a row (error 1129). Loopback and unix sockets are exempt: prove those.
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
