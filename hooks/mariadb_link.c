// SPDX-License-Identifier: Apache-2.0
/*
 * libmariadb's calls are coroutines on a stack of their own: what a suspended one points to (password,
 * statement) must stay until it has come to its end, and closing in the middle must not let the library say
 * goodbye, which may block.
 */
#include "hooks/mariadb_link.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "certs/resolve.h"

#define TLS_READ_S 1

void mariadb_link_close(struct mariadb_link *link)
{
        if (link->mysql != NULL) {
                my_socket fd = mysql_get_socket(link->mysql);

                if (link->stage != MARIADB_IDLE && fd >= 0)
                        (void)shutdown(fd, SHUT_RDWR);
                if (link->rows != NULL) {
                        link->rows->handle = NULL; /* or it reads the remaining rows first */
                        mysql_free_result(link->rows);
                }
                mariadb_login_forget(&link->login, link->mysql);
                mysql_close(link->mysql);
        }
        op_free(link->resolve);
        if (link->addresses != NULL)
                resolve_free(link->addresses);
        link->mysql = NULL;
        link->rows = NULL;
        link->resolve = NULL;
        link->addresses = NULL;
        link->wait = 0;
        link->stage = MARIADB_CLOSED;
}

bool mariadb_link_is_stale(const struct mariadb_link *link)
{
        struct pollfd pfd = { .fd = mysql_get_socket(link->mysql), .events = POLLIN };

        return poll(&pfd, 1, 0) != 0;
}

/* A dead host must show within a minute on a connection that is only read from. */
static void guard_socket(const struct mariadb_link *link)
{
        const int idle_s = 30;
        const int interval_s = 10;
        const int probes = 3;
        my_socket fd = mysql_get_socket(link->mysql);

        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

/*
 * The library opens its sockets without close-on-exec, and makes them blocking again once connected, so that
 * its TLS handshake would sit in read(2) for as long as the peer is silent. Called after every suspension,
 * the first of which is the TCP connect: from then on a read ends after TLS_READ_S at the latest.
 */
static void mark_socket(const struct mariadb_link *link)
{
        const struct timeval limit = { .tv_sec = TLS_READ_S };
        my_socket fd = mysql_get_socket(link->mysql);

        if (fd < 0)
                return;
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

int mariadb_link_connect(struct mariadb_link *link, struct err *err)
{
        struct mariadb_login *login = &link->login;
        char number[NI_MAXHOST] = "";

        if (login->needs_resolve) {
                if (getnameinfo(link->addresses->ai_addr, link->addresses->ai_addrlen, number, sizeof(number),
                                NULL, 0, NI_NUMERICHOST) != 0)
                        return err_set(err, ERR_INTERNAL, "'%s' resolves to no address", login->host);
        }
        if (mariadb_login_start(login, login->needs_resolve ? number : login->host, &link->mysql,
                                &link->connected, &link->wait, err) == -1)
                return -1;
        mark_socket(link);
        link->looked = !login->loopback;
        link->plain = false;
        link->stage = MARIADB_CONNECTING;
        return 0;
}

int mariadb_link_open(struct mariadb_link *link, struct err *err)
{
        if (!link->login.needs_resolve)
                return mariadb_link_connect(link, err);
        link->resolve = resolve_start(link->login.host, link->login.settings->port, &link->addresses);
        link->stage = MARIADB_RESOLVING;
        return 0;
}

int mariadb_link_accept(struct mariadb_link *link, struct err *err)
{
        mariadb_login_forget(&link->login, link->mysql);
        link->stage = MARIADB_IDLE;
        mark_socket(link);
        if (link->login.host == NULL)
                return 0;
        /* The library goes on in the clear when the server has no TLS, whatever MYSQL_OPT_SSL_ENFORCE says.
         */
        if (mysql_get_ssl_cipher(link->mysql) == NULL && !link->plain) {
                mariadb_link_close(link);
                return err_set(err, ERR_PROTOCOL,
                               "connect to %s: the server has no TLS, and without it the agent does not log "
                               "in there: set admin.socket, or ssl_cert and ssl_key in the server",
                               link->login.where);
        }
        guard_socket(link);
        return 0;
}

void mariadb_link_send(struct mariadb_link *link, const char *sql)
{
        link->n_rows = 0;
        link->stage = MARIADB_SENDING;
        link->wait = mysql_real_query_start(&link->failed, link->mysql, sql, strlen(sql));
}

void mariadb_link_fetch(struct mariadb_link *link)
{
        link->rows = mysql_use_result(link->mysql); /* reads nothing yet */
        link->stage = link->rows == NULL ? MARIADB_IDLE : MARIADB_FETCHING;
        if (link->rows != NULL)
                link->wait = mysql_fetch_row_start(&link->row, link->rows);
}

void mariadb_link_next(struct mariadb_link *link)
{
        link->n_rows++;
        link->wait = mysql_fetch_row_start(&link->row, link->rows);
}

void mariadb_link_end(struct mariadb_link *link)
{
        if (link->rows != NULL)
                mysql_free_result(link->rows);
        link->rows = NULL;
        link->stage = MARIADB_IDLE;
}

/* Until the server's greeting was looked at the library's connect stays suspended, although it could go on.
 */
static bool waits_for_greeting(const struct mariadb_link *link)
{
        return link->stage == MARIADB_CONNECTING && !link->looked && link->wait != 0;
}

bool mariadb_link_resume(struct mariadb_link *link, short ready)
{
        int events = 0;

        if (waits_for_greeting(link) && (ready & (POLLIN | POLLHUP | POLLERR)) != 0) {
                link->looked = true;
                /* What went wrong is the library's to read: it can be read only once. */
                link->plain = (ready & POLLERR) == 0 && mariadb_login_lacks_tls(link->mysql);
                ready |= POLLIN | POLLOUT; /* a socket that can be read is connected */
        }
        if (waits_for_greeting(link))
                return false;

        if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0)
                events |= link->wait & MYSQL_WAIT_READ;
        if ((ready & (POLLOUT | POLLHUP | POLLERR)) != 0)
                events |= link->wait & MYSQL_WAIT_WRITE;
        if ((ready & POLLPRI) != 0)
                events |= link->wait & MYSQL_WAIT_EXCEPT;
        if (events == 0)
                return link->wait == 0;
        if (link->stage == MARIADB_CONNECTING) {
                link->wait = mysql_real_connect_cont(&link->connected, link->mysql, events);
                mark_socket(link);
        } else if (link->stage == MARIADB_SENDING) {
                link->wait = mysql_real_query_cont(&link->failed, link->mysql, events);
        } else {
                link->wait = mysql_fetch_row_cont(&link->row, link->rows, events);
        }
        return link->wait == 0;
}

short mariadb_link_events(const struct mariadb_link *link)
{
        if (waits_for_greeting(link))
                return POLLIN;
        return (short)(((link->wait & MYSQL_WAIT_READ) != 0 ? POLLIN : 0) |
                       ((link->wait & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : 0) |
                       ((link->wait & MYSQL_WAIT_EXCEPT) != 0 ? POLLPRI : 0));
}
