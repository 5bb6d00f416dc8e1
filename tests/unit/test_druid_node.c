// SPDX-License-Identifier: Apache-2.0
/*
 * The calls of the Druid driver, against a node of a few lines in a child process, which answers from a
 * script: what real nodes do not do on demand.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "hooks/druid.h"
#include "testca.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "druid_scene.h"

#define ROOM ((size_t)1 << 20)
#define OK   "HTTP/1.1 200 OK\r\n\r\n"

/* One answer; the first one of its path that was not given yet. The last of a path is given again. */
struct line {
        const char *request; /* "GET /status" */
        const char *answer;
};

struct node {
        pid_t pid;
        int port;
        int log; /* the first line of every request arrives here, and Authorization */
};

static const char *choose(const struct line *script, bool *given, const char *request)
{
        const char *last = "HTTP/1.1 404 Not Found\r\n\r\n";

        for (size_t i = 0; script[i].request != NULL; i++) {
                size_t len = strlen(script[i].request);

                if (strncmp(request, script[i].request, len) != 0 || request[len] != ' ')
                        continue;
                last = script[i].answer;
                if (!given[i]) {
                        given[i] = true;
                        break;
                }
        }
        return last;
}

static void serve(int listener, int log, const struct line *script)
{
        bool given[16] = { false };

        for (;;) {
                char data[4096];
                int fd = accept(listener, NULL, NULL);
                ssize_t n = read(fd, data, sizeof(data) - 1);
                const char *answer;
                const char *login;

                data[n > 0 ? n : 0] = '\0';
                answer = choose(script, given, data);
                login = strstr(data, "Authorization:");
                (void)dprintf(log, "%.*s%s%.*s\n", (int)strcspn(data, "H"), data, login == NULL ? "" : "+ ",
                              login == NULL ? 0 : (int)strcspn(login, "\r"), login == NULL ? "" : login);
                (void)!write(fd, answer, strlen(answer));
                (void)close(fd);
        }
}

static struct node start_node(const struct line *script)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(at);
        int listener = socket(AF_INET, SOCK_STREAM, 0);
        struct node node = { .pid = 0 };
        int ends[2];

        assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(listener, 4), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
        assert_int_equal(pipe(ends), 0);
        node.pid = fork();
        if (node.pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves nothing behind */
                (void)signal(SIGPIPE, SIG_IGN);
                (void)close(ends[0]);
                serve(listener, ends[1], script);
        }
        (void)close(ends[1]);
        (void)close(listener);
        node.log = ends[0];
        node.port = ntohs(at.sin_port);
        return node;
}

/* What it was asked, "GET /status GET /…". */
static void end_node(struct node *node, struct buf *asked)
{
        char data[4096];
        ssize_t n;

        (void)kill(node->pid, SIGKILL);
        (void)waitpid(node->pid, NULL, 0);
        while ((n = read(node->log, data, sizeof(data))) > 0)
                for (ssize_t i = 0; i < n; i++)
                        if (data[i] != '\n')
                                buf_add_char(asked, data[i]);
        (void)close(node->log);
}

static int run(struct op *op, struct err *err)
{
        int result = op_run(op, 20000, err);

        op_free(op);
        return result;
}

#define STATUS                                                                                               \
        {                                                                                                    \
                "GET /status", OK "{\"version\": \"33.0.0\"}"                                                \
        }
#define PROPERTIES                                                                                           \
        {                                                                                                    \
                "GET /status/properties", OK "{\"druid.server.https.reloadSslContext\": \"true\"}"           \
        }
#define ALIVE                                                                                                \
        {                                                                                                    \
                "GET /status/health", OK "true"                                                              \
        }
#define DENIED "HTTP/1.1 401 Unauthorized\r\n\r\n"
#define BUSY   "HTTP/1.1 503 Service Unavailable\r\n\r\n"
#define END                                                                                                  \
        {                                                                                                    \
                NULL, NULL                                                                                   \
        }

