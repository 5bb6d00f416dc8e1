// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A POST server over TLS in a process of its own.
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
