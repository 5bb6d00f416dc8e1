// SPDX-License-Identifier: Apache-2.0
/*
 * exec: what a command is given, what its end means, and that nothing it does can hold or outlive us.
 */
#include "hooks/exec.h"

#include "base/fs.h"
#include "base/mem.h"
#include "testca.h"
#include "testfds.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static int run(const char *script, int64_t limit_ms, struct err *err)
{
        const char *const argv[] = { "/bin/sh", "-c", script, NULL };
        AUTO(op_free_p)
        struct op *op = exec_start(&(struct exec_request){ .argv = argv, .limit_ms = limit_ms });

        return op_run(op, limit_ms + 10000, err);
}

static void ends(void **state UNUSED)
{
        static const struct {
                const char *script;
                enum err_kind kind;
                const char *text;
        } cases[] = {
                { "true", ERR_NONE, "" },
                { "echo fine; exit 0", ERR_NONE, "" },
                { "exit 7", ERR_ENGINE, "exited with 7" },
                { "echo first; echo 'last line' >&2; exit 1", ERR_ENGINE, "exited with 1: last line" },
                { "printf 'no newline'; exit 2", ERR_ENGINE, "exited with 2: no newline" },
                { "printf 'a\\001b\\n\\n  \\n'; exit 2", ERR_ENGINE, "exited with 2: a?b" },
                { "kill -KILL $$", ERR_ENGINE, "ended by SIGKILL" },
                { "head -c 200000 /dev/zero | tr '\\0' x; echo; echo end; exit 3", ERR_ENGINE,
                  "exited with 3: end" },
                { "exec 1>&- 2>&-; sleep 0.05; exit 4", ERR_ENGINE, "exited with 4" },
        };
        int before = testfds_count();

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct err err = ERR_INIT;

                assert_int_equal(run(cases[i].script, 10000, &err), cases[i].kind == ERR_NONE ? 0 : -1);
                assert_int_equal(err.kind, cases[i].kind);
                if (strstr(err.text, cases[i].text) == NULL)
                        fail_msg("%s: %s", cases[i].script, err.text);
        }
        assert_int_equal(testfds_count(), before);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody left to reap */
}

static void cannot_start(void **state UNUSED)
{
        static const char *const names[] = { "/no/such/program", "no-such-program-anywhere", "/etc/passwd" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                const char *const argv[] = { names[i], NULL };
                AUTO(op_free_p)
                struct op *op = exec_start(&(struct exec_request){ .argv = argv, .limit_ms = 1000 });
                struct err err = ERR_INIT;

                assert_int_equal(op_run(op, 5000, &err), -1);
                assert_int_equal(err.kind, ERR_USAGE);
                assert_non_null(strstr(err.text, names[i]));
        }
}

static void gets_nothing_but_what_is_named(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p)
        char *script = mem_printf("{ env; ls -l /proc/self/fd; cat; grep SigBlk /proc/self/status; "
                                  "grep SigIgn /proc/self/status; } > %s/seen",
                                  dir);
        AUTO(mem_free_p) char *path = mem_printf("%s/seen", dir);
        AUTO(buf_done_p) struct buf seen = BUF_INIT(1 << 20);
        const char *const argv[] = { "sh", "-c", script, NULL };
        const char *const more[] = { "CERTROTATE_PUBLISH=/there", NULL };
        AUTO(op_free_p) struct op *op = NULL;
        int leak = open("/dev/null", O_RDONLY); /* without close-on-exec */
        struct err err = ERR_INIT;
        const char *at;
        sigset_t term;

        assert_true(leak >= 0);
        leak = fcntl(leak, F_DUPFD, 77);
        assert_int_equal(leak, 77);
        (void)sigemptyset(&term);
        (void)sigaddset(&term, SIGTERM);
        (void)sigprocmask(SIG_BLOCK, &term, NULL);
        (void)signal(SIGPIPE, SIG_IGN);
        (void)setenv("SECRET_OF_OURS", "x", 1);
        op = exec_start(&(struct exec_request){ .argv = argv, .environ = more, .limit_ms = 10000 });
        assert_int_equal(op_run(op, 10000, &err), 0);
        (void)sigprocmask(SIG_UNBLOCK, &term, NULL);
        (void)close(leak);
        assert_int_equal(fs_read(path, 1 << 16, &seen, &err), 0);
        assert_non_null(strstr(buf_str(&seen), "CERTROTATE_PUBLISH=/there\n"));
        assert_non_null(strstr(buf_str(&seen), "LANG=C\n"));
        assert_null(strstr(buf_str(&seen), "SECRET_OF_OURS"));
        assert_null(strstr(buf_str(&seen), " 77 ->"));
        assert_non_null(strstr(buf_str(&seen), "SigBlk:\t0000000000000000"));
        at = strstr(buf_str(&seen), "SigIgn:\t");
        assert_non_null(at);
        assert_int_equal(strtoull(at + 8, NULL, 16) & 0x7fffffff, 0); /* 32 and 33 are glibc's own */
}

