// SPDX-License-Identifier: Apache-2.0
/*
 * The bare floor of the benchmark: inotify on the volume, one open connection, `FLUSH LOCAL SSL` at each
 * rename of ..data. It validates nothing, publishes nothing and proves nothing: no agent can be faster, and
 * none should be as careless.
 *
 * Each reload prints the microseconds that the server took for its statement.
 */
#include <mysql.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#define RELOAD       "FLUSH LOCAL SSL"
#define EVENTS_BYTES 4096

static int64_t now_us(void)
{
        struct timespec at;

        (void)clock_gettime(CLOCK_MONOTONIC, &at);
        return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static int reload(MYSQL *server)
{
        int64_t start = now_us();

        if (mysql_real_query(server, RELOAD, sizeof(RELOAD) - 1) != 0) {
                (void)fprintf(stderr, "floor: %s: %s\n", RELOAD, mysql_error(server));
                return -1;
        }
        (void)printf("%lld\n", (long long)(now_us() - start));
        return 0;
}

/* Did one of the len bytes of events tell of a rename to ..data? */
static int has_swap(const char *events, size_t len)
{
        const size_t head = sizeof(struct inotify_event);
        struct inotify_event event;
        int found = 0;

        for (size_t at = 0; at + head <= len; at += head + event.len) {
                (void)memcpy(&event, events + at, head);
                if (event.len > 0 && strcmp(events + at + head, "..data") == 0)
                        found = 1;
        }
        return found;
}

static int watch(int fd, MYSQL *server)
{
        char events[EVENTS_BYTES];

        for (;;) {
                ssize_t n = read(fd, events, sizeof(events));

                if (n <= 0) {
                        perror("floor: read events");
                        return -1;
                }
                if (has_swap(events, (size_t)n) && reload(server) != 0)
                        return -1;
        }
}

int main(int argc, char **argv)
{
        MYSQL *server = mysql_init(NULL);
        int fd = inotify_init1(IN_CLOEXEC);

        if (argc != 3) {
                (void)fprintf(stderr, "usage: floor VOLUME SOCKET\n");
                return 2;
        }
        (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
        if (fd == -1 || inotify_add_watch(fd, argv[1], IN_MOVED_TO | IN_ONLYDIR) == -1) {
                perror("floor: watch");
                return 1;
        }
        if (server == NULL || mysql_real_connect(server, NULL, "root", NULL, NULL, 0, argv[2], 0) == NULL) {
                (void)fprintf(stderr, "floor: connect to %s: %s\n", argv[2],
                              server == NULL ? "out of memory" : mysql_error(server));
                return 1;
        }
        return watch(fd, server) == 0 ? 0 : 1;
}
