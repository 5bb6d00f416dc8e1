// SPDX-License-Identifier: Apache-2.0
/*
 * The process is waited for by pidfd, its output read from one pipe; both sit in one epoll descriptor. The
 * end of the process ends the operation, not the end of its output: a daemon it started may hold the pipe
 * open for years.
 *
 * The leader of the group is reaped last. While it is a zombie its number cannot be given to anybody else,
 * so that killing the group can only hit the group.
 */
#include "hooks/exec.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "base/limits.h"
#include "base/mem.h"

#define TAIL_MAX     1024
#define TERM_WAIT_MS 2000
#define KILL_WAIT_MS 200
#define PIPE_BYTES   ((size_t)64 << 10) /* what the kernel may hold when the process has ended */

struct child {
        struct op op;
        struct exec_request request;
        struct mono deadline; /* after SIGTERM: of SIGKILL */
        pid_t pid;            /* 0: not started or reaped */
        int pidfd;
        int pipe;
        int epoll;
        bool timed_out;
        char tail[TAIL_MAX]; /* end of the output */
        size_t tail_len;
};

static int set_up_attributes(posix_spawnattr_t *attr)
{
        sigset_t none;
        sigset_t all;

        (void)sigemptyset(&none);
        (void)sigfillset(&all);
        (void)sigdelset(&all, SIGKILL);
        (void)sigdelset(&all, SIGSTOP);
        (void)posix_spawnattr_setsigmask(attr, &none);
        (void)posix_spawnattr_setsigdefault(attr, &all);
        (void)posix_spawnattr_setpgroup(attr, 0);
        return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                      POSIX_SPAWN_SETSIGDEF);
}

