// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A POST server over TLS in a process of its own, and clients for it.
 */
#include "http_client.h"

#include "loop/http_tls.h"
#include "testca.h"

#define BODY_MAX        ((size_t)1 << 20)
#define CONNECTIONS_MAX 16

struct tls_service {
        struct loop *loop;
        struct http_tls *tls;
        struct testca *leaves[2];
        struct testca *root;
        size_t next;
        int report;
};

static UNUSED void tls_use_next(struct tls_service *service)
{
        struct testca *leaf = service->leaves[service->next++ % 2];
        X509 *const chain[] = { leaf->x509, service->root->x509 };
        struct err err = ERR_INIT;

        if (http_tls_use(service->tls, leaf->key, chain, ARRAY_LEN(chain), &err) != 0)
                abort();
}

static UNUSED void tls_answer(const struct http_post *post, struct http_reply *reply, void *arg UNUSED)
{
        buf_printf(&reply->body, "%s %s %zu ", post->path, post->content_type, post->len);
        if (post->len < 100)
                buf_add(&reply->body, post->body, post->len);
}

static UNUSED void tls_signalled(int signo, void *arg)
{
        struct tls_service *service = arg;
        const char done = 'x';

        if (signo == SIGTERM) {
                loop_stop(service->loop);
                return;
        }
        tls_use_next(service);
        if (write(service->report, &done, 1) != 1)
                abort();
}

static UNUSED void tls_serve(int report, bool has_certificate)
{
        static const int signos[] = { SIGTERM, SIGUSR1 };
        AUTO(loop_free_p) struct loop *loop = loop_new();
        AUTO(testca_free_p) struct testca *root = testca_root("root");
        AUTO(testca_free_p) struct testca *a = testca_make(root, &(struct testca_options){ .subject = "a" });
        AUTO(testca_free_p) struct testca *b = testca_make(root, &(struct testca_options){ .subject = "b" });
        AUTO(http_tls_free_p) struct http_tls *tls = NULL;
        AUTO(http_server_close_p) struct http_server *server = NULL;
        struct tls_service service = { .loop = loop, .leaves = { a, b }, .root = root, .report = report };
        struct http_server_spec spec = { .address = "127.0.0.1:0",
                                         .post = tls_answer,
                                         .body_max = BODY_MAX,
                                         .connections_max = CONNECTIONS_MAX };
        AUTO(loop_signal_free_p)
        struct loop_signal *signals = loop_signal_new(loop, signos, 2, tls_signalled, &service);
        struct err err = ERR_INIT;
        int port;

        (void)signal(SIGPIPE, SIG_IGN);
        if (signals == NULL || http_tls_new(&tls, &err) != 0)
                abort();
        service.tls = spec.tls = tls;
        if (has_certificate)
                tls_use_next(&service);
        if (http_server_start(loop, &spec, &server, &err) != 0)
                abort();
        port = http_server_port(server);
        if (write(report, &port, sizeof(port)) == (ssize_t)sizeof(port))
                loop_run(loop);
}

/* path stays "", dir is made of the descriptor to hear of swaps. */
static UNUSED void tls_start(struct scene *scene, bool has_certificate)
{
        int report[2];

        assert_int_equal(pipe2(report, O_CLOEXEC), 0);
        scene->pid = fork();
        assert_true(scene->pid >= 0);
        if (scene->pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                tls_serve(report[1], has_certificate);
                exit(0); /* with LeakSanitizer's look */
        }
        (void)close(report[1]);
        assert_int_equal(read(report[0], &scene->port, sizeof(scene->port)), sizeof(scene->port));
        scene->report = report[0];
}

static UNUSED void tls_swap(const struct scene *scene)
{
        char done;

        assert_int_equal(kill(scene->pid, SIGUSR1), 0);
        assert_int_equal(read(scene->report, &done, 1), 1);
}

static UNUSED int tls_setup(void **state)
{
        struct scene *scene = MEM_NEW(struct scene);

        (void)signal(SIGPIPE, SIG_IGN);
        (void)snprintf(scene->dir, sizeof(scene->dir), "/tmp/test_http_tls.XXXXXX");
        assert_non_null(mkdtemp(scene->dir));
        tls_start(scene, true);
        *state = scene;
        return 0;
}

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
