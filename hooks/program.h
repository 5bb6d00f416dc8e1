// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Operations one after the other, each chosen by how the one before it ended: an operation of its own.
 */
#include "base/op.h"

struct program_type {
        const char *name; /* for messages */
        /*
         * The next operation in *out; NULL there ends the program well, -1 with err ends it badly. failure is
         * how the one before ended: NULL well, or there was none yet. left_ms is what is left of the limit.
         */
        int (*next)(void *self, const struct err *failure, int64_t left_ms, struct op **out, struct err *err);
        void (*free)(void *self);
};

/* self is the program's own memory: type->free ends it. */
struct op *program_start(const struct program_type *type, void *self, int64_t limit_ms);
/* Only lets time pass; for a program that must wait. */
struct op *program_pause(int64_t ms);
