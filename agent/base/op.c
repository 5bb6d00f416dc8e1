// SPDX-License-Identifier: Apache-2.0
/*
 * Runs one operation to its end, for programs that have nothing else to do meanwhile.
 */
#include "base/op.h"

#include <errno.h>
#include <limits.h>

static int poll_timeout(struct mono now, struct mono until)
{
        int64_t ms;

        if (until.ms == MONO_NEVER.ms)
                return -1;
        ms = until.ms - now.ms;
        if (ms < 0)
                return 0;
        return ms > INT_MAX ? INT_MAX : (int)ms;
}

int op_run(struct op *op, int64_t limit_ms, struct err *err)
{
        struct mono now = clock_mono();
        const struct mono deadline = clock_after(now, limit_ms);
        short ready = 0;

        for (;;) {
                enum op_state state = op->type->step(op, ready, now, err);
                struct pollfd pfd;
                struct mono until;

                if (state != OP_WAIT)
                        return state == OP_DONE ? 0 : -1;
                if (now.ms >= deadline.ms)
                        return err_set(err, ERR_TIMEOUT, "%s: no result within %lld ms", op->type->name,
                                       (long long)limit_ms);
                until = op->want.until.ms < deadline.ms ? op->want.until : deadline;
                pfd = (struct pollfd){ .fd = op->want.fd, .events = op->want.events };
                if (poll(&pfd, 1, poll_timeout(now, until)) == -1 && errno != EINTR)
                        return err_sys(err, errno, "%s: poll", op->type->name);
                ready = pfd.revents;
                now = clock_mono();
        }
}
