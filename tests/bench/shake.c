// SPDX-License-Identifier: Apache-2.0
/*
 * The smallest client that gets to see a server's leaf: greeting, request for TLS, handshake, gone. It leaves
 * by a reset, because some hundred connections a second would use up the ports in TIME_WAIT.
 */
#include "shake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define LIMIT_S        5
#define HEAD_LEN       4 /* three bytes of length, one of sequence */
#define GREETING_MAX   512
#define REQUEST_LEN    32
#define CAPABILITIES   UINT32_C(0x00088a00) /* PROTOCOL_41, SSL, SECURE_CONNECTION, PLUGIN_AUTH */
#define PACKET_MAX     UINT32_C(0x01000000)
#define UTF8MB4        45
#define GREETING_ERROR 0xff

static int dial(uint16_t port, int *out, struct err *err)
{
        AUTO(close_fd_p) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
        struct timeval limit = { .tv_sec = LIMIT_S };
        struct linger reset = { .l_onoff = 1 };
        int yes = 1;

        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd == -1)
                return err_sys(err, errno, "open a socket");
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == -1 ||
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == -1 ||
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == -1 ||
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == -1)
                return err_sys(err, errno, "prepare a socket");
        if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == -1)
                return err_sys(err, errno, "connect to port %u", port);
        *out = take_fd(&fd);
        return 0;
}

static int read_greeting(int fd, struct err *err)
{
        uint8_t packet[HEAD_LEN + GREETING_MAX];
        size_t len = 0;
        size_t want = HEAD_LEN;

        while (len < want) {
                ssize_t n = recv(fd, packet + len, want - len, 0);

                if (n <= 0)
                        return err_set(err, ERR_NETWORK, "read greeting: %s", n == 0 ? "closed" : "failed");
                len += (size_t)n;
                if (len == HEAD_LEN)
                        want = HEAD_LEN + (size_t)(packet[0] | packet[1] << 8 | packet[2] << 16);
                if (want <= HEAD_LEN || want > sizeof(packet))
                        return err_set(err, ERR_PROTOCOL, "greeting of %zu bytes", want);
        }
        if (packet[HEAD_LEN] == GREETING_ERROR)
                return err_set(err, ERR_PROTOCOL, "refused by the server");
        return 0;
}

static int ask_for_tls(int fd, struct err *err)
{
        uint8_t packet[HEAD_LEN + REQUEST_LEN] = { REQUEST_LEN, 0, 0, 1 };
        uint8_t *body = packet + HEAD_LEN;

        for (unsigned i = 0; i < 4; i++) {
                body[i] = (uint8_t)(CAPABILITIES >> (8 * i));
                body[4 + i] = (uint8_t)(PACKET_MAX >> (8 * i));
        }
        body[8] = UTF8MB4;
        if (send(fd, packet, sizeof(packet), MSG_NOSIGNAL) != (ssize_t)sizeof(packet))
                return err_sys(err, errno, "ask for TLS");
        return 0;
}

static int keep_leaf(struct shake *shake, SSL *tls, struct err *err)
{
        X509 *leaf = SSL_get0_peer_certificate(tls);
        uint8_t *to = shake->leaf;
        int len = leaf == NULL ? 0 : i2d_X509(leaf, NULL);

        if (len <= 0 || (size_t)len > sizeof(shake->leaf))
                return err_set(err, ERR_PROTOCOL, "no leaf of at most %zu bytes", sizeof(shake->leaf));
        shake->leaf_len = (size_t)i2d_X509(leaf, &to);
        return 0;
}

int shake_once(struct shake *shake, struct err *err)
{
        AUTO(close_fd_p) int fd = -1;
        SSL *tls;
        int r = -1;

        if (dial(shake->port, &fd, err) != 0 || read_greeting(fd, err) != 0 || ask_for_tls(fd, err) != 0)
                return -1;
        tls = SSL_new(shake->tls);
        if (tls == NULL)
                return err_set(err, ERR_INTERNAL, "no TLS object");
        ERR_clear_error();
        if (SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1)
                (void)err_set(err, ERR_PROTOCOL, "TLS handshake failed");
        else
                r = keep_leaf(shake, tls, err);
        SSL_free(tls);
        return r;
}

int shake_init(struct shake *shake, uint16_t port, struct err *err)
{
        char groups[] = "X25519";

        (void)memset(shake, 0, sizeof(*shake));
        shake->port = port;
        shake->tls = SSL_CTX_new(TLS_client_method());
        if (shake->tls == NULL || SSL_CTX_set1_groups_list(shake->tls, groups) != 1)
                return err_set(err, ERR_INTERNAL, "no TLS context");
        SSL_CTX_set_verify(shake->tls, SSL_VERIFY_NONE, NULL);
        (void)SSL_CTX_set_session_cache_mode(shake->tls, SSL_SESS_CACHE_OFF);
        return 0;
}

void shake_done(struct shake *shake)
{
        SSL_CTX_free(shake->tls);
        shake->tls = NULL;
}
