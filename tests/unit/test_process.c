// SPDX-License-Identifier: Apache-2.0
/*
 * process: the signal reaches the program that was meant, or nobody.
 */
#include "hooks/process.h"

#include "base/mem.h"
#include "hooks/process_end.h"
#include "testca.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
        char *dir;
        char *pid_file;
        char *program; /* a copy of sleep */
        pid_t pid;
};

static pid_t start_program(const char *program)
{
        char *argv[] = { mem_strdup(program), mem_strdup("60"), NULL };
        pid_t pid = 0;

        assert_int_equal(posix_spawn(&pid, program, NULL, NULL, argv, NULL), 0);
        mem_free(argv[0]);
        mem_free(argv[1]);
        return pid;
}

static void copy_file(const char *from, const char *to)
{
        AUTO(mem_free_p) char *command = mem_printf("cp %s %s", from, to);
        char *argv[] = { mem_strdup("sh"), mem_strdup("-c"), command, NULL };
        pid_t pid = 0;
        int status = -1;

        assert_int_equal(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        mem_free(argv[0]);
        mem_free(argv[1]);
}

static int set_up(void **state)
{
        struct world *world = MEM_NEW(struct world);
        AUTO(mem_free_p) char *text = NULL;
        char real[PATH_MAX];

        world->dir = testca_temp_dir();
        assert_non_null(realpath(world->dir, real));
        world->pid_file = mem_printf("%s/x.pid", world->dir);
        world->program = mem_printf("%s/server", real);
        copy_file("/bin/sleep", world->program);
        world->pid = start_program(world->program);
        text = mem_printf("%d\n", (int)world->pid);
        testca_write(world->dir, "x.pid", text, strlen(text));
        *state = world;
        return 0;
}

static int tear_down(void **state)
{
        struct world *world = *state;

        (void)kill(world->pid, SIGKILL);
        (void)waitpid(world->pid, NULL, 0);
        testca_remove_dir_p(&world->dir);
        mem_free(world->pid_file);
        mem_free(world->program);
        mem_free(world);
        return 0;
}

static int signal_it(const struct world *world, const char *executable, int signo, bool until_gone,
                     struct err *err)
{
        AUTO(op_free_p)
        struct op *op =
                process_signal(&(struct process_request){ .pid_file = world->pid_file,
                                                          .executable = executable,
                                                          .signo = signo,
                                                          .until_gone = until_gone,
                                                          .limit_ms = signo == SIGCONT ? 300 : 5000 });

        *err = (struct err)ERR_INIT;
        return op_run(op, 10000, err);
}

static void reaches_the_program(void **state)
{
        struct world *world = *state;
        struct err err;
        int status = 0;

        assert_int_equal(signal_it(world, world->program, 0, false, &err), 0);
        assert_int_equal(signal_it(world, "server", 0, false, &err), 0);
        assert_int_equal(signal_it(world, "server", SIGHUP, false, &err), 0);
        assert_int_equal(waitpid(world->pid, &status, 0), world->pid);
        assert_int_equal(WTERMSIG(status), SIGHUP);
}

/* postmaster.pid has more to say. */
static void of_a_file_with_more_lines(void **state)
{
        struct world *world = *state;
        AUTO(mem_free_p) char *text = mem_printf("%d \r\n/var/lib/data\n1795608000\n", (int)world->pid);
        struct err err;

        testca_write(world->dir, "x.pid", text, strlen(text));
        assert_int_equal(signal_it(world, "server", 0, false, &err), 0);
}

static void spares_another_program(void **state)
{
        static const char *const others[] = {
                "/usr/sbin/nginx", "nginx", "erver", "dir/server", "/server", ""
        };
        struct world *world = *state;
        struct err err;

        for (size_t i = 0; i < ARRAY_LEN(others); i++) {
                assert_int_equal(signal_it(world, others[i], SIGKILL, false, &err), -1);
                assert_int_equal(err.kind, ERR_ENGINE);
                assert_non_null(strstr(err.text, world->program));
                assert_non_null(strstr(err.text, "stale"));
        }
        assert_int_equal(waitpid(world->pid, NULL, WNOHANG), 0);
}

static void program_replaced_by_an_upgrade(void **state)
{
        struct world *world = *state;
        struct err err;

        assert_int_equal(unlink(world->program), 0);
        assert_int_equal(signal_it(world, world->program, 0, false, &err), 0);
        assert_int_equal(signal_it(world, "server", 0, false, &err), 0);
}

static void pid_file_faults(void **state)
{
        static char long_one[5000];
        static const struct {
                const char *text;
                enum err_kind kind;
        } cases[] = {
                { "", ERR_NOT_READY },
                { "\n", ERR_NOT_READY },
                { "abc\n", ERR_PARSE },
                { "-1\n", ERR_PARSE },
                { "0\n", ERR_PARSE },
                { "12 34\n", ERR_PARSE },
                { "99999999999\n", ERR_PARSE },
                { "4194303\n", ERR_NOT_READY },
                { "1e3", ERR_PARSE },
                { "11111111111111111111111111111111111111111111111111111111111111111111111", ERR_PARSE },
                { "\n12\n", ERR_NOT_READY },
                { "4194303\n/var/lib/postgresql/data\n", ERR_NOT_READY },
                { long_one, ERR_LIMIT },
        };
        struct world *world = *state;
        struct err err;

        memset(long_one, '1', sizeof(long_one) - 1);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                testca_write(world->dir, "x.pid", cases[i].text, strlen(cases[i].text));
                assert_int_equal(signal_it(world, "server", SIGKILL, false, &err), -1);
                assert_int_equal(err.kind, cases[i].kind);
        }
        assert_int_equal(unlink(world->pid_file), 0);
        assert_int_equal(signal_it(world, "server", SIGKILL, false, &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
        assert_int_equal(waitpid(world->pid, NULL, WNOHANG), 0);
}

static void waits_for_the_end(void **state)
{
        struct world *world = *state;
        struct err err;

        assert_int_equal(signal_it(world, "server", SIGCONT, true, &err), -1);
        assert_int_equal(err.kind, ERR_TIMEOUT);
        assert_non_null(strstr(err.text, "SIGCONT"));
        assert_int_equal(signal_it(world, "server", SIGTERM, true, &err), 0);
        /* A zombie has no program: it is no longer the server. */
        assert_int_equal(signal_it(world, "server", SIGTERM, true, &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
}

/* Whoever ends a database may have an hour; a signal that goes unheard must not take it. */
static void ends_within_its_own_limit(void **state)
{
        struct world *world = *state;
        const struct process_settings own = {
                .pid_file = world->pid_file, .executable = "server", .signal = SIGCONT, .limit_ms = 300
        };
        struct err err = ERR_INIT;
        struct op *op = process_end_start(&own, NULL, INT64_C(3600000));

        assert_int_equal(op_run(op, 5000, &err), -1);
        op_free(op);
        assert_int_equal(err.kind, ERR_TIMEOUT);
        assert_non_null(strstr(err.text, "did not end within 300 ms of SIGCONT"));
}

/* Of all that runs here, that program; its path or, as no other has it, its name. */
static void finds_it_by_its_program(void **state)
{
        struct world *world = *state;
        AUTO(mem_free_p) char *twin = mem_printf("%s-twin", world->program);
        struct err err;
        int status = 0;

        mem_free(TAKE(world->pid_file));
        assert_int_equal(signal_it(world, twin, SIGKILL, false, &err), -1);
        assert_int_equal(err.kind, ERR_NOT_READY);
        assert_non_null(strstr(err.text, "it is not running (yet)"));
        assert_int_equal(rename(world->program, twin), 0);
        assert_int_equal(signal_it(world, strrchr(twin, '/') + 1, SIGHUP, true, &err), 0);
        assert_int_equal(waitpid(world->pid, &status, 0), world->pid);
        assert_int_equal(WTERMSIG(status), SIGHUP);
}

static void spares_both_of_two(void **state)
{
        struct world *world = *state;
        pid_t second = start_program(world->program);
        struct err err;

        mem_free(TAKE(world->pid_file));
        assert_int_equal(signal_it(world, world->program, SIGKILL, false, &err), -1);
        assert_int_equal(err.kind, ERR_USAGE);
        assert_non_null(strstr(err.text, "name the one that is meant by pid-file"));
        assert_int_equal(waitpid(world->pid, NULL, WNOHANG), 0);
        assert_int_equal(kill(second, SIGKILL), 0);
        assert_int_equal(waitpid(second, NULL, 0), second);
}

/* bash, which is one process and then has a child of its own kind that lasts. */
static void finds_the_parent_of_its_children(void **state)
{
        struct world *world = *state;
        AUTO(mem_free_p) char *shell = mem_printf("%s/parent", world->dir);
        AUTO(mem_free_p) char *script = mem_printf("(sleep 60; :) & echo $! >%s/child; wait", world->dir);
        AUTO(mem_free_p) char *child = mem_printf("%s/child", world->dir);
        char *argv[] = { shell, mem_strdup("-c"), script, NULL };
        pid_t pid = 0;
        struct err err;
        int status = 0;

        copy_file("/bin/bash", shell);
        assert_int_equal(posix_spawn(&pid, shell, NULL, NULL, argv, NULL), 0);
        mem_free(argv[1]);
        while (access(child, F_OK) != 0)
                (void)usleep(1000);
        mem_free(TAKE(world->pid_file));
        assert_int_equal(signal_it(world, "parent", SIGTERM, true, &err), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WTERMSIG(status), SIGTERM);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(reaches_the_program, set_up, tear_down),
                cmocka_unit_test_setup_teardown(of_a_file_with_more_lines, set_up, tear_down),
                cmocka_unit_test_setup_teardown(spares_another_program, set_up, tear_down),
                cmocka_unit_test_setup_teardown(program_replaced_by_an_upgrade, set_up, tear_down),
                cmocka_unit_test_setup_teardown(pid_file_faults, set_up, tear_down),
                cmocka_unit_test_setup_teardown(waits_for_the_end, set_up, tear_down),
                cmocka_unit_test_setup_teardown(ends_within_its_own_limit, set_up, tear_down),
                cmocka_unit_test_setup_teardown(finds_it_by_its_program, set_up, tear_down),
                cmocka_unit_test_setup_teardown(spares_both_of_two, set_up, tear_down),
                cmocka_unit_test_setup_teardown(finds_the_parent_of_its_children, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
