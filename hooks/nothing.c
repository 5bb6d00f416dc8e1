// SPDX-License-Identifier: Apache-2.0
/*
 * Says nothing to nobody, and succeeds.
 */
#include "hooks/nothing.h"

#include "base/mem.h"

struct nothing {
        struct op op;
};

static enum op_state nothing_step(struct op *op UNUSED, short ready UNUSED, struct mono now UNUSED,
                                  struct err *err UNUSED)
{
        return OP_DONE;
}

static void nothing_free(struct op *op)
{
        mem_free(CONTAINER_OF(op, struct nothing, op));
}

struct op *nothing_start(void)
{
        static const struct op_type type = { .name = "nothing", .step = nothing_step, .free = nothing_free };
        struct nothing *nothing = MEM_NEW(struct nothing);

        nothing->op.type = &type;
        return &nothing->op;
}