static void tells_whether_it_is_well(void **state UNUSED)
{
        static const struct {
                const char *role;
                struct line script[6];
                enum err_kind kind;
                const char *text;
                const char *version;
        } cases[] = {
                { "routers", { ALIVE, STATUS, PROPERTIES, END }, ERR_NONE, "", "33.0.0" },
                { NULL, { ALIVE, STATUS, PROPERTIES, END }, ERR_NONE, "", "33.0.0" },
                { "routers", { { "GET /status/health", OK "false" }, END }, ERR_PROTOCOL, "'false'", "" },
                { "routers",
                  { { "GET /status/health", OK "<html>" }, END },
                  ERR_PROTOCOL,
                  "is this Druid",
                  "" },
                { "routers", { { "GET /status/health", BUSY }, END }, ERR_UNHEALTHY, "503", "" },
                { "routers", { ALIVE, { "GET /status", OK "hello" }, END }, ERR_PROTOCOL, "/status", "" },
                /* What a login would show is left out. */
                { "coordinators",
                  { ALIVE, { "GET /status", DENIED }, { "GET /druid/coordinator/v1/leader", DENIED }, END },
                  ERR_NONE,
                  "",
                  "" },
                { "coordinators",
                  { ALIVE, STATUS, PROPERTIES, { "GET /druid/coordinator/v1/leader", OK }, END },
                  ERR_UNHEALTHY,
                  "no leader",
                  "33.0.0" },
                { "overlords",
                  { ALIVE, STATUS, PROPERTIES, { "GET /druid/indexer/v1/leader", OK "https://o:8290" }, END },
                  ERR_NONE,
                  "",
                  "33.0.0" },
                { "historicals",
                  { ALIVE, STATUS, PROPERTIES, { "GET /druid/historical/v1/readiness", BUSY }, END },
                  ERR_UNHEALTHY,
                  "not ready",
                  "33.0.0" },
                { "brokers",
                  { ALIVE, STATUS, PROPERTIES, { "GET /druid/broker/v1/readiness", OK }, END },
                  ERR_NONE,
                  "",
                  "33.0.0" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct node node = start_node(cases[i].script);
                AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
                AUTO(buf_done_p) struct buf asked = BUF_INIT(ROOM);
                struct err err = ERR_INIT;

                druid_scene_open(&scene, cases[i].role, node.port);
                (void)!run(scene.hook->health(scene.database, 20000), &err);
                end_node(&node, &asked);
                if (err.kind != cases[i].kind || strstr(err.text, cases[i].text) == NULL)
                        fail_msg("%zu: %s '%s' (%s)", i, err_reason(err.kind), err.text, buf_str(&asked));
                assert_string_equal(scene.database->facts.version, cases[i].version);
        }
}

static void logs_in(void **state UNUSED)
{
        static const struct line good[] = { STATUS, PROPERTIES, END };
        static const struct line bad[] = { { "GET /status", DENIED }, END };
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *file = mem_printf("%s/password", dir);
        const struct fs_attr attr = { 0600, FS_KEEP, (gid_t)FS_KEEP };

        for (int i = 0; i < 3; i++) {
                struct node node = start_node(i == 0 ? good : bad);
                AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
                AUTO(buf_done_p) struct buf asked = BUF_INIT(ROOM);
                struct err err = ERR_INIT;
                int result;

                druid_scene_open(&scene, "routers", node.port);
                assert_int_equal(fs_replace(file, "s3cret\n", 7, &attr, &err), 0);
                scene.settings.admin.user = i == 2 ? NULL : "admin";
                scene.settings.admin.password_file = i == 2 ? NULL : file;
                result = run(scene.hook->reload(scene.database, 20000), &err);
                end_node(&node, &asked);
                assert_int_equal(result, i == 1 ? -1 : 0);
                if (i == 1) {
                        assert_int_equal(err.kind, ERR_AUTH);
                        assert_non_null(strstr(err.text, "admin.password-file"));
                }
                /* echo -n admin:s3cret | base64 */
                assert_int_equal(strstr(buf_str(&asked), "Basic YWRtaW46czNjcmV0") != NULL, i != 2);
        }
}

static void says_when_it_cannot_reload(void **state UNUSED)
{
        static const struct line script[] = { STATUS, { "GET /status/properties", OK "{}" }, END };
        struct node node = start_node(script);
        AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
        AUTO(buf_done_p) struct buf asked = BUF_INIT(ROOM);
        struct err err = ERR_INIT;

        druid_scene_open(&scene, "routers", node.port);
        assert_false(scene.hook->needs_restart(scene.database, CHANGE_NEW_KEY));
        assert_true(scene.hook->needs_restart(scene.database, CHANGE_AUTHORITIES));
        assert_true(scene.hook->needs_restart(scene.database, CHANGE_NEW_AUTHORITY));
        assert_int_equal(run(scene.hook->reload(scene.database, 20000), &err), -1);
        end_node(&node, &asked);
        assert_int_equal(err.kind, ERR_ENGINE);
        assert_non_null(strstr(err.text, "reloadSslContext"));
        assert_true(scene.hook->needs_restart(scene.database, CHANGE_NEW_KEY));
        scene.database->mode = TLS_OFF;
        assert_false(scene.hook->needs_restart(scene.database, CHANGE_NEW_AUTHORITY));
        assert_int_equal(run(scene.hook->reload(scene.database, 20000), &err), 0);
}

static void nobody_is_there(void **state UNUSED)
{
        AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
        struct err err = ERR_INIT;

        druid_scene_open(&scene, "middleManagers", 2);
        assert_int_equal(run(scene.hook->reload(scene.database, 20000), &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
        assert_non_null(strstr(err.text, "https://127.0.0.1:1/status"));
        assert_int_equal(run(scene.hook->restart(scene.database, 60000), &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
        assert_int_equal(run(scene.hook->health(scene.database, 20000), &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
}

#define DISABLE "POST /druid/worker/v1/disable"
#define TASKS   "GET /druid/worker/v1/tasks"
#define ENABLE  "POST /druid/worker/v1/enable"

static void drains_a_middle_manager(void **state UNUSED)
{
        static const struct {
                const char *program; /* that ends the node; NULL: nothing is configured */
                int64_t drain_ms;
                struct line script[6];
                enum err_kind kind;
                const char *asked;
        } cases[] = {
                { "true",
                  60000,
                  { { DISABLE, OK }, { TASKS, OK "[\"a\"]" }, { TASKS, OK "[]" }, END },
                  ERR_NONE,
                  DISABLE " " TASKS " " TASKS " " },
                { "true",
                  0,
                  { { DISABLE, OK }, { TASKS, OK "[\"a\"]" }, END },
                  ERR_NONE,
                  DISABLE " " TASKS " " },
                { "false",
                  60000,
                  { { DISABLE, OK }, { TASKS, OK "[]" }, { ENABLE, OK }, END },
                  ERR_ENGINE,
                  DISABLE " " TASKS " " ENABLE " " },
                { NULL,
                  60000,
                  { { DISABLE, OK }, { TASKS, OK "[]" }, { ENABLE, BUSY }, END },
                  ERR_USAGE,
                  DISABLE " " TASKS " " ENABLE " " },
                { "true",
                  60000,
                  { { DISABLE, OK }, { TASKS, OK "hm" }, { ENABLE, OK }, END },
                  ERR_PROTOCOL,
                  DISABLE " " TASKS " " ENABLE " " },
                { "true", 60000, { { DISABLE, DENIED }, END }, ERR_AUTH, DISABLE " " },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct node node = start_node(cases[i].script);
                AUTO(druid_scene_done_p) struct druid_scene scene = { .hook = NULL };
                AUTO(buf_done_p) struct buf asked = BUF_INIT(ROOM);
                struct err err = ERR_INIT;

                druid_scene_open(&scene, "middleManagers", node.port);
                scene.command[0] = cases[i].program;
                scene.settings.process.command = cases[i].program == NULL ? NULL : scene.command;
                scene.settings.druid.drain_limit_ms = cases[i].drain_ms;
                (void)!run(scene.hook->restart(scene.database, 60000), &err);
                end_node(&node, &asked);
                if (err.kind != cases[i].kind || strcmp(buf_str(&asked), cases[i].asked) != 0)
                        fail_msg("%zu: %s '%s' (%s)", i, err_reason(err.kind), err.text, buf_str(&asked));
        }
}

static void others_are_not_drained(void **state UNUSED)
{
        AUTO(druid_scene_done_p) struct druid_scene scene = { .command = { "true" } };
        struct err err = ERR_INIT;

        druid_scene_open(&scene, "historicals", 2);
        scene.settings.process.command = scene.command;
        assert_int_equal(run(scene.hook->restart(scene.database, 60000), &err), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tells_whether_it_is_well),   cmocka_unit_test(logs_in),
                cmocka_unit_test(says_when_it_cannot_reload), cmocka_unit_test(nobody_is_there),
                cmocka_unit_test(drains_a_middle_manager),    cmocka_unit_test(others_are_not_drained),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
