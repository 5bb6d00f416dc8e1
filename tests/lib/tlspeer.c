// SPDX-License-Identifier: Apache-2.0
/*
 * The children behind tlspeer.h. They end with _exit, so that the sanitizers' leak check looks at the parent
 * alone, and with the parent, should that die.
 */
#include "tlspeer.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define BACKLOG 16

/* Unlike assert, also in builds without debugging: what it wraps has effects. */
#define MUST(condition)                                                                                      \
        do {                                                                                                 \
                if (!(condition)) {                                                                          \
                        (void)fprintf(stderr, "tlspeer: failed: %s\n", #condition);                          \
                        abort();                                                                             \
                }                                                                                            \
        } while (0)

static void pause_ms(int ms)
{
        (void)nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

static SSL_CTX *make_context(const struct tlspeer_options *options)
{
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

        MUST(ctx != NULL);
        SSL_CTX_set_security_level(ctx, 0);
        MUST(SSL_CTX_set_min_proto_version(ctx, options->min_version) == 1);
        MUST(SSL_CTX_set_max_proto_version(ctx, options->max_version) == 1);
        MUST(SSL_CTX_use_certificate(ctx, options->leaf->x509) == 1);
        MUST(SSL_CTX_use_PrivateKey(ctx, options->leaf->key) == 1);
        if (options->intermediate != NULL)
                MUST(SSL_CTX_add1_chain_cert(ctx, options->intermediate->x509) == 1);
        if (options->clients != NULL) {
                MUST(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), options->clients->x509) == 1);
                SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        }
        return ctx;
}

static int emit(const struct tlspeer_options *options, int fd, const char *data, size_t len)
{
        size_t piece = options->manner == TLSPEER_TRICKLES ? 1 : len;

        for (size_t i = 0; i < len; i += piece) {
                if (send(fd, data + i, piece, MSG_NOSIGNAL) != (ssize_t)piece)
                        return -1;
                if (piece == 1)
                        pause_ms(options->pause_ms);
        }
        return 0;
}

static void reset(int fd)
{
        const struct linger now = { 1, 0 };

        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* TLS over memory, so that the flight can be cut as one likes. */
static void talk(const struct tlspeer_options *options, SSL *ssl, int fd)
{
        char bytes[16384];

        for (;;) {
                char byte;
                int r = SSL_is_init_finished(ssl) ? SSL_read(ssl, &byte, 1) : SSL_accept(ssl);
                int n = BIO_read(SSL_get_wbio(ssl), bytes, sizeof(bytes));
                ssize_t got;

                if (n > 0 && emit(options, fd, bytes, (size_t)n) != 0)
                        return;
                if (n > 0 && (options->manner == TLSPEER_LEAVES || options->manner == TLSPEER_RESETS))
                        break;
                if (r <= 0 && SSL_get_error(ssl, r) != SSL_ERROR_WANT_READ)
                        return;
                if (n > 0 || r > 0)
                        continue;
                got = recv(fd, bytes, sizeof(bytes), 0);
                if (got <= 0)
                        return;
                (void)BIO_write(SSL_get_rbio(ssl), bytes, (int)got);
        }
        if (options->manner == TLSPEER_RESETS) {
                pause_ms(100); /* the flight has to arrive before the reset does */
                reset(fd);
        }
}

static void serve_tls(const struct tlspeer_options *options, SSL_CTX *ctx, int fd)
{
        char request[256];
        SSL *ssl = SSL_new(ctx);

        if (options->greeting != NULL && emit(options, fd, options->greeting, options->greeting_len) != 0)
                return;
        if (options->request_len > 0 &&
            recv(fd, request, options->request_len, MSG_WAITALL) != (ssize_t)options->request_len)
                return;
        SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        talk(options, ssl, fd);
        SSL_free(ssl);
}

static void wait_for_end(int fd)
{
        char bytes[4096];

        while (recv(fd, bytes, sizeof(bytes), 0) > 0)
                ;
}

static void serve(const struct tlspeer_options *options, SSL_CTX *ctx, int fd)
{
        static const char hello_request[] = { 0x16, 0x03, 0x03, 0, 4, 0, 0, 0, 0 };

        switch (options->manner) {
        case TLSPEER_TALKS:
        case TLSPEER_TRICKLES:
        case TLSPEER_LEAVES:
        case TLSPEER_RESETS:
                serve_tls(options, ctx, fd);
                return;
        case TLSPEER_BABBLES:
                (void)emit(options, fd, options->greeting, options->greeting_len);
                wait_for_end(fd);
                return;
        case TLSPEER_ENDLESS:
                while (emit(options, fd, hello_request, sizeof(hello_request)) == 0)
                        ;
                return;
        case TLSPEER_SILENT:
                wait_for_end(fd);
                return;
        case TLSPEER_CLOSES:
                return;
        }
}

static int listen_on(const struct tlspeer_options *options, int *port)
{
        struct sockaddr_in tcp = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct sockaddr_un path = { .sun_family = AF_UNIX };
        bool is_unix = options->path != NULL;
        socklen_t len = is_unix ? sizeof(path) : sizeof(tcp);
        struct sockaddr *address = is_unix ? (void *)&path : (void *)&tcp;
        int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (is_unix)
                (void)snprintf(path.sun_path, sizeof(path.sun_path), "%s", options->path);
        MUST(fd != -1 && bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0);
        if (!is_unix)
                MUST(getsockname(fd, address, &len) == 0);
        *port = is_unix ? 0 : ntohs(tcp.sin_port);
        return fd;
}

static void run_child(const struct tlspeer_options *options, int listener)
{
        SSL_CTX *ctx = options->leaf == NULL ? NULL : make_context(options);

        for (;;) {
                int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

                if (fd == -1)
                        _exit(1);
                serve(options, ctx, fd);
                (void)close(fd);
        }
}

struct tlspeer tlspeer_start(const struct tlspeer_options *options)
{
        struct tlspeer peer = { .pid = -1 };
        int listener = listen_on(options, &peer.port);
        pid_t parent = getpid();

        (void)fflush(NULL);
        peer.pid = fork();
        MUST(peer.pid != -1);
        if (peer.pid == 0) {
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
                        _exit(1);
                run_child(options, listener);
        }
        (void)close(listener);
        return peer;
}

void tlspeer_stop(struct tlspeer *peer)
{
        if (peer->pid <= 0)
                return;
        (void)kill(peer->pid, SIGKILL);
        (void)waitpid(peer->pid, NULL, 0);
        peer->pid = -1;
}
