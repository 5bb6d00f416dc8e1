// SPDX-License-Identifier: Apache-2.0
/*
 * A TLS client that never says no. OpenSSL's own verification is replaced by a callback that only takes the
 * chain down, so that it is in hand whatever happens after. Everything weak is allowed here, because a
 * server that serves it is exactly what people want to see; nothing but a handshake ever goes over it.
 */
#include "certs/handshake_context.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#define SERVER_NAME_MAX 255

struct handshake_context {
        SSL_CTX *ctx;
};

static void ssl_free_p(SSL **ssl)
{
        SSL_free(*ssl);
}

/* Clears the queue, so that an old entry is never taken for the next failure. */
static int fail(struct err *err, enum err_kind kind, const char *what)
{
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());

        err_set_(err, kind, "%s: %s", what, reason != NULL ? reason : "OpenSSL gives no reason");
        ERR_clear_error();
        return -1;
}

static int keep_chain(X509_STORE_CTX *store, void *arg UNUSED)
{
        const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        struct handshake_witness *witness = SSL_get_app_data(ssl);
        STACK_OF(X509) *served = X509_STORE_CTX_get0_untrusted(store);

        for (int i = 0; i < sk_X509_num(served); i++) {
                AUTO(cert_free_p) struct cert *cert = NULL;

                if (cert_from_x509(sk_X509_value(served, i), &cert, &witness->unreadable) != 0) {
                        err_wrap_(&witness->unreadable, "certificate %d of the chain served", i + 1);
                        break;
                }
                chain_add(witness->chain, cert);
        }
        return 1;
}

static int note_request(SSL *ssl, void *arg UNUSED)
{
        struct handshake_witness *witness = SSL_get_app_data(ssl);

        witness->asked_identity = true;
        return 1;
}

int handshake_context_new(struct handshake_context **out, struct err *err)
{
        AUTO(handshake_context_free_p) struct handshake_context *context = MEM_NEW(struct handshake_context);
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

        if (ctx == NULL)
                return fail(err, ERR_INTERNAL, "TLS client context");
        context->ctx = ctx;
        /* After whatever openssl.cnf says. */
        if (SSL_CTX_set_cipher_list(ctx, "DEFAULT:@SECLEVEL=0") != 1 ||
            SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
            SSL_CTX_set_max_proto_version(ctx, 0) != 1)
                return fail(err, ERR_INTERNAL, "TLS client context");
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                               SSL_OP_LEGACY_SERVER_CONNECT);
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
        SSL_CTX_set_cert_verify_callback(ctx, keep_chain, NULL);
        SSL_CTX_set_cert_cb(ctx, note_request, NULL);
        *out = TAKE(context);
        return 0;
}

void handshake_context_free(struct handshake_context *context)
{
        if (context == NULL)
                return;
        SSL_CTX_free(context->ctx);
        mem_free(context);
}

static bool is_address(const char *host)
{
        uint8_t address[sizeof(struct in6_addr)];

        return strchr(host, ':') != NULL || inet_pton(AF_INET, host, address) == 1;
}

/* RFC 6066, 3: a DNS name without its final dot; addresses have no place there. */
static int set_server_name(SSL *ssl, const struct handshake_request *request, struct err *err)
{
        const char *name = request->server_name != NULL ? request->server_name : request->host;
        size_t len = strlen(name);
        char text[SERVER_NAME_MAX + 1];

        if (len == 0 || name[0] == '/' || is_address(name))
                return 0;
        if (len > SERVER_NAME_MAX)
                return err_set(err, ERR_USAGE, "server name '%.40s…' is longer than %d bytes", name,
                               SERVER_NAME_MAX);
        memcpy(text, name, len + 1);
        if (text[len - 1] == '.')
                text[len - 1] = '\0';
        if (SSL_set_tlsext_host_name(ssl, text) != 1)
                return fail(err, ERR_USAGE, "server name");
        return 0;
}

static int set_alpn(SSL *ssl, const char *protocol, struct err *err)
{
        uint8_t wire[256];
        size_t len;

        if (protocol == NULL)
                return 0;
        len = strlen(protocol);
        if (len == 0 || len > 255)
                return err_set(err, ERR_USAGE, "an ALPN protocol has 1 to 255 bytes");
        wire[0] = (uint8_t)len;
        memcpy(wire + 1, protocol, len);
        if (SSL_set_alpn_protos(ssl, wire, (unsigned)len + 1) != 0)
                return fail(err, ERR_INTERNAL, "ALPN");
        return 0;
}

