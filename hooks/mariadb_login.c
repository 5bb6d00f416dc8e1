// SPDX-License-Identifier: Apache-2.0
/*
 * Options of the libmariadb handle, each for a reason.
 *
 * Over TCP the connection is TLS wherever the server offers it. On loopback the server's certificate is not
 * verified: an expired or foreign one is exactly what the agent has to repair, and must not lock it out; and
 * a server that offers no TLS at all, because that is what is to be switched on, is talked to without. What
 * listens on a port of this host's loopback was started by this host. Beyond loopback there is always TLS,
 * the published authorities must verify the server, and the certificate must name the address: libmariadb
 * compares the name it was given, and it is only ever given a number, since it resolves names with calls that
 * block.
 *
 * What a listener on loopback that is not the database can learn: with mysql_native_password, client_ed25519
 * and parsec an answer to one challenge. With caching_sha2_password, MySQL's only one, the password: over TLS
 * it may ask for it, without TLS it gets it encrypted with an RSA key that it sends itself and nobody vouches
 * for. So who can take the port while the database is down can have it; where local users are not trusted,
 * admin.socket in a directory of the database's own is the way.
 */
#include "hooks/mariadb_login.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "hooks/wire/mysql_greeting.h"

#define CALL_STACK_BYTES                                                                                     \
        ((size_t)256 << 10) /* of the suspended call; OpenSSL's start needs more than 60 KiB */
#define TLS_WAIT_MS         1000
#define PACKET_MAX_BYTES    ((size_t)1 << 20)
#define USER_MAX_BYTES      80
#define GREETING_PEEK_BYTES 512

/*
 * Methods a server may ask for. MySQL has only the last one; over a unix socket or TLS it may ask for the
 * password itself, so a host beyond loopback is verified first (set_options).
 */
static const char methods[] = "mysql_native_password,client_ed25519,parsec,caching_sha2_password";

/*
 * libmariadb 3.3 waits for the TLS handshake with poll(2) even in its non-blocking mode, without limit.
 * Here it gets one; a server that answers takes a millisecond.
 */
static int wait_for_handshake(my_socket fd, my_bool is_read, int timeout UNUSED)
{
        struct pollfd pfd = { .fd = fd, .events = is_read ? POLLIN : POLLOUT };
        int r;

        do
                r = poll(&pfd, 1, TLS_WAIT_MS);
        while (r == -1 && errno == EINTR);
        return r;
}

static bool is_loopback(const char *address)
{
        struct in_addr v4;
        struct in6_addr v6;

        if (inet_pton(AF_INET, address, &v4) == 1)
                return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
        return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool is_number(const char *host)
{
        uint8_t any[sizeof(struct in6_addr)];

        return inet_pton(AF_INET, host, any) == 1 || inet_pton(AF_INET6, host, any) == 1;
}

int mariadb_login_init(const struct admin_settings *settings, const char *publish, struct mariadb_login *out,
                       struct err *err)
{
        struct mariadb_login login = { .settings = settings, .password = SECRET_INIT };
        const size_t path_max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

        if (settings->socket != NULL && (settings->socket[0] != '/' || strlen(settings->socket) > path_max))
                return err_set(err, ERR_USAGE,
                               "admin.socket: '%.200s' is not an absolute path of at most %zu bytes",
                               settings->socket, path_max);
        if (settings->user != NULL && (settings->user[0] == '\0' || strlen(settings->user) > USER_MAX_BYTES))
                return err_set(err, ERR_USAGE, "admin.user: must have 1 to %d bytes", USER_MAX_BYTES);
        if (settings->port < 0 || settings->port > UINT16_MAX)
                return err_set(err, ERR_USAGE, "admin.port: %d is not a port", settings->port);
        if (settings->host != NULL && strpbrk(settings->host, ",/ ") != NULL)
                return err_set(err, ERR_USAGE, "admin.host: '%.200s' is not one name or address",
                               settings->host);
        login.user = settings->user != NULL ? settings->user : "root";
        if (settings->socket != NULL) {
                login.where = mem_strdup(settings->socket);
        } else {
                login.host = settings->host != NULL ? settings->host : "127.0.0.1";
                if (strcmp(login.host, "localhost") == 0)
                        login.host = "127.0.0.1"; /* the library would look for a unix socket */
                login.needs_resolve = !is_number(login.host);
                login.loopback = is_loopback(login.host);
                login.where = mem_printf("%s:%d", login.host, settings->port != 0 ? settings->port : 3306);
        }
        login.authority = mem_printf("%s/ca.crt", publish != NULL ? publish : ".");
        *out = login;
        return 0;
}

void mariadb_login_done(struct mariadb_login *login)
{
        secret_done(&login->password);
        mem_free(login->where);
        mem_free(login->authority);
}

/*
 * Trap: wanting TLS is enough for the library's caching_sha2_password to take the connection for an encrypted
 * one and send the password in clear (3.3.20). So the wish has to go before the library answers the greeting.
 */
bool mariadb_login_lacks_tls(MYSQL *mysql)
{
        const my_bool no = 0;
        uint8_t greeting[GREETING_PEEK_BYTES];
        ssize_t n = recv(mysql_get_socket(mysql), greeting, sizeof(greeting), MSG_PEEK | MSG_DONTWAIT);

        if (n <= 0 || !mysql_greeting_lacks_tls(greeting, (size_t)n))
                return false;
        (void)mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &no);
        return true;
}

