// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A server in a process of its own, and clients for it: shared by the tests of agent/loop/http_server.c.
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
        int report;    /* of a server that says more than its port */
};

static UNUSED void answer(const char *path, const char *query, struct http_reply *reply, void *arg UNUSED)
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

static UNUSED void on_term(int signo UNUSED, void *arg)
{
        loop_stop(arg);
}

static UNUSED void serve(const char *address, int report, rlim_t descriptors)
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

static UNUSED void start(struct scene *scene, const char *address, rlim_t descriptors)
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

static UNUSED void stop(struct scene *scene)
{
        int status = -1;

        assert_int_equal(kill(scene->pid, SIGTERM), 0);
        assert_int_equal(waitpid(scene->pid, &status, 0), scene->pid);
        assert_int_equal(status, 0);
}

static UNUSED int setup(void **state)
{
        struct scene *scene = MEM_NEW(struct scene);

        (void)signal(SIGPIPE, SIG_IGN);
        (void)snprintf(scene->dir, sizeof(scene->dir), "/tmp/test_http_server.XXXXXX");
        assert_non_null(mkdtemp(scene->dir));
        start(scene, "127.0.0.1:0", 0);
        *state = scene;
        return 0;
}

static UNUSED int teardown(void **state)
{
        struct scene *scene = *state;

        stop(scene);
        assert_int_equal(rmdir(scene->dir), 0);
        mem_free(scene);
        return 0;
}
