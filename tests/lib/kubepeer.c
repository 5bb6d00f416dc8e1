// SPDX-License-Identifier: Apache-2.0
/*
 * The children end with _exit, so that the sanitizers' leak check looks at the parent alone. They are one
 * process group: stopping the server ends its connections too, and is over when they are.
 */
#include "kubepeer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define BACKLOG     64
#define REQUEST_MAX 65536
#define ALIVE_MIN   200 /* descriptors are closed in their order: this one behind the sockets */

#define MUST(condition)                                                                                      \
        do {                                                                                                 \
                if (!(condition)) {                                                                          \
                        (void)fprintf(stderr, "kubepeer: failed: %s\n", #condition);                         \
                        abort();                                                                             \
                }                                                                                            \
        } while (0)

struct request {
        char text[REQUEST_MAX + 1];
        size_t len;
        const char *body;
        size_t body_len;
};

static SSL_CTX *make_context(const struct kubepeer_options *options)
{
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

        MUST(ctx != NULL);
        SSL_CTX_set_security_level(ctx, 0);
        MUST(SSL_CTX_set_max_proto_version(ctx, options->max_version) == 1);
        MUST(SSL_CTX_use_certificate(ctx, options->leaf->x509) == 1);
        MUST(SSL_CTX_use_PrivateKey(ctx, options->leaf->key) == 1);
        if (options->clients != NULL) {
                MUST(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), options->clients->x509) == 1);
                SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        }
        return ctx;
}

/* One whole request, false at the end of the connection. */
static bool read_request(SSL *ssl, struct request *request)
{
        request->len = 0;
        for (;;) {
                const char *end;
                const char *length;
                int n = SSL_read(ssl, request->text + request->len, (int)(REQUEST_MAX - request->len));

                if (n <= 0)
                        return false;
                request->len += (size_t)n;
                request->text[request->len] = '\0';
                end = strstr(request->text, "\r\n\r\n");
                if (end == NULL)
                        continue;
                request->body = end + 4;
                length = strcasestr(request->text, "\r\nContent-Length: ");
                request->body_len = 0;
                if (length != NULL && length < end)
                        MUST(sscanf(length + 18, "%zu", &request->body_len) == 1);
                if (request->text + request->len >= request->body + request->body_len)
                        return true;
        }
}

static bool is_path(const struct request *request, const char *path)
{
        const char *given = strchr(request->text, ' ') + 1;
        size_t len = strlen(path);

        return strncmp(given, path, len) == 0 && strchr(" ?/", given[len]) != NULL;
}

static void reply(SSL *ssl, const char *body, size_t len)
{
        char head[128];
        int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);

        (void)SSL_write(ssl, head, n);
        (void)SSL_write(ssl, body, (int)len);
}

static void trickle(SSL *ssl, const char *data, size_t len)
{
        for (size_t i = 0; SSL_write(ssl, data + i % len, 1) == 1; i++)
                (void)nanosleep(&(struct timespec){ 0, 10000000L }, NULL);
}

static void flood(SSL *ssl, const struct request *request)
{
        const char *again = strstr(request->body, "\r\n") + 2;

        while (SSL_write(ssl, again, (int)strlen(again)) > 0)
                ;
}

static void wait_for_end(SSL *ssl)
{
        char bytes[4096];

        while (SSL_read(ssl, bytes, sizeof(bytes)) > 0)
                ;
}

/* False when the connection ends with the answer. */
static bool answer(SSL *ssl, const struct request *request)
{
        char pid[32];

        if (is_path(request, "/echo")) {
                reply(ssl, request->text, request->len);
                return true;
        }
        if (is_path(request, "/pid")) {
                reply(ssl, pid, (size_t)snprintf(pid, sizeof(pid), "%d", (int)getpid()));
                return true;
        }
        if (is_path(request, "/trickle"))
                trickle(ssl, request->body, request->body_len);
        else if (request->body_len > 0)
                (void)SSL_write(ssl, request->body, (int)request->body_len);
        if (is_path(request, "/flood"))
                flood(ssl, request);
        if (is_path(request, "/hold"))
                wait_for_end(ssl);
        return false;
}

static void serve(SSL_CTX *ctx, int fd)
{
        static struct request request;
        SSL *ssl = SSL_new(ctx);

        if (SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1)
                while (read_request(ssl, &request) && answer(ssl, &request))
                        ;
        (void)SSL_shutdown(ssl);
        _exit(0);
}

static int listen_on(int *port)
{
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)*port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int yes = 1;

        MUST(fd != -1 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0);
        MUST(bind(fd, (struct sockaddr *)&at, len) == 0 && listen(fd, BACKLOG) == 0);
        MUST(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
        *port = ntohs(at.sin_port);
        return fd;
}

static void die_with_parent(pid_t parent)
{
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
                _exit(1);
}

static void run(const struct kubepeer_options *options, int listener)
{
        SSL_CTX *ctx = make_context(options);
        pid_t self = getpid();

        (void)signal(SIGPIPE, SIG_IGN);
        (void)signal(SIGCHLD, SIG_IGN); /* no zombies */
        for (;;) {
                int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

                MUST(fd != -1);
                if (fork() == 0) {
                        die_with_parent(self);
                        (void)close(listener);
                        serve(ctx, fd);
                }
                (void)close(fd);
        }
}

struct kubepeer kubepeer_start(const struct kubepeer_options *options)
{
        struct kubepeer peer = { .pid = -1, .port = options->port };
        int listener = listen_on(&peer.port);
        pid_t parent = getpid();
        int alive[2];

        MUST(pipe2(alive, O_CLOEXEC) == 0);

        (void)fflush(NULL);
        peer.pid = fork();
        MUST(peer.pid != -1);
        if (peer.pid == 0) {
                (void)setpgid(0, 0);
                MUST(fcntl(alive[1], F_DUPFD_CLOEXEC, ALIVE_MIN) != -1);
                (void)close(alive[1]);
                die_with_parent(parent);
                run(options, listener);
        }
        (void)setpgid(peer.pid, peer.pid);
        (void)close(listener);
        (void)close(alive[1]);
        peer.alive = alive[0];
        return peer;
}

void kubepeer_stop(struct kubepeer *peer)
{
        char byte;

        if (peer->pid <= 0)
                return;
        (void)kill(-peer->pid, SIGKILL);
        (void)waitpid(peer->pid, NULL, 0);
        MUST(read(peer->alive, &byte, 1) == 0);
        (void)close(peer->alive);
        peer->pid = -1;
}
