// SPDX-License-Identifier: Apache-2.0
/*
 * Order is what makes it safe: the pidfd is taken first, then /proc/<pid>/exe is read, then the pidfd is
 * asked whether its process is still there. If it is, the number was its own all the time in between, and
 * what was read was read of it. From then on only the pidfd is used.
 */
#include "hooks/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "hooks/process_find.h"

#define PID_FILE_MAX_BYTES 4096

struct process {
        struct op op;
        struct process_request request;
        struct mono deadline;
        int pidfd;
        pid_t pid;
};

/* Some say more in further lines: PostgreSQL's postmaster.pid does. */
static void first_line(struct buf *text)
{
        if (text->len == 0)
                return;
        text->len = strcspn((const char *)text->data, "\r\n");
        while (text->len > 0 && strchr(" \t", text->data[text->len - 1]) != NULL)
                text->len--;
        text->data[text->len] = '\0';
}

static int read_pid(const char *path, pid_t *out, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(CONFIG_MAX_BYTES); /* fs_read reads in chunks */
        struct err why = ERR_INIT;
        int64_t pid;

        if (fs_read(path, PID_FILE_MAX_BYTES, &text, &why) == -1) {
                if (why.kind == ERR_MISSING)
                        return err_set(err, ERR_NOT_READY,
                                       "pid file '%.300s' is not there: the process is not running (yet)",
                                       path);
                *err = why;
                return -1;
        }
        first_line(&text);
        if (text.len == 0)
                return err_set(err, ERR_NOT_READY, "pid file '%.300s' is empty: the process is just starting",
                               path);
        if (num_parse(buf_str(&text), 1, PROCESS_PID_MAX, &pid, &why) == -1)
                return err_set(err, ERR_PARSE, "pid file '%.300s' does not hold a process number", path);
        *out = (pid_t)pid;
        return 0;
}

static int check_program(const struct process *process, struct err *err)
{
        const struct process_request *request = &process->request;
        char path[PROCESS_PROGRAM_SIZE];

        if (process_program(process->pid, path, err) == -1)
                return -1;
        if (process_is_program(path, request->executable))
                return 0;
        if (request->pid_file == NULL)
                return err_set(err, ERR_NOT_READY, "process %d became another program just now",
                               (int)process->pid);
        return err_set(err, ERR_ENGINE, "pid %d in '%.120s' is '%.120s', not '%.120s': the pid file is stale",
                       (int)process->pid, request->pid_file, path, request->executable);
}

static int open_process(struct process *process, struct err *err)
{
        const struct process_request *request = &process->request;

        if ((request->pid_file != NULL ? read_pid(request->pid_file, &process->pid, err)
                                       : process_find(request->executable, &process->pid, err)) == -1)
                return -1;
        process->pidfd = pidfd_open(process->pid, 0);
        if (process->pidfd != -1)
                return 0;
        if (errno != ESRCH && errno != EINVAL) /* EINVAL: a thread's number */
                return err_sys(err, errno, "open process %d", (int)process->pid);
        if (request->pid_file == NULL)
                return err_set(err, ERR_NOT_READY, "process %d ended just now", (int)process->pid);
        return err_set(err, ERR_NOT_READY,
                       "no process %d, which pid file '%.300s' names: it is not running (yet)",
                       (int)process->pid, request->pid_file);
}

static int send_signal(struct process *process, struct err *err)
{
        const struct process_request *request = &process->request;

        if (open_process(process, err) == -1 || check_program(process, err) == -1)
                return -1;
        /* One call for both questions: still there, and take this. */
        if (pidfd_send_signal(process->pidfd, request->signo, NULL, 0) == 0)
                return 0;
        if (errno == ESRCH)
                return err_set(err, ERR_NOT_READY, "process %d ended just now", (int)process->pid);
        if (errno == EPERM)
                return err_set(err, ERR_PRIVILEGE,
                               "may not send SIG%s to process %d: run the agent as the user of that process",
                               sigabbrev_np(request->signo), (int)process->pid);
        return err_sys(err, errno, "send SIG%s to process %d", sigabbrev_np(request->signo),
                       (int)process->pid);
}

static enum op_state process_step(struct op *op, short ready UNUSED, struct mono now, struct err *err)
{
        struct process *process = CONTAINER_OF(op, struct process, op);
        struct pollfd pfd;

        if (process->pidfd == -1) {
                process->deadline = clock_after(now, process->request.limit_ms);
                if (send_signal(process, err) == -1)
                        return OP_FAILED;
        }
        if (!process->request.until_gone)
                return OP_DONE;
        pfd = (struct pollfd){ .fd = process->pidfd, .events = POLLIN };
        if (poll(&pfd, 1, 0) == 1)
                return OP_DONE;
        if (now.ms >= process->deadline.ms) {
                (void)err_set(err, ERR_TIMEOUT, "process %d did not end within %lld ms of SIG%s",
                              (int)process->pid, (long long)process->request.limit_ms,
                              sigabbrev_np(process->request.signo));
                return OP_FAILED;
        }
        process->op.want.fd = process->pidfd;
        process->op.want.events = POLLIN;
        process->op.want.until = process->deadline;
        return OP_WAIT;
}

static void process_free(struct op *op)
{
        struct process *process = CONTAINER_OF(op, struct process, op);

        close_fd_p(&process->pidfd);
        mem_free(process);
}

static const struct op_type process_type = { .name = "signal", .step = process_step, .free = process_free };

struct op *process_signal(const struct process_request *request)
{
        struct process *process = MEM_NEW(struct process);

        process->op.type = &process_type;
        process->request = *request;
        process->pidfd = -1;
        return &process->op;
}