static int spawn(const struct exec_request *request, int output, pid_t *pid)
{
        static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        const char *list[EXEC_ENVIRON_MAX + 3] = { path, "LANG=C" };
        /* The prototype predates const; the strings are not written to. */
        char *const *argv = (char *const *)(uintptr_t)request->argv; /* NOLINT(performance-no-int-to-ptr) */
        char *const *env = (char *const *)(uintptr_t)list;           /* NOLINT(performance-no-int-to-ptr) */
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attr;
        size_t n = 2;
        int r;

        for (size_t i = 0; request->environ != NULL && request->environ[i] != NULL; i++) {
                assert(i < EXEC_ENVIRON_MAX);
                list[n++] = request->environ[i];
        }
        (void)posix_spawn_file_actions_init(&files);
        (void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        (void)posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
        (void)posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
        (void)posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
        (void)posix_spawnattr_init(&attr);
        r = set_up_attributes(&attr);
        if (r == 0)
                r = posix_spawnp(pid, request->argv[0], &files, &attr, argv, env);
        (void)posix_spawnattr_destroy(&attr);
        (void)posix_spawn_file_actions_destroy(&files);
        return r;
}

static int watch(int epoll, int fd)
{
        struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

        return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int start(struct child *child, struct err *err)
{
        int ends[2];
        int r;

        if (pipe2(ends, O_CLOEXEC) == -1)
                return err_sys(err, errno, "run '%s': pipe", child->request.argv[0]);
        child->pipe = ends[0];
        (void)fcntl(child->pipe, F_SETFL, O_NONBLOCK);
        r = spawn(&child->request, ends[1], &child->pid);
        (void)close(ends[1]);
        if (r != 0) {
                child->pid = 0;
                return err_set(err, ERR_USAGE, "run '%.300s': %s", child->request.argv[0],
                               strerrordesc_np(r));
        }
        child->pidfd = pidfd_open(child->pid, 0);
        child->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (child->pidfd == -1 || child->epoll == -1 || watch(child->epoll, child->pidfd) == -1 ||
            watch(child->epoll, child->pipe) == -1)
                return err_sys(err, errno, "run '%s': watch it", child->request.argv[0]);
        return 0;
}

static void keep_tail(struct child *child, const char *data, size_t len)
{
        if (len > TAIL_MAX) {
                data += len - TAIL_MAX;
                len = TAIL_MAX;
        }
        if (child->tail_len + len > TAIL_MAX) {
                size_t drop = child->tail_len + len - TAIL_MAX;

                memmove(child->tail, child->tail + drop, child->tail_len - drop);
                child->tail_len -= drop;
        }
        memcpy(child->tail + child->tail_len, data, len);
        child->tail_len += len;
}

/* With an end of its own: one that writes without end must not hold us. */
static void read_output(struct child *child, size_t max)
{
        char data[4096];

        for (size_t total = 0; total < max && child->pipe != -1;) {
                ssize_t n = read(child->pipe, data, sizeof(data));

                if (n == -1 && errno == EINTR)
                        continue;
                if (n == -1 && errno == EAGAIN)
                        return;
                if (n <= 0) {
                        (void)close(
                                child->pipe); /* leaves the epoll set too, so that its end does not spin */
                        child->pipe = -1;
                        return;
                }
                keep_tail(child, data, (size_t)n);
                total += (size_t)n;
        }
}

/* ": last line", printable; "" when there was no output. */
static void describe_output(const struct child *child, char *out, size_t room)
{
        size_t end = child->tail_len;
        size_t begin;

        while (end > 0 && isspace((unsigned char)child->tail[end - 1]))
                end--;
        begin = end;
        while (begin > 0 && child->tail[begin - 1] != '\n')
                begin--;
        (void)snprintf(out, room, "%s%.*s", end > begin ? ": " : "", (int)(end - begin), child->tail + begin);
        for (char *p = out; *p != '\0'; p++)
                if (iscntrl((unsigned char)*p))
                        *p = '?';
}

static void kill_group(const struct child *child, int signo)
{
        if (child->pid > 0)
                (void)kill(-child->pid, signo);
}

static bool has_ended(const struct child *child)
{
        struct pollfd pfd = { .fd = child->pidfd, .events = POLLIN };

        return poll(&pfd, 1, 0) == 1;
}

static enum op_state reap(struct child *child, struct err *err)
{
        siginfo_t info = { .si_pid = 0 };
        const char *name = child->request.argv[0];
        char output[256];
        int r = waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG);

        child->pid = 0;
        read_output(child, PIPE_BYTES);
        describe_output(child, output, sizeof(output));
        if (child->timed_out)
                (void)err_set(err, ERR_TIMEOUT,
                              "command '%.100s' did not end within %lld ms and was killed%s", name,
                              (long long)child->request.limit_ms, output);
        else if (r == -1)
                (void)err_sys(err, errno, "wait for command '%s'", name);
        else if (info.si_code == CLD_EXITED && info.si_status != 0)
                (void)err_set(err, ERR_ENGINE, "command '%.100s' exited with %d%s", name, info.si_status,
                              output);
        else if (info.si_code != CLD_EXITED)
                (void)err_set(err, ERR_ENGINE, "command '%.100s' was ended by SIG%s%s", name,
                              sigabbrev_np(info.si_status), output);
        else
                return OP_DONE;
        return OP_FAILED;
}

static enum op_state exec_step(struct op *op, short ready UNUSED, struct mono now, struct err *err)
{
        struct child *child = CONTAINER_OF(op, struct child, op);

        if (child->pidfd == -1) {
                child->deadline = clock_after(now, child->request.limit_ms);
                if (start(child, err) == -1)
                        return OP_FAILED;
        }
        read_output(child, CHILD_OUTPUT_MAX_BYTES);
        if (has_ended(child)) {
                if (child->timed_out)
                        kill_group(child, SIGKILL);
                return reap(child, err);
        }
        if (now.ms >= child->deadline.ms) {
                kill_group(child, child->timed_out ? SIGKILL : SIGTERM);
                child->deadline = clock_after(now, child->timed_out ? KILL_WAIT_MS : TERM_WAIT_MS);
                child->timed_out = true;
        }
        child->op.want.fd = child->epoll;
        child->op.want.events = POLLIN;
        child->op.want.until = child->deadline;
        return OP_WAIT;
}

static void exec_free(struct op *op)
{
        struct child *child = CONTAINER_OF(op, struct child, op);

        if (child->pid > 0) {
                struct pollfd pfd = { .fd = child->pidfd, .events = POLLIN };
                siginfo_t info;

                kill_group(child, SIGKILL);
                if (child->pidfd != -1)
                        (void)poll(&pfd, 1, KILL_WAIT_MS);
                (void)waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG);
        }
        close_fd_p(&child->pidfd);
        close_fd_p(&child->pipe);
        close_fd_p(&child->epoll);
        mem_free(child);
}

static const struct op_type exec_type = { .name = "command", .step = exec_step, .free = exec_free };

struct op *exec_start(const struct exec_request *request)
{
        struct child *child = MEM_NEW(struct child);

        assert(request->argv[0] != NULL);
        child->op.type = &exec_type;
        child->request = *request;
        child->pidfd = -1;
        child->pipe = -1;
        child->epoll = -1;
        return &child->op;
}