static void set_options(MYSQL *mysql, const struct mariadb_login *login)
{
        const my_bool yes = 1;
        const my_bool no = 0;
        const unsigned off = 0;
        const size_t stack = CALL_STACK_BYTES;
        const size_t packet = PACKET_MAX_BYTES;
        const unsigned protocol = login->host != NULL ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;

        (void)mysql_options(mysql, MYSQL_OPT_NONBLOCK, &stack);
        (void)mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
        (void)mysql_options(mysql, MYSQL_OPT_RECONNECT, &no);
        (void)mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off); /* a server could ask for our files */
        (void)mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
        (void)mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH, methods);
        (void)mysql_options(mysql, MARIADB_OPT_IO_WAIT, wait_for_handshake);
        /* The connection is kept between reloads; the server's default drops it after eight hours. */
        (void)mysql_options(mysql, MYSQL_INIT_COMMAND, "SET SESSION wait_timeout=31536000");
        if (login->host == NULL)
                return;
        (void)mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
        (void)mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, login->loopback ? &no : &yes);
        if (!login->loopback)
                (void)mysql_options(mysql, MYSQL_OPT_SSL_CA, login->authority);
}

int mariadb_login_start(struct mariadb_login *login, const char *address, MYSQL **mysql, MYSQL **connected,
                        int *wait, struct err *err)
{
        const struct admin_settings *settings = login->settings;
        MYSQL *handle;

        secret_set(&login->password, NULL, 0);
        if (settings->password_file != NULL &&
            secret_read(settings->password_file, &login->password, err) != 0) {
                /* The login waits for it, as for a right password. */
                err->kind = ERR_AUTH;
                return err_wrap(err, "admin.password-file");
        }
        handle = mysql_init(NULL);
        if (handle == NULL)
                return err_set(err, ERR_INTERNAL, "libmariadb: no handle");
        set_options(handle, login);
        /* An empty password, never NULL: the library would look into the environment. */
        *wait = mysql_real_connect_start(connected, handle, login->host != NULL ? address : NULL, login->user,
                                         (const char *)login->password.data, NULL,
                                         settings->port != 0 ? (unsigned)settings->port : 3306U,
                                         settings->socket, 0);
        *mysql = handle;
        return 0;
}

void mariadb_login_forget(struct mariadb_login *login, MYSQL *mysql)
{
        secret_done(&login->password);
        /* The library keeps a copy for reconnecting, which it is told not to do. */
        if (mysql->passwd != NULL)
                explicit_bzero(mysql->passwd, strlen(mysql->passwd));
}
