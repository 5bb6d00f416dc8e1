// SPDX-License-Identifier: Apache-2.0
/*
 * agent/loop/http_server.c over real sockets. The server runs in a process of its own, the tests are its
 * clients, good and bad.
 */
#include "loop/http_server.h"

#include "base/limits.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

struct scene {
        pid_t pid;
        int port;
        char dir[64];
        char path[80]; /* "" for TCP */
};

static void answer(const char *path, const char *query, struct http_reply *reply, void *arg UNUSED)
{
        if (strcmp(path, "/big") == 0)
                for (int i = 0; i < 60000; i++)
                        buf_add_str(&reply->body, "0123456789");
        else if (strcmp(path, "/too-big") == 0)
                for (int i = 0; i < 200000; i++)
                        buf_add_str(&reply->body, "0123456789");
        else if (strcmp(path, "/no") == 0)
                reply->status = 503;
        buf_printf(&reply->body, "%s?%s", path, query);
}

static void on_term(int signo UNUSED, void *arg)
{
        loop_stop(arg);
}

static void serve(const char *address, int report, rlim_t descriptors)
{
        AUTO(loop_free_p) struct loop *loop = loop_new();
        AUTO(http_server_close_p) struct http_server *server = NULL;
        const int signos[] = { SIGTERM };
        AUTO(loop_signal_free_p) struct loop_signal *term = loop_signal_new(loop, signos, 1, on_term, loop);
        struct rlimit limit;
        struct err err;
        int port = -1;

        (void)signal(SIGPIPE, SIG_IGN);
        if (term == NULL || http_server_open(loop, address, answer, NULL, &server, &err) ||
            getrlimit(RLIMIT_NOFILE, &limit) == -1)
                return;
        if (descriptors != 0) {
                limit.rlim_cur = descriptors;
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }
        port = http_server_port(server);
        if (write(report, &port, sizeof(port)) == (ssize_t)sizeof(port))
                loop_run(loop);
}

static void start(struct scene *scene, const char *address, rlim_t descriptors)
{
        int report[2];

        assert_int_equal(pipe2(report, O_CLOEXEC), 0);
        scene->pid = fork();
        assert_true(scene->pid >= 0);
        if (scene->pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                serve(address, report[1], descriptors);
                exit(0); /* with LeakSanitizer's look */
        }
        (void)close(report[1]);
        assert_int_equal(read(report[0], &scene->port, sizeof(scene->port)), sizeof(scene->port));
        (void)close(report[0]);
}

static void stop(struct scene *scene)
{
        int status = -1;

        assert_int_equal(kill(scene->pid, SIGTERM), 0);
        assert_int_equal(waitpid(scene->pid, &status, 0), scene->pid);
        assert_int_equal(status, 0);
}

static int setup(void **state)
{
        struct scene *scene = MEM_NEW(struct scene);

        (void)signal(SIGPIPE, SIG_IGN);
        (void)snprintf(scene->dir, sizeof(scene->dir), "/tmp/test_http_server.XXXXXX");
        assert_non_null(mkdtemp(scene->dir));
        start(scene, "127.0.0.1:0", 0);
        *state = scene;
        return 0;
}

static int teardown(void **state)
{
        struct scene *scene = *state;

        stop(scene);
        assert_int_equal(rmdir(scene->dir), 0);
        mem_free(scene);
        return 0;
}

