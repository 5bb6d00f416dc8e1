// SPDX-License-Identifier: Apache-2.0
/*
 * agent/cli/status: the page for people from golden JSON, and the question over a socket to servers good and
 * bad. UPDATE_GOLDEN=1 writes the golden files anew.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/status_query.h"
#include "cli/status_view.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "testgolden.h"

#define NOW ((struct wall){ 1795341600 })

static cJSON *load(const char *name)
{
        AUTO(mem_free_p) char *path = mem_printf(GOLDEN_DIR "/%s", name);
        AUTO(buf_done_p) struct buf text = BUF_INIT((size_t)1 << 20);
        cJSON *tree = NULL;
        struct err err;

        assert_int_equal(fs_read(path, (size_t)256 << 10, &text, &err), 0);
        assert_int_equal(json_parse(buf_str(&text), text.len, &tree, &err), 0);
        return tree;
}

static void pages_for_people(void **state UNUSED)
{
        static const struct {
                const char *golden;
                bool wide;
        } cases[] = { { "status.txt", false }, { "status-wide.txt", true } };
        AUTO(json_free_p) cJSON *tree = load("status.json");

        assert_true(status_view_is_well(tree));
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT((size_t)1 << 20);

                status_view_render(tree, &(struct status_view){ .now = NOW, .wide = cases[i].wide }, &out);
                testgolden_compare(cases[i].golden, buf_str(&out));
        }
}

static void replace(cJSON *object, const char *key, cJSON *value)
{
        cJSON_DeleteItemFromObjectCaseSensitive(object, key);
        json_add(object, key, value);
}

static void bad_states_are_shown(void **state UNUSED)
{
        AUTO(json_free_p) cJSON *tree = load("status.json");
        AUTO(buf_done_p) struct buf out = BUF_INIT((size_t)1 << 20);
        cJSON *health = cJSON_GetObjectItemCaseSensitive(tree, "health");
        cJSON *ready = cJSON_GetObjectItemCaseSensitive(health, "ready");

        replace(ready, "status", cJSON_CreateString("fail"));
        assert_false(status_view_is_well(tree));
        replace(ready, "status", cJSON_CreateString("warn"));
        assert_true(status_view_is_well(tree));
        replace(tree, "degraded", cJSON_CreateTrue());
        assert_false(status_view_is_well(tree));
        replace(cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(tree, "stages"), "served"),
                "fingerprint", cJSON_CreateString("cdcd\033[2J"));
        status_view_render(tree, &(struct status_view){ .now = { NOW.s + 8640000 } }, &out);
        assert_non_null(strstr(buf_str(&out), "DEGRADED"));
        assert_non_null(strstr(buf_str(&out), "differs from published"));
        assert_non_null(strstr(buf_str(&out), "expired"));
        assert_null(strchr(buf_str(&out), '\033')); /* nothing from outside reaches the terminal raw */
}

/* An agent of another version, or something else: shown as unknown, never as well. */
static void foreign_json_is_survived(void **state UNUSED)
{
        static const char *const texts[] = { "{}", "[]", "null",
                                             "{\"stages\":[],\"health\":1,\"engine\":\"x\"}",
                                             "{\"engine\":{\"endpoints\":[null,1,{}]},\"findings\":[{}]}" };

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT((size_t)1 << 20);
                AUTO(json_free_p) cJSON *tree = NULL;
                struct err err;

                assert_int_equal(json_parse(texts[i], strlen(texts[i]), &tree, &err), 0);
                status_view_render(tree, &(struct status_view){ .now = NOW }, &out);
                assert_false(status_view_is_well(tree));
                assert_non_null(strstr(buf_str(&out), "unknown"));
        }
}

/* Answers one connection with `reply` (NULL: silence) and ends. */
static pid_t serve_once(int listener, const char *reply)
{
        const pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        {
                const int fd = accept(listener, NULL, NULL);
                char request[256];

                (void)!read(fd, request, sizeof(request));
                if (reply == NULL)
                        (void)pause();
                (void)!write(fd, reply, strlen(reply));
        }
        _exit(0);
}

static void questions(void **state UNUSED)
{
        static const struct {
                const char *reply;
                enum err_kind kind;
                const char *body;
        } cases[] = {
                { "HTTP/1.0 200 OK\r\nA: b\r\n\r\n{\"a\":1}", ERR_NONE, "{\"a\":1}" },
                { "HTTP/1.1 200 OK\r\n\r\n", ERR_NONE, "" },
                { "HTTP/1.1 404 Not Found\r\n\r\nx", ERR_PROTOCOL, NULL },
                { "HTTP/1.1 200 OK\r\n", ERR_PROTOCOL, NULL },
                { "5.5.5-10.11.6-MariaDB\r\n\r\n", ERR_PROTOCOL, NULL },
                { "", ERR_PROTOCOL, NULL },
                { NULL, ERR_TIMEOUT, NULL },
        };
        char dir[] = "/tmp/test_status.XXXXXX";
        AUTO(mem_free_p) char *path = NULL;
        AUTO(close_fd_p) int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un un = { .sun_family = AF_UNIX };
        AUTO(buf_done_p) struct buf none = BUF_INIT((size_t)1 << 16);
        struct err err;

        assert_non_null(mkdtemp(dir));
        path = mem_printf("%s/s", dir);
        memcpy(un.sun_path, path, strlen(path));
        assert_int_equal(status_query(path, "/status", &none, &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
        assert_int_equal(bind(listener, (const struct sockaddr *)&un, sizeof(un)), 0);
        assert_int_equal(listen(listener, 8), 0);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT((size_t)1 << 16);
                const pid_t pid = serve_once(listener, cases[i].reply);
                const int result = status_query(path, "/status", &out, &err);

                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
                assert_int_equal(result, cases[i].kind == ERR_NONE ? 0 : -1);
                if (result == 0)
                        assert_string_equal(buf_str(&out), cases[i].body);
                else if (err.kind != cases[i].kind)
                        fail_msg("case %zu: %s", i, err.text);
        }
        (void)unlink(path);
        (void)rmdir(dir);
}

static void targets(void **state UNUSED)
{
        static const char *const bad[] = { "socket",      "http://",      "http://a",  "http://a:",
                                           "https://a:1", "http://a:1/x", "http://:1", "http://[::1:1",
                                           "http://a:b",  "http://a:1:2", "" };
        AUTO(buf_done_p) struct buf out = BUF_INIT((size_t)1 << 16);
        AUTO(close_fd_p) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(at);
        AUTO(mem_free_p) char *url = NULL;
        struct err err;
        pid_t pid;

        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                assert_int_equal(status_query(bad[i], "/status", &out, &err), -1);
                if (err.kind != ERR_USAGE)
                        fail_msg("%s: %s", bad[i], err.text);
        }
        assert_int_equal(bind(fd, (const struct sockaddr *)&at, len), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
        url = mem_printf("http://127.0.0.1:%d/", ntohs(at.sin_port));
        assert_int_equal(status_query(url, "/status", &out, &err), -1); /* bound, nobody listens */
        assert_int_equal(err.kind, ERR_NOT_READY);
        assert_int_equal(listen(fd, 8), 0);
        pid = serve_once(fd, "HTTP/1.0 200 OK\r\n\r\nhello");
        assert_int_equal(status_query(url, "/status", &out, &err), 0);
        assert_string_equal(buf_str(&out), "hello");
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pages_for_people),
                cmocka_unit_test(bad_states_are_shown),
                cmocka_unit_test(foreign_json_is_survived),
                cmocka_unit_test(questions),
                cmocka_unit_test(targets),
        };

        return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
