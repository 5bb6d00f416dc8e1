// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Clients over TLS of the server of http_tls_scene.h.
 */
#include "http_tls_scene.h"

struct client {
        int fd;
        SSL_CTX *ctx;
        SSL *ssl;
};

static UNUSED void client_close(struct client *client)
{
        SSL_free(client->ssl);
        SSL_CTX_free(client->ctx);
        if (client->fd > 0)
                (void)close(client->fd);
        *client = (struct client){ 0 };
}

/* version 0: whatever the client has. */
static UNUSED bool client_try(struct client *client, const struct scene *scene, int version, bool must)
{
        client->fd = dial(scene);
        client->ctx = SSL_CTX_new(TLS_client_method());
        assert_non_null(client->ctx);
        assert_int_equal(SSL_CTX_set_max_proto_version(client->ctx, version), 1);
        (void)SSL_CTX_set_options(client->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
        client->ssl = SSL_new(client->ctx);
        assert_non_null(client->ssl);
        assert_int_equal(SSL_set_fd(client->ssl, client->fd), 1);
        if (SSL_connect(client->ssl) == 1)
                return true;
        assert_false(must);
        return false;
}

static UNUSED void client_open(struct client *client, const struct scene *scene, int version)
{
        (void)client_try(client, scene, version, true);
}

static UNUSED bool client_send(struct client *client, const char *data, size_t len)
{
        size_t n = 0;

        return len == 0 || SSL_write_ex(client->ssl, data, len, &n) == 1;
}

static UNUSED void client_shutdown(struct client *client)
{
        (void)SSL_shutdown(client->ssl);
        (void)shutdown(client->fd, SHUT_WR);
}

/* Nothing is expected to be there but the end. */
static UNUSED bool client_is_cut(struct client *client)
{
        char c;

        return recv(client->fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) == 0 ||
               (recv(client->fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) == -1 && errno == ECONNRESET);
}

static UNUSED ssize_t client_read(struct client *client, char *out, size_t room)
{
        size_t len = 0;
        size_t n;

        while (len < room - 1 && SSL_read_ex(client->ssl, out + len, room - 1 - len, &n) == 1)
                len += n;
        out[len] = '\0';
        return (ssize_t)len;
}

/* By mem_free. */
static UNUSED char *client_subject(const struct client *client)
{
        AUTO(mem_free_p) char *text = mem_new(256);
        X509 *leaf = SSL_get1_peer_certificate(client->ssl);

        assert_non_null(leaf);
        assert_non_null(X509_NAME_oneline(X509_get_subject_name(leaf), text, 256));
        X509_free(leaf);
        return TAKE(text);
}

static UNUSED char *tls_exchange(const struct scene *scene, const char *request, size_t len)
{
        struct client client = { 0 };
        char *out = mem_new(65536);

        client_open(&client, scene, 0);
        (void)client_send(&client, request, len); /* may be cut short by an answer */
        (void)client_read(&client, out, 65536);
        client_close(&client);
        return out;
}

static UNUSED char *tls_post(const struct scene *scene, const char *path, const char *type, const char *body,
                             size_t len)
{
        AUTO(mem_free_p)
        char *head =
                mem_printf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                           path, type, len);
        const size_t head_len = strlen(head);
        AUTO(mem_free_p) char *whole = mem_new(head_len + len + 1);

        memcpy(whole, head, head_len);
        memcpy(whole + head_len, body, len);
        return tls_exchange(scene, whole, head_len + len);
}
