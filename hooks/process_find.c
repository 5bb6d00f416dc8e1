// SPDX-License-Identifier: Apache-2.0
#include "hooks/process_find.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"

#define COMM_MAX  15 /* bytes that the kernel keeps of a program's name */
#define STAT_SIZE 512

static const char deleted[] = " (deleted)";

struct search {
        const char *executable;
        pid_t one;    /* 0: none */
        pid_t other;  /* 0: there are no two */
        pid_t hidden; /* one that has the name and may not be looked at; 0: none */
};

int process_program(pid_t pid, char path[static PROCESS_PROGRAM_SIZE], struct err *err)
{
        char name[32];
        ssize_t n;

        (void)snprintf(name, sizeof(name), "/proc/%d/exe", (int)pid);
        n = readlink(name, path, PROCESS_PROGRAM_SIZE - 1);
        if (n == -1 && errno == EACCES)
                return err_set(err, ERR_PRIVILEGE,
                               "may not read %s: run the agent as the user of that process, or give it "
                               "CAP_SYS_PTRACE",
                               name);
        if (n == -1)
                return err_set(err, ERR_NOT_READY, "process %d is ending or has no program", (int)pid);
        path[n] = '\0';
        /* The kernel marks a program whose file was replaced by an upgrade; it is still that program. */
        if ((size_t)n > sizeof(deleted) - 1 && strcmp(path + n - (sizeof(deleted) - 1), deleted) == 0)
                path[(size_t)n - (sizeof(deleted) - 1)] = '\0';
        return 0;
}

static const char *base_of(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash != NULL ? slash + 1 : path;
}

bool process_is_program(const char *path, const char *executable)
{
        return strcmp(executable[0] == '/' ? path : base_of(path), executable) == 0;
}

/* What of /proc/<pid> anybody may read; "" when the process is gone. */
static void read_entry(pid_t pid, const char *entry, char text[static STAT_SIZE])
{
        char name[32];
        FILE *file;
        size_t n = 0;

        (void)snprintf(name, sizeof(name), "/proc/%d/%s", (int)pid, entry);
        file = fopen(name, "re");
        if (file != NULL) {
                n = fread(text, 1, STAT_SIZE - 1, file);
                (void)fclose(file);
        }
        text[n] = '\0';
}

/* Behind the name, which may hold anything: ") S <parent> …" */
static pid_t parent_of(pid_t pid)
{
        struct err ignored = ERR_INIT;
        char text[STAT_SIZE];
        char *parent;
        int64_t number;

        read_entry(pid, "stat", text);
        parent = strrchr(text, ')');
        if (parent == NULL || strlen(parent) < sizeof(") S"))
                return 0;
        parent += sizeof(") S");
        parent[strcspn(parent, " ")] = '\0';
        return num_parse(parent, 0, PROCESS_PID_MAX, &number, &ignored) == 0 ? (pid_t)number : 0;
}

static bool has_name(pid_t pid, const char *executable)
{
        const char *base = base_of(executable);
        char text[STAT_SIZE];

        read_entry(pid, "comm", text);
        text[strcspn(text, "\n")] = '\0';
        return text[0] != '\0' && strncmp(text, base, COMM_MAX) == 0;
}

static bool is_child_of_its_kind(const struct search *search, pid_t pid)
{
        char path[PROCESS_PROGRAM_SIZE];
        pid_t parent = parent_of(pid);
        struct err ignored = ERR_INIT;

        return parent > 0 && process_program(parent, path, &ignored) == 0 &&
               process_is_program(path, search->executable);
}

static void look_at(struct search *search, pid_t pid)
{
        char path[PROCESS_PROGRAM_SIZE];
        struct err why = ERR_INIT;

        if (process_program(pid, path, &why) == -1) {
                if (why.kind == ERR_PRIVILEGE && has_name(pid, search->executable))
                        search->hidden = pid;
        } else if (process_is_program(path, search->executable) && !is_child_of_its_kind(search, pid)) {
                search->other = search->one;
                search->one = pid;
        }
}

static int choose(const struct search *search, pid_t *out, struct err *err)
{
        if (search->other != 0)
                return err_set(
                        err, ERR_USAGE,
                        "processes %d and %d both are '%.200s': name the one that is meant by pid-file",
                        (int)search->other, (int)search->one, search->executable);
        if (search->one == 0 && search->hidden != 0)
                return err_set(err, ERR_PRIVILEGE,
                               "process %d seems to be '%.200s', and may not be looked at: run the agent as "
                               "the user of that process, or give it CAP_SYS_PTRACE",
                               (int)search->hidden, search->executable);
        if (search->one == 0)
                return err_set(err, ERR_NOT_READY, "no process is '%.200s': it is not running (yet)",
                               search->executable);
        *out = search->one;
        return 0;
}

int process_find(const char *executable, pid_t *out, struct err *err)
{
        struct search search = { .executable = executable };
        DIR *entries = opendir("/proc");
        const struct dirent *entry;

        if (entries == NULL)
                return err_sys(err, errno, "open /proc");
        while ((entry = readdir(entries)) != NULL) {
                struct err ignored = ERR_INIT;
                int64_t pid;

                if (num_parse(entry->d_name, 1, PROCESS_PID_MAX, &pid, &ignored) == 0)
                        look_at(&search, (pid_t)pid);
        }
        (void)closedir(entries);
        return choose(&search, out, err);
}
