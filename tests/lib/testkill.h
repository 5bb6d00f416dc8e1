// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * kill -9 between any two system calls: the act runs in a child under ptrace that is killed before its n-th.
 * Include behind cmocka.h.
 */
#include "base/err.h"

#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define TESTKILL_SKIPPED 77

/* Lets it make `calls` system calls (two stops each), then kills it. true when it ended by itself before. */
static inline bool testkill_wait(pid_t pid, long calls)
{
        int status = 0;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status) && WEXITSTATUS(status) == TESTKILL_SKIPPED)
                skip();
        assert_true(WIFSTOPPED(status));
        for (long i = 0; i < calls; i++) {
                for (int half = 0; half < 2; half++) {
                        assert_int_not_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), -1);
                        assert_int_equal(waitpid(pid, &status, 0), pid);
                        if (WIFEXITED(status)) {
                                assert_int_equal(WEXITSTATUS(status), 0);
                                return true;
                        }
                }
        }
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return false;
}

/* begin (not killed) and act return 0 when they are content; the same `calls` in the same state is the same
 * end. */
static inline bool testkill_run(int (*begin)(void *arg, struct err *err),
                                int (*act)(void *arg, struct err *err), void *arg, long calls)
{
        struct err err = ERR_INIT;
        pid_t pid = fork();

        if (pid != 0)
                return testkill_wait(pid, calls);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
                _exit(TESTKILL_SKIPPED);
        if (begin != NULL && begin(arg, &err) != 0)
                _exit(1);
        (void)raise(SIGSTOP);
        if (act(arg, &err) == 0)
                _exit(0);
        (void)fprintf(stderr, "%s\n", err.text);
        _exit(1);
}