static int dial(const struct scene *scene)
{
        const struct timeval patience = { 20, 0 };
        const struct sockaddr_in to = { .sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)scene->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct sockaddr_un un = { .sun_family = AF_UNIX };
        const int fd = socket(scene->path[0] != '\0' ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
        if (scene->path[0] != '\0') {
                memcpy(un.sun_path, scene->path, sizeof(scene->path));
                assert_int_equal(connect(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
                return fd;
        }
        assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
        return fd;
}

/* Until the server closes; what it says in out. -1 when it did not within 20 s. */
static ssize_t read_to_end(int fd, char *out, size_t room)
{
        size_t len = 0;

        for (;;) {
                const ssize_t n = read(fd, out + len, room - 1 - len);

                if (n == -1 && errno == EAGAIN)
                        return -1;
                if (n <= 0)
                        break;
                len += (size_t)n;
                assert_true(len < room - 1);
        }
        out[len] = '\0';
        return (ssize_t)len;
}

static char *exchange(const struct scene *scene, const char *request, size_t len)
{
        AUTO(close_fd_p) int fd = dial(scene);
        char *out = mem_new((size_t)4 << 20);

        (void)send(fd, request, len, MSG_NOSIGNAL); /* may be cut short by an answer */
        (void)shutdown(fd, SHUT_WR);
        assert_true(read_to_end(fd, out, (size_t)4 << 20) >= 0);
        return out;
}

static int status_of(const char *reply)
{
        int status = 0;

        if (reply[0] != '\0')
                assert_int_equal(sscanf(reply, "HTTP/1.%*d %d ", &status), 1);
        return status;
}

static void requests_and_refusals(void **state)
{
        static const struct {
                const char *request;
                int status;       /* 0: closed without a word */
                const char *tail; /* end of the reply, NULL: any */
        } cases[] = {
                { "GET /livez?verbose HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200,
                  "/livez?verbose" },
                { "GET / HTTP/1.0\r\n\r\n", 200, "/?" },
                { "GET http://somewhere/x?y=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200,
                  "/x?y=1" },
                { "HEAD /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, "\r\n\r\n" },
                { "GET /no HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 503, "/no?" },
                { "GET /too-big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 500, "answer too long\n" },
                { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", 405, "only GET and HEAD\n" },
                { "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "only GET and HEAD\n" },
                { "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "only GET and HEAD\n" },
                { "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 405, "only GET and HEAD\n" },
                { "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405, "only GET and HEAD\n" },
                { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413, NULL },
                { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, NULL },
                { "BREW /coffee HTTP/1.1\r\nHost: a\r\n\r\n", 405, "only GET and HEAD\n" },
                { "GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400, NULL },
                { "GET /\r\n\r\n", 400, NULL },
                { "\x16\x03\x01\x02\x01\x01\x01\x01\xfc\x03\x03 tls\r\n", 400, NULL },
                { "GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, NULL },
                { "GET / HTTP/1.1\r\nHost: a\r\n", 0, NULL },
                { "", 0, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p) char *reply = exchange(*state, cases[i].request, strlen(cases[i].request));
                const size_t tail_len = cases[i].tail != NULL ? strlen(cases[i].tail) : 0;

                if (status_of(reply) != cases[i].status || strlen(reply) < tail_len ||
                    (tail_len > 0 && strcmp(reply + strlen(reply) - tail_len, cases[i].tail) != 0))
                        fail_msg("%s -> %s", cases[i].request, reply);
        }
}

static void headers_are_what_they_should(void **state)
{
        static const char request[] = "HEAD /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        AUTO(mem_free_p) char *reply = exchange(*state, request, strlen(request));

        assert_non_null(strstr(reply, "\r\nContent-Length: 7\r\n"));
        assert_non_null(strstr(reply, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
        assert_non_null(strstr(reply, "\r\nCache-Control: no-store\r\n"));
        assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
}

static void oversized_requests_end(void **state)
{
        const size_t room = (size_t)1 << 20;
        AUTO(mem_free_p) char *request = mem_new(room);
        AUTO(mem_free_p) char *reply = NULL;
        int len = snprintf(request, room, "GET /%*d HTTP/1.1\r\nConnection: close\r\n\r\n", 4000, 0);

        for (int i = 5; i < 4005; i++)
                request[i] = 'a';
        reply = exchange(*state, request, (size_t)len);
        assert_int_equal(status_of(reply), 414);
        mem_free(TAKE(reply));
        memset(request, 'a', room); /* no line end at all */
        memcpy(request, "GET /", 5);
        reply = exchange(*state, request, room);
        assert_true(status_of(reply) == 400 || status_of(reply) == 0); /* 0: reset, with bytes unread */
        mem_free(TAKE(reply));
        memset(request, 'b', room);
        memcpy(request, "GET / HTTP/1.1\r\nX: ", 19);
        reply = exchange(*state, request, room);
        assert_true(status_of(reply) == 400 || status_of(reply) == 0);
        mem_free(TAKE(reply));
        for (size_t i = 16; i + 6 < room; i += 6) /* 170,000 headers */
                memcpy(request + i, "a: b\r\n", 6);
        reply = exchange(*state, request, room);
        assert_true(status_of(reply) == 400 || status_of(reply) == 0);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
        static const char request[] =
                "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /4 HTTP/1.1\r\n\r\n";
        static const char smuggled[] = "GET /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n"
                                       "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n\r\n";
        AUTO(close_fd_p) int fd = dial(*state);
        char out[4096];
        const char *two;

        assert_int_equal(write(fd, request, strlen(request)), strlen(request));
        assert_true(read_to_end(fd, out, sizeof(out)) > 0);
        two = strstr(out, "/2?");
        assert_non_null(two);
        assert_non_null(strstr(out, "/1?"));
        assert_true(strstr(out, "/1?") < two && strstr(two, "/3?") != NULL);
        assert_null(strstr(out, "/4?"));

        AUTO(mem_free_p) char *reply = exchange(*state, smuggled, strlen(smuggled));
        assert_non_null(strstr(reply, "/1?"));
        assert_null(strstr(reply, "/2?"));
}

static void get(const struct scene *scene, const char *path)
{
        AUTO(mem_free_p)
        char *request = mem_printf("GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path);
        AUTO(mem_free_p) char *reply = exchange(scene, request, strlen(request));

        assert_int_equal(status_of(reply), 200);
}

static void two_hundred_at_once(void **state)
{
        static const char request[] = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        int fds[200];
        char out[4096];

        for (int round = 0; round < 3; round++) {
                for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
                        fds[i] = dial(*state);
                        (void)send(fds[i], request, strlen(request), MSG_NOSIGNAL);
                }
                for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
                        assert_true(read_to_end(fds[i], out, sizeof(out)) > 0);
                        assert_int_equal(status_of(out), 200);
                        (void)close(fds[i]);
                }
        }
        get(*state, "/x");
}

/* Two crowds that say nothing: a third one is served within the limit for crowded places. */
static void silent_crowds_keep_nobody_waiting(void **state)
{
        int fds[2 * HTTP_CONNECTIONS_MAX];
        struct mono began;

        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                fds[i] = dial(*state);
        began = clock_mono();
        get(*state, "/x");
        print_message("served behind %zu silent ones after %lld ms\n", ARRAY_LEN(fds),
                      (long long)(clock_mono().ms - began.ms));
        assert_in_range(clock_mono().ms - began.ms, 500, 5000);
        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                (void)close(fds[i]);
}

/* One byte a second: others are served at once, and it is cut off although it never stops. */
static void slow_bytes_are_cut_off(void **state)
{
        AUTO(close_fd_p) int slow = dial(*state);
        AUTO(close_fd_p) int unread = dial(*state);
        static const char request[] =
                "GET / HTTP/1.1\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        static const char big[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
        const struct mono began = clock_mono();
        bool is_cut = false;

        assert_int_equal(write(unread, big, strlen(big)), strlen(big)); /* and never reads the answer */
        for (size_t i = 0; i < sizeof(request) - 1 && !is_cut; i++) {
                const struct mono before = clock_mono();
                char c;

                is_cut = send(slow, request + i, 1, MSG_NOSIGNAL) == -1;
                get(*state, "/x");
                assert_in_range(clock_mono().ms - before.ms, 0, 2000);
                is_cut = is_cut || recv(slow, &c, 1, MSG_DONTWAIT) == 0;
                (void)usleep(500000);
        }
        assert_true(is_cut);
        assert_in_range(clock_mono().ms - began.ms, 9000, 16000);
}

static void count_fds(const struct scene *scene, int *n)
{
        *n = 0;
        for (int fd = 0; fd < 256; fd++) {
                AUTO(mem_free_p) char *path = mem_printf("/proc/%d/fd/%d", scene->pid, fd);
                struct stat st;

                *n += lstat(path, &st) == 0;
        }
}

static void nothing_stays_open(void **state)
{
        int before;
        int after = -1;

        get(*state, "/x");
        (void)usleep(100000);
        count_fds(*state, &before);
        for (int i = 0; i < 300; i++) {
                AUTO(close_fd_p) int fd = dial(*state);

                if (i % 3 == 1)
                        (void)send(fd, "GET / HT", 8, MSG_NOSIGNAL);
                if (i % 3 == 2) { /* reset instead of a farewell */
                        const struct linger now = { 1, 0 };

                        (void)send(fd, "GET /big HTTP/1.1\r\n\r\n", 21, MSG_NOSIGNAL);
                        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
                }
        }
        for (int i = 0; i < 50 && after != before; i++) {
                (void)usleep(20000);
                count_fds(*state, &after);
        }
        assert_int_equal(after, before);
}

static void out_of_descriptors_is_a_pause(void **state UNUSED)
{
        struct scene few = { 0 };
        int fds[20];
        struct mono began;

        start(&few, "127.0.0.1:0", 16);
        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                fds[i] = dial(&few);
        (void)usleep(100000);
        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                (void)close(fds[i]);
        began = clock_mono();
        get(&few, "/x");
        assert_in_range(clock_mono().ms - began.ms, 0, 3000);
        stop(&few);
}

static void unix_sockets_are_private_and_replaced_when_stale(void **state)
{
        const struct scene *tcp = *state;
        struct scene scene = { 0 };
        AUTO(loop_free_p) struct loop *loop = loop_new();
        struct http_server *server = NULL;
        struct err err;
        struct stat st;

        (void)snprintf(scene.path, sizeof(scene.path), "%s/s", tcp->dir);
        start(&scene, scene.path, 0);
        assert_int_equal(scene.port, 0);
        assert_int_equal(lstat(scene.path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        get(&scene, "/x");
        assert_int_equal(http_server_open(loop, scene.path, answer, NULL, &server, &err), -1);
        assert_int_equal(err.kind, ERR_IO);
        assert_non_null(strstr(err.text, "another process answers there"));
        assert_int_equal(kill(scene.pid, SIGKILL), 0); /* leaves its file behind */
        assert_int_equal(waitpid(scene.pid, NULL, 0), scene.pid);
        assert_int_equal(lstat(scene.path, &st), 0);
        start(&scene, scene.path, 0);
        get(&scene, "/x");
        stop(&scene);
        assert_int_equal(lstat(scene.path, &st), -1); /* removed by its owner */
        assert_int_equal(mkdir(scene.path, 0700), 0);
        assert_int_equal(http_server_open(loop, scene.path, answer, NULL, &server, &err), -1);
        assert_non_null(strstr(err.text, "something else than a socket"));
        assert_int_equal(rmdir(scene.path), 0);
}

static void addresses(void **state)
{
        const struct scene *tcp = *state;
        AUTO(mem_free_p) char *taken = mem_printf("127.0.0.1:%d", tcp->port);
        AUTO(mem_free_p) char *missing = mem_printf("%s/no/s", tcp->dir);
        char deep[200];
        static const char *const good[] = { "127.0.0.1:0", "[::1]:0", ":0",
                                            "localhost:0", "[::]:0",  "0.0.0.0:0" };
        const struct {
                const char *address;
                enum err_kind kind;
        } bad[] = { { "", ERR_USAGE },
                    { "127.0.0.1", ERR_USAGE },
                    { "127.0.0.1:", ERR_USAGE },
                    { "127.0.0.1:65536", ERR_USAGE },
                    { "127.0.0.1:+1", ERR_USAGE },
                    { "127.0.0.256:1", ERR_USAGE },
                    { "::1:9533", ERR_USAGE },
                    { "[::1:9533", ERR_USAGE },
                    { "[]:9533", ERR_USAGE },
                    { "[127.0.0.1]:9533", ERR_USAGE },
                    { "db.example:9533", ERR_USAGE },
                    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1",
                      ERR_USAGE },
                    { "192.0.2.1:9533", ERR_IO },
                    { taken, ERR_IO },
                    { missing, ERR_MISSING },
                    { deep, ERR_USAGE } };
        AUTO(loop_free_p) struct loop *loop = loop_new();
        struct http_server *server = NULL;
        struct err err;

        memset(deep, '/', sizeof(deep));
        deep[sizeof(deep) - 1] = '\0';
        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
                if (http_server_open(loop, good[i], answer, NULL, &server, &err))
                        fail_msg("%s", err.text);
                assert_true(http_server_port(server) > 0);
                http_server_close(server);
        }
        server = NULL;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                assert_int_equal(http_server_open(loop, bad[i].address, answer, NULL, &server, &err), -1);
                if (err.kind != bad[i].kind || strstr(err.text, "listen on ") == NULL)
                        fail_msg("%s: %s: %s", bad[i].address, err_reason(err.kind), err.text);
        }
        assert_int_equal(http_server_open(loop, taken, answer, NULL, &server, &err), -1);
        assert_non_null(strstr(err.text, "address already in use"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(requests_and_refusals, setup, teardown),
                cmocka_unit_test_setup_teardown(headers_are_what_they_should, setup, teardown),
                cmocka_unit_test_setup_teardown(oversized_requests_end, setup, teardown),
                cmocka_unit_test_setup_teardown(pipelined_requests_are_answered_in_order, setup, teardown),
                cmocka_unit_test_setup_teardown(two_hundred_at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(silent_crowds_keep_nobody_waiting, setup, teardown),
                cmocka_unit_test_setup_teardown(slow_bytes_are_cut_off, setup, teardown),
                cmocka_unit_test_setup_teardown(nothing_stays_open, setup, teardown),
                cmocka_unit_test_setup_teardown(out_of_descriptors_is_a_pause, setup, teardown),
                cmocka_unit_test_setup_teardown(unix_sockets_are_private_and_replaced_when_stale, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(addresses, setup, teardown),
        };

        return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
