// SPDX-License-Identifier: Apache-2.0
/*
 * The reload URL of peers that can only call one: each HTTP request on 127.0.0.1:PORT becomes one
 * `FLUSH LOCAL SSL` on a connection that stays open; 200 when the server took it, 500 otherwise. Requests are
 * neither parsed nor told apart, and each gets a connection of its own: enough for a benchmark, no more.
 */
#include <arpa/inet.h>
#include <mysql.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RELOAD        "FLUSH LOCAL SSL"
#define REQUEST_BYTES 8192
#define REPLY(status) "HTTP/1.1 " status "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

static int open_listener(uint16_t port)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int yes = 1;

        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == -1)
                return -1;
        if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == -1 || listen(fd, 8) == -1)
                return -1;
        return fd;
}

/* Reads up to the empty line that ends the head of a request. */
static int read_request(int fd)
{
        char request[REQUEST_BYTES] = "";
        size_t len = 0;

        while (strstr(request, "\r\n\r\n") == NULL) {
                ssize_t n = read(fd, request + len, sizeof(request) - 1 - len);

                if (n <= 0)
                        return -1;
                len += (size_t)n;
                request[len] = '\0';
        }
        return 0;
}

static void serve(int fd, MYSQL *server)
{
        static const char good[] = REPLY("200 OK");
        static const char bad[] = REPLY("500 Internal Server Error");
        int failed;

        if (read_request(fd) != 0)
                return;
        failed = mysql_real_query(server, RELOAD, sizeof(RELOAD) - 1);
        if (failed != 0)
                (void)fprintf(stderr, "reload_helper: %s: %s\n", RELOAD, mysql_error(server));
        if (write(fd, failed != 0 ? bad : good, failed != 0 ? sizeof(bad) - 1 : sizeof(good) - 1) == -1)
                perror("reload_helper: reply");
}

int main(int argc, char **argv)
{
        MYSQL *server = mysql_init(NULL);
        int listener;

        if (argc != 3) {
                (void)fprintf(stderr, "usage: reload_helper PORT SOCKET\n");
                return 2;
        }
        listener = open_listener((uint16_t)strtoul(argv[1], NULL, 10));
        if (listener == -1) {
                perror("reload_helper: listen");
                return 1;
        }
        if (server == NULL || mysql_real_connect(server, NULL, "root", NULL, NULL, 0, argv[2], 0) == NULL) {
                (void)fprintf(stderr, "reload_helper: connect to %s: %s\n", argv[2],
                              server == NULL ? "out of memory" : mysql_error(server));
                return 1;
        }
        for (;;) {
                int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

                if (fd == -1)
                        continue;
                serve(fd, server);
                (void)close(fd);
        }
}
