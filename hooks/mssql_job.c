// SPDX-License-Identifier: Apache-2.0
/*
 * The block is freed by whoever lets go last; the worker keeps the last one to see whether it has ended.
 */
#include "hooks/mssql_job.h"

#include <string.h>

#include "base/mem.h"

#define STACK_BYTES       ((size_t)1 << 20) /* GnuTLS and the resolver are greedy, but not that greedy */
#define DEFAULT_HOST      "127.0.0.1"
#define DEFAULT_PORT      1433
#define DEFAULT_USER      "sa"
#define FORBIDDEN_IN_CONF "\r\n"

struct mssql_worker {
        const struct hook_settings *settings;
        char *authorities;
        bool loaded, plain;
        struct sybdb_library sybdb;
        struct mssql_job *last; /* NULL: none yet */
};

struct task {
        struct op op;
        struct mssql_worker *worker;
        mssql_job_run *run;
        struct mssql_load *load; /* until the job has it */
        mssql_job_ended *ended;
        void *arg;
        int64_t limit_ms;
        struct mono until;
        struct mssql_job *job; /* NULL: waits for an earlier one */
};

int64_t mssql_job_left_ms(const struct mssql_job *job)
{
        return job->until.ms - clock_mono().ms;
}

int mssql_job_goes_on(const struct mssql_job *job, struct err *err)
{
        if (atomic_load_explicit(&job->left, memory_order_acquire))
                return err_set(err, ERR_TIMEOUT, "nobody waits any more");
        if (mssql_job_left_ms(job) <= 0)
                return err_set(err, ERR_TIMEOUT, "the time for it is over");
        return 0;
}

static struct mssql_job *job_of(struct thread *thread)
{
        return CONTAINER_OF(thread, struct mssql_job, thread);
}

static void load_free(struct mssql_load *load)
{
        if (load != NULL)
                load->free(load);
}

static void job_free(struct thread *thread)
{
        struct mssql_job *job = job_of(thread);

        for (size_t i = 0; i < ARRAY_LEN(job->texts); i++)
                mem_free(job->texts[i]);
        load_free(job->load);
        mem_free(job);
}

static void job_run(struct thread *thread)
{
        struct mssql_job *job = job_of(thread);

        job->result = job->run(job, &job->err);
}

static void job_unref(struct mssql_job *job)
{
        if (job != NULL)
                thread_unref(&job->thread);
}

static struct mssql_job *job_new(const struct mssql_worker *worker)
{
        const struct admin_settings *admin = &worker->settings->admin;
        struct mssql_job *job = MEM_NEW(struct mssql_job);

        job->thread.run = job_run;
        job->thread.free = job_free;
        job->sybdb = worker->sybdb;
        job->texts[0] = mem_strdup(admin->host != NULL ? admin->host : DEFAULT_HOST);
        job->texts[1] = mem_strdup(admin->user != NULL ? admin->user : DEFAULT_USER);
        job->texts[2] = mem_strdup(admin->password_file);
        job->texts[3] = mem_strdup(worker->authorities);
        job->account = (struct mssql_account){
                .sybdb = &job->sybdb,
                .host = job->texts[0],
                .port = admin->port != 0 ? admin->port : DEFAULT_PORT,
                .user = job->texts[1],
                .password_file = job->texts[2],
                .authorities = job->texts[3],
        };
        job->failover = worker->settings->mssql.failover;
        job->plain = worker->plain;
        return job;
}

static int begin(struct task *task, struct err *err)
{
        struct mssql_worker *worker = task->worker;
        struct mssql_job *job;

        if (!worker->loaded && sybdb_library_open(&worker->sybdb, err) == -1)
                return -1;
        worker->loaded = true;
        job = job_new(worker);
        job->run = task->run;
        job->load = TAKE(task->load);
        job->until = task->until;
        if (thread_start(&job->thread, STACK_BYTES, err) == -1) {
                job_free(&job->thread);
                return -1;
        }
        job_unref(worker->last);
        thread_ref(&job->thread);
        worker->last = job;
        task->job = job;
        return 0;
}

static enum op_state wait_for(struct task *task, const struct mssql_job *job)
{
        task->op.want.fd = job->thread.event_fd;
        task->op.want.events = POLLIN;
        task->op.want.until = task->until;
        return OP_WAIT;
}

