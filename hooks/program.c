// SPDX-License-Identifier: Apache-2.0
/*
 * A loop around whatever operation is current.
 */
#include "hooks/program.h"

#include "base/mem.h"

struct program {
        struct op op;
        struct op_type op_type; /* of its own, for the name */
        const struct program_type *type;
        void *self;
        int64_t limit_ms;
        struct mono deadline;
        struct op *current;
};

struct pause {
        struct op op;
        int64_t ms;
        struct mono until;
};

static enum op_state program_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct program *program = CONTAINER_OF(op, struct program, op);
        struct err failure = ERR_INIT;

        if (program->deadline.ms == 0)
                program->deadline = clock_after(now, program->limit_ms);
        for (;;) {
                enum op_state state;

                if (program->current == NULL) {
                        if (program->type->next(program->self, failure.kind == ERR_NONE ? NULL : &failure,
                                                program->deadline.ms - now.ms, &program->current, err) == -1)
                                return OP_FAILED;
                        if (program->current == NULL)
                                return OP_DONE;
                        failure = (struct err)ERR_INIT;
                        ready = 0;
                }
                state = program->current->type->step(program->current, ready, now, &failure);
                if (state == OP_WAIT) {
                        op->want = program->current->want;
                        return OP_WAIT;
                }
                op_free(TAKE(program->current));
        }
}

static void program_free(struct op *op)
{
        struct program *program = CONTAINER_OF(op, struct program, op);

        op_free(program->current);
        program->type->free(program->self);
        mem_free(program);
}

struct op *program_start(const struct program_type *type, void *self, int64_t limit_ms)
{
        struct program *program = MEM_NEW(struct program);

        program->op_type = (struct op_type){ .name = type->name, .step = program_step, .free = program_free };
        program->op.type = &program->op_type;
        program->type = type;
        program->self = self;
        program->limit_ms = limit_ms;
        return &program->op;
}

static enum op_state pause_step(struct op *op, short ready UNUSED, struct mono now, struct err *err UNUSED)
{
        struct pause *pause = CONTAINER_OF(op, struct pause, op);

        if (pause->until.ms == 0)
                pause->until = clock_after(now, pause->ms);
        op->want.fd = -1;
        op->want.events = 0;
        op->want.until = pause->until;
        return now.ms >= pause->until.ms ? OP_DONE : OP_WAIT;
}

static void pause_free(struct op *op)
{
        mem_free(CONTAINER_OF(op, struct pause, op));
}

struct op *program_pause(int64_t ms)
{
        static const struct op_type type = { .name = "pause", .step = pause_step, .free = pause_free };
        struct pause *pause = MEM_NEW(struct pause);

        pause->op.type = &type;
        pause->ms = ms;
        return &pause->op;
}