static void daemon_does_not_hold_us(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *script = mem_printf("sleep 60 & echo $! > %s/pid; echo started", dir);
        AUTO(mem_free_p) char *path = mem_printf("%s/pid", dir);
        AUTO(buf_done_p) struct buf text = BUF_INIT(1 << 20);
        struct err err = ERR_INIT;
        struct mono start = clock_mono();
        pid_t pid;

        assert_int_equal(run(script, 10000, &err), 0);
        assert_true(clock_mono().ms - start.ms < 5000);
        assert_int_equal(fs_read(path, 64, &text, &err), 0);
        pid = (pid_t)strtoll(buf_str(&text), NULL, 10);
        assert_int_equal(kill(pid, 0), 0); /* left alone */
        assert_int_equal(kill(pid, SIGKILL), 0);
}

static bool is_gone(pid_t pid)
{
        AUTO(mem_free_p) char *path = mem_printf("/proc/%d/stat", (int)pid);
        AUTO(buf_done_p) struct buf text = BUF_INIT(1 << 20);
        struct err err = ERR_INIT;

        return fs_read(path, 4096, &text, &err) == -1 || strstr(buf_str(&text), ") Z ") != NULL;
}

/* Whoever does not want to end takes its children with it. */
static void time_limit_kills_the_group(void **state UNUSED)
{
        static const struct {
                const char *script;
                int64_t least_ms;
        } cases[] = {
                { "sleep 60 & echo $! > %s/pid; echo working; wait", 250 },
                { "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > %s/pid; sleep 60; sleep 60' & echo "
                  "working; "
                  "while :; do wait; done",
                  2200 },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
                AUTO(mem_free_p) char *path = mem_printf("%s/pid", dir);
                AUTO(buf_done_p) struct buf text = BUF_INIT(1 << 20);
                AUTO(buf_done_p) struct buf script = BUF_INIT(4096);
                const char *at = strstr(cases[i].script, "%s");
                struct err err = ERR_INIT;
                struct mono start = clock_mono();
                int64_t elapsed_ms;

                buf_add(&script, cases[i].script, (size_t)(at - cases[i].script));
                buf_add_str(&script, dir);
                buf_add_str(&script, at + 2);
                assert_int_equal(run(buf_str(&script), 250, &err), -1);
                elapsed_ms = clock_mono().ms - start.ms;
                assert_int_equal(err.kind, ERR_TIMEOUT);
                assert_non_null(strstr(err.text, "working"));
                assert_in_range(elapsed_ms, cases[i].least_ms, cases[i].least_ms + 4000);
                assert_int_equal(fs_read(path, 64, &text, &err), 0);
                (void)usleep(100000);
                assert_true(is_gone((pid_t)strtoll(buf_str(&text), NULL, 10)));
        }
}

static void freed_in_the_middle(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *script = mem_printf("sleep 60 & echo $! > %s/pid; yes", dir);
        AUTO(mem_free_p) char *path = mem_printf("%s/pid", dir);
        AUTO(buf_done_p) struct buf text = BUF_INIT(1 << 20);
        const char *const argv[] = { "/bin/sh", "-c", script, NULL };
        struct op *op = exec_start(&(struct exec_request){ .argv = argv, .limit_ms = 60000 });
        struct err err = ERR_INIT;

        assert_int_equal(op_run(op, 300, &err), -1);
        assert_int_equal(err.kind, ERR_TIMEOUT); /* endless output did not keep op_run from its own limit */
        op_free(op);
        assert_int_equal(fs_read(path, 64, &text, &err), 0);
        (void)usleep(100000);
        assert_true(is_gone((pid_t)strtoll(buf_str(&text), NULL, 10)));
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        op = exec_start(&(struct exec_request){ .argv = argv, .limit_ms = 60000 });
        op_free(op); /* never stepped */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ends),
                cmocka_unit_test(cannot_start),
                cmocka_unit_test(gets_nothing_but_what_is_named),
                cmocka_unit_test(daemon_does_not_hold_us),
                cmocka_unit_test(time_limit_kills_the_group),
                cmocka_unit_test(freed_in_the_middle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