static enum op_state finish(struct task *task, struct err *err)
{
        const struct mssql_job *job = task->job;
        int result = job->result;

        if (result == -1)
                *err = job->err;
        if (job->state.known &&
            task->ended(task->arg, &job->state, result == 0 ? err : &(struct err)ERR_INIT) == -1)
                result = -1;
        return result == 0 ? OP_DONE : OP_FAILED;
}

static enum op_state task_step(struct op *op, short ready UNUSED, struct mono now, struct err *err)
{
        struct task *task = CONTAINER_OF(op, struct task, op);
        const struct mssql_job *last = task->worker->last;

        if (task->until.ms == 0)
                task->until = clock_after(now, task->limit_ms);
        if (task->job == NULL && last != NULL && !thread_is_done(&last->thread)) {
                if (now.ms < task->until.ms)
                        return wait_for(task, last);
                (void)err_set(err, ERR_NOT_READY,
                              "an earlier connection to %.200s:%d has not come to its end",
                              last->account.host, last->account.port);
                return OP_FAILED;
        }
        if (task->job == NULL && begin(task, err) == -1)
                return OP_FAILED;
        if (!thread_is_done(&task->job->thread)) {
                if (now.ms < task->until.ms)
                        return wait_for(task, task->job);
                (void)err_set(err, ERR_TIMEOUT, "%.200s:%d did not answer within %lld ms",
                              task->job->account.host, task->job->account.port, (long long)task->limit_ms);
                return OP_FAILED;
        }
        return finish(task, err);
}

static void task_free(struct op *op)
{
        struct task *task = CONTAINER_OF(op, struct task, op);

        if (task->job != NULL)
                atomic_store_explicit(&task->job->left, true, memory_order_release);
        job_unref(task->job);
        load_free(task->load);
        mem_free(task);
}

struct op *mssql_worker_start_with(struct mssql_worker *worker, mssql_job_run *run, mssql_job_ended *ended,
                                   void *arg, struct mssql_load *load, int64_t limit_ms)
{
        static const struct op_type type = { .name = "SQL Server", .step = task_step, .free = task_free };
        struct task *task = MEM_NEW(struct task);

        task->op.type = &type;
        task->worker = worker;
        task->run = run;
        task->ended = ended;
        task->arg = arg;
        task->load = load;
        task->limit_ms = limit_ms;
        return &task->op;
}

struct op *mssql_worker_start(struct mssql_worker *worker, mssql_job_run *run, mssql_job_ended *ended,
                              void *arg, int64_t limit_ms)
{
        return mssql_worker_start_with(worker, run, ended, arg, NULL, limit_ms);
}

int mssql_worker_new(const struct hook_settings *settings, struct mssql_worker **out, struct err *err)
{
        const struct admin_settings *admin = &settings->admin;
        struct mssql_worker *worker;

        if (admin->socket != NULL)
                return err_set(err, ERR_USAGE,
                               "admin.socket: SQL Server listens on TCP only; set admin.host and admin.port");
        if (admin->port < 0 || admin->port > UINT16_MAX)
                return err_set(err, ERR_USAGE, "admin.port: %d is not a port", admin->port);
        if (admin->host != NULL && (admin->host[0] == '\0' || strpbrk(admin->host, ",;#/\\ \t\r\n") != NULL))
                return err_set(err, ERR_USAGE, "admin.host: '%.200s' is not one name or address",
                               admin->host);
        if (settings->publish != NULL && strpbrk(settings->publish, FORBIDDEN_IN_CONF) != NULL)
                return err_set(err, ERR_USAGE, "publish: a path with a line break in it");
        worker = MEM_NEW(struct mssql_worker);
        worker->settings = settings;
        worker->authorities = mem_printf("%s/ca.crt", settings->publish != NULL ? settings->publish : ".");
        *out = worker;
        return 0;
}

void mssql_worker_set_plain(struct mssql_worker *worker, bool plain)
{
        worker->plain = plain;
}

void mssql_worker_free(struct mssql_worker *worker)
{
        job_unref(worker->last);
        mem_free(worker->authorities);
        mem_free(worker);
}