static int set_identity(SSL *ssl, const struct bundle *identity, struct err *err)
{
        const struct chain *chain;

        if (identity == NULL)
                return 0;
        chain = &identity->chain;
        if (identity->key == NULL)
                return err_set(err, ERR_USAGE, "the client certificate has no private key");
        if (SSL_use_certificate(ssl, chain->certs[0]->x509) != 1 ||
            SSL_use_PrivateKey(ssl, identity->key->pkey) != 1)
                return fail(err, ERR_USAGE, "the client certificate and its key do not fit");
        for (size_t i = 1; i < chain->n; i++)
                if (SSL_add1_chain_cert(ssl, chain->certs[i]->x509) != 1)
                        return fail(err, ERR_INTERNAL, "client certificate chain");
        return 0;
}

int handshake_context_open(const struct handshake_context *context, const struct handshake_request *request,
                           struct handshake_witness *witness, SSL **out, struct err *err)
{
        AUTO(ssl_free_p) SSL *ssl = SSL_new(context->ctx);
        BIO *in = BIO_new(BIO_s_mem());
        BIO *to = BIO_new(BIO_s_mem());

        if (ssl == NULL || in == NULL || to == NULL) {
                (void)BIO_free(in);
                (void)BIO_free(to);
                return fail(err, ERR_INTERNAL, "TLS connection");
        }
        SSL_set_bio(ssl, in, to);
        SSL_set_connect_state(ssl);
        (void)SSL_set_app_data(ssl, witness);
        /* The records of TLS 1.3 that follow its handshake would be outside the packets. */
        if ((request->prove_mutual || (request->preamble != NULL && request->preamble->framing != NULL)) &&
            SSL_set_max_proto_version(ssl, TLS1_2_VERSION) != 1)
                return fail(err, ERR_INTERNAL, "TLS connection");
        if (set_server_name(ssl, request, err) != 0 || set_alpn(ssl, request->alpn, err) != 0 ||
            set_identity(ssl, request->identity, err) != 0)
                return -1;
        *out = TAKE(ssl);
        return 0;
}

enum stream_state handshake_context_flush(SSL *ssl, const struct framing *framing, struct stream *stream)
{
        size_t header_len = framing == NULL ? 0 : framing->header_len;
        size_t payload_max = framing == NULL ? STREAM_CHUNK : framing->payload_max;
        uint8_t out[STREAM_CHUNK];

        for (;;) {
                int n;

                if (stream_flush(stream) == STREAM_WAIT)
                        return STREAM_WAIT;
                n = BIO_read(SSL_get_wbio(ssl), out + header_len, (int)payload_max);
                if (n <= 0)
                        return STREAM_OK;
                if (framing != NULL)
                        framing->wrap(out, (size_t)n);
                stream_put(stream, out, header_len + (size_t)n);
        }
}

/* A memory BIO takes everything; out of memory is the only way it could not. */
enum stream_state handshake_context_fill(SSL *ssl, struct framer *framer, struct stream *stream,
                                         struct err *err)
{
        uint8_t in[STREAM_CHUNK];
        size_t got = 0;
        enum stream_state state = stream_get(stream, in, sizeof(in), &got);

        if (state != STREAM_OK)
                return state;
        if (framing_strip(framer, in, &got, err) != 0)
                return STREAM_END;
        if (got > 0 && BIO_write(SSL_get_rbio(ssl), in, (int)got) != (int)got) {
                stream->sys = ENOMEM;
                return STREAM_END;
        }
        return state;
}

void handshake_context_close(SSL *ssl, struct stream *stream)
{
        uint8_t rest[STREAM_CHUNK];
        size_t got = 0;

        ERR_clear_error();
        if (SSL_is_init_finished(ssl) && stream->out_len == 0) {
                (void)SSL_shutdown(ssl);
                (void)handshake_context_flush(ssl, NULL, stream);
        }
        /* Bytes left unread would turn the end of the connection into a reset. */
        (void)stream_get(stream, rest, sizeof(rest), &got);
        SSL_free(ssl);
        ERR_clear_error();
}
