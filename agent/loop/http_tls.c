// SPDX-License-Identifier: Apache-2.0
/*
 * OpenSSL below libevent. Two traps: OpenSSL 3 makes an error of a peer that closes without saying so, which
 * clients of HTTP do all the time (lengths are told by Content-Length, so nothing is lost by allowing it);
 * and a ticket would bring a client back without ever seeing the new certificate.
 */
#include "loop/http_tls.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>

#include "base/mem.h"
#include "loop/loop.h"

struct http_tls {
        SSL_CTX *ctx;
};

static void ctx_free_p(SSL_CTX **ctx)
{
        SSL_CTX_free(*ctx);
}

/* Clears the queue, so that an old entry is never taken for the next failure. */
static int fail(struct err *err, enum err_kind kind, const char *what)
{
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());

        err_set_(err, kind, "%s: %s", what, reason != NULL ? reason : "OpenSSL gives no reason");
        ERR_clear_error();
        return -1;
}

static int make_context(SSL_CTX **out, struct err *err)
{
        AUTO(ctx_free_p) SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

        /* After whatever openssl.cnf says. */
        if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
            SSL_CTX_set_max_proto_version(ctx, 0) != 1 || SSL_CTX_set_num_tickets(ctx, 0) != 1)
                return fail(err, ERR_INTERNAL, "TLS server context");
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                               SSL_OP_IGNORE_UNEXPECTED_EOF);
        (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        *out = TAKE(ctx);
        return 0;
}

int http_tls_new(struct http_tls **out, struct err *err)
{
        AUTO(http_tls_free_p) struct http_tls *tls = MEM_NEW(struct http_tls);

        if (make_context(&tls->ctx, err) != 0)
                return -1;
        *out = TAKE(tls);
        return 0;
}

void http_tls_free(struct http_tls *tls)
{
        if (tls == NULL)
                return;
        SSL_CTX_free(tls->ctx);
        mem_free(tls);
}

int http_tls_use(struct http_tls *tls, EVP_PKEY *key, X509 *const *chain, size_t n, struct err *err)
{
        AUTO(ctx_free_p) SSL_CTX *ctx = NULL;

        if (make_context(&ctx, err) != 0)
                return -1;
        if (SSL_CTX_use_certificate(ctx, chain[0]) != 1)
                return fail(err, ERR_REFUSED, "certificate");
        if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
                return fail(err, ERR_REFUSED, "private key");
        for (size_t i = 1; i < n; i++)
                if (SSL_CTX_add1_chain_cert(ctx, chain[i]) != 1)
                        return fail(err, ERR_REFUSED, "chain");
        SSL_CTX_free(tls->ctx); /* connections have a reference of their own */
        tls->ctx = TAKE(ctx);
        return 0;
}

struct bufferevent *http_tls_accept(struct http_tls *tls, struct event_base *base)
{
        SSL *ssl = SSL_new(tls->ctx);
        struct bufferevent *bev;

        loop_need(ssl != NULL, "TLS connection");
        bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
        if (bev != NULL)
                bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
        return bev;
}
