// SPDX-License-Identifier: Apache-2.0
/*
 * What holds the namespaces of a pod: sleeps, and is the parent of whoever loses his.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signo)
{
        (void)signo;
        _exit(0);
}

static void reap(int signo)
{
        (void)signo;
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
}

int main(void)
{
        (void)signal(SIGTERM, end);
        (void)signal(SIGINT, end);
        (void)signal(SIGCHLD, reap);
        for (;;)
                (void)pause();
}
