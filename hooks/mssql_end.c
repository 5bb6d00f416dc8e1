// SPDX-License-Identifier: Apache-2.0
/*
 * Two operations, the second begun when the first came to its end well.
 */
#include "hooks/mssql_end.h"

#include "base/mem.h"
#include "hooks/mssql_ask.h"
#include "hooks/process_end.h"

struct end {
        struct op op;
        const struct process_settings *process;
        int64_t limit_ms;
        struct mono until;
        struct op *current;
        bool yielded;
};

bool mssql_end_asks(const struct hook_settings *settings)
{
        return settings->admin.password_file != NULL || !process_end_is_told(&settings->process);
}

static enum op_state end_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct end *self = CONTAINER_OF(op, struct end, op);

        if (self->until.ms == 0)
                self->until = clock_after(now, self->limit_ms);
        for (;;) {
                enum op_state state = self->current->type->step(self->current, ready, now, err);

                self->op.want = self->current->want;
                if (state != OP_DONE || self->yielded)
                        return state;
                op_free(self->current);
                self->yielded = true;
                self->current = process_end_start(self->process, NULL, self->until.ms - now.ms);
                ready = 0;
        }
}

static void end_free(struct op *op)
{
        struct end *self = CONTAINER_OF(op, struct end, op);

        op_free(self->current);
        mem_free(self);
}

struct op *mssql_end_start(struct mssql_worker *worker, const struct hook_settings *settings,
                           mssql_job_ended *ended, void *arg, int64_t limit_ms)
{
        static const struct op_type type = { .name = "end", .step = end_step, .free = end_free };
        struct end *self;

        if (!process_end_is_told(&settings->process))
                return mssql_worker_start(worker, mssql_ask_end, ended, arg, limit_ms);
        if (!mssql_end_asks(settings))
                return process_end_start(&settings->process, NULL, limit_ms);
        self = MEM_NEW(struct end);
        self->op.type = &type;
        self->process = &settings->process;
        self->limit_ms = limit_ms;
        self->current = mssql_worker_start(worker, mssql_ask_yield, ended, arg, limit_ms);
        return &self->op;
}
