// SPDX-License-Identifier: Apache-2.0
/*
 * agent/loop: timers, signals, operations driven from the loop.
 */
#include "base/mem.h"
#include "loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

struct script {
        struct loop *loop;
        char trace[64];
        struct loop_timer *timer;
        struct loop_op *handle;
        enum op_state state;
        struct err err;
        int calls;
};

static void note(struct script *script, char c)
{
        const size_t len = strlen(script->trace);

        assert_true(len + 1 < sizeof(script->trace));
        script->trace[len] = c;
}

static void on_a(void *arg)
{
        note(arg, 'a');
}

static void on_b(void *arg)
{
        note(arg, 'b');
}

static void on_end(void *arg)
{
        struct script *script = arg;

        note(script, '.');
        loop_stop(script->loop);
}

static void timers_fire_in_order(void **state UNUSED)
{
        AUTO(loop_free_p) struct loop *loop = loop_new();
        struct script script = { .loop = loop };
        AUTO(loop_timer_free_p) struct loop_timer *a = loop_timer_new(loop, on_a, &script);
        AUTO(loop_timer_free_p) struct loop_timer *b = loop_timer_new(loop, on_b, &script);
        AUTO(loop_timer_free_p) struct loop_timer *end = loop_timer_new(loop, on_end, &script);
        const struct mono start = clock_mono();

        loop_timer_set(end, 60);
        loop_timer_set(a, 20);
        loop_timer_set(b, 10);
        assert_string_equal(script.trace, ""); /* nothing runs from the call that asks */
        loop_run(loop);
        assert_string_equal(script.trace, "ba.");
        assert_in_range(clock_mono().ms - start.ms, 60, 2000);

        loop_timer_set(a, 0);
        loop_timer_set(b, 5);
        loop_timer_clear(b);
        loop_timer_set(end, 5000);
        loop_timer_set(end, 20); /* replaces */
        loop_run(loop);
        assert_string_equal(script.trace, "ba.a.");
        loop_timer_set(a, INT64_MAX);
        loop_timer_set(end, -5);
        loop_run(loop);
        assert_string_equal(script.trace, "ba.a..");
}

static void free_own_timer(void *arg)
{
        struct script *script = arg;

        loop_timer_free(TAKE(script->timer));
        on_end(script);
}

static void a_timer_may_free_itself(void **state UNUSED)
{
        AUTO(loop_free_p) struct loop *loop = loop_new();
        struct script script = { .loop = loop };

        script.timer = loop_timer_new(loop, free_own_timer, &script);
        loop_timer_set(script.timer, 1);
        loop_run(loop);
        assert_null(script.timer);
        loop_stop(loop); /* before the run: remembered */
        loop_run(loop);
}

static void on_signal(int signo, void *arg)
{
        struct script *script = arg;

        note(script, signo == SIGHUP ? 'h' : signo == SIGUSR1 ? 'u' : '?');
        if (signo == SIGUSR1)
                loop_stop(script->loop);
}

static void signals_arrive_in_the_loop(void **state UNUSED)
{
        static const int signos[] = { SIGHUP, SIGUSR1 };
        AUTO(loop_free_p) struct loop *loop = loop_new();
        struct script script = { .loop = loop };
        AUTO(loop_signal_free_p)
        struct loop_signal *signals = loop_signal_new(loop, signos, ARRAY_LEN(signos), on_signal, &script);

        assert_non_null(signals);
        for (int i = 0; i < 3; i++) {
                script.trace[0] = '\0';
                memset(script.trace, 0, sizeof(script.trace));
                assert_int_equal(raise(SIGHUP), 0);
                assert_int_equal(raise(SIGUSR1), 0);
                assert_string_equal(script.trace, "");
                loop_run(loop);
                assert_string_equal(script.trace, "hu");
        }
}

/*
 * An operation that reads `rounds` bytes, each from a new socket pair that gets the number of the one it
 * just closed.
 */
struct reader {
        struct op op;
        struct script *script;
        int fds[2];
        int rounds;
        bool is_cancelled_in_step;
};

static void reader_pair(struct reader *reader)
{
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, reader->fds), 0);
        assert_int_equal(write(reader->fds[1], "x", 1), 1);
        reader->op.want.fd = reader->fds[0];
        reader->op.want.events = POLLIN;
        reader->op.want.until = MONO_NEVER;
}

static enum op_state reader_step(struct op *op, short ready, struct mono now UNUSED, struct err *err)
{
        struct reader *reader = CONTAINER_OF(op, struct reader, op);
        const int number = reader->fds[0];
        char c;

        if (reader->is_cancelled_in_step)
                loop_op_cancel(reader->script->handle);
        if (number == -1) {
                assert_int_equal(ready, 0);
                reader_pair(reader);
                return OP_WAIT;
        }
        assert_int_equal(ready, POLLIN);
        if (read(number, &c, 1) != 1) {
                (void)err_sys(err, errno, "read");
                return OP_FAILED;
        }
        (void)close(reader->fds[0]);
        (void)close(reader->fds[1]);
        reader->fds[0] = -1;
        reader->fds[1] = -1;
        if (--reader->rounds == 0)
                return OP_DONE;
        reader_pair(reader);
        assert_int_equal(reader->fds[0], number);
        return OP_WAIT;
}

static void reader_free(struct op *op)
{
        struct reader *reader = CONTAINER_OF(op, struct reader, op);

        note(reader->script, 'f');
        close_fd_p(&reader->fds[0]);
        close_fd_p(&reader->fds[1]);
        mem_free(reader);
}

static const struct op_type reader_type = { "reader", reader_step, reader_free };

static struct op *reader_new(struct script *script, int rounds)
{
        struct reader *reader = MEM_NEW(struct reader);

        reader->op.type = &reader_type;
        reader->script = script;
        reader->fds[0] = -1;
        reader->fds[1] = -1;
        reader->rounds = rounds;
        return &reader->op;
}

static void on_op(enum op_state state, const struct err *err, void *arg)
{
        struct script *script = arg;

        script->state = state;
        script->err = *err;
        note(script, 'c');
        loop_op_cancel(script->handle); /* its own: does nothing */
        script->handle = NULL;
        loop_stop(script->loop);
}

static void a_descriptor_number_may_come_back(void **state UNUSED)
{
        AUTO(loop_free_p) struct loop *loop = loop_new();
        struct script script = { .loop = loop };
        struct mono start = clock_mono();

        script.handle = loop_op_start(loop, reader_new(&script, 2000), 60000, on_op, &script);
        loop_run(loop);
        assert_int_equal(script.state, OP_DONE);
        assert_string_equal(script.trace, "cf"); /* alive in the callback, freed behind it */
        print_message("2000 reopened descriptors in %lld ms\n", (long long)(clock_mono().ms - start.ms));
}

/* Waits for time only: ready again at once, or never. */
static enum op_state sleeper_step(struct op *op, short ready, struct mono now, struct err *err UNUSED)
{
        struct reader *reader = CONTAINER_OF(op, struct reader, op);

        assert_int_equal(ready, 0);
        if (reader->script->calls > 0 && op->want.until.ms != MONO_NEVER.ms)
                assert_true(now.ms >= op->want.until.ms);
        op->want.fd = -1;
        op->want.until = reader->rounds < 0 ? MONO_NEVER : clock_after(now, 5);
        reader->script->calls++;
        return reader->rounds >= 0 && --reader->rounds <= 0 ? OP_DONE : OP_WAIT;
}

static const struct op_type sleeper_type = { "sleeper", sleeper_step, reader_free };

static void operations_wait_for_time_and_have_a_limit(void **state UNUSED)
{
        AUTO(loop_free_p) struct loop *loop = loop_new();
        struct script script = { .loop = loop };
        struct op *op = reader_new(&script, 4);
        const struct mono start = clock_mono();

        op->type = &sleeper_type;
        script.handle = loop_op_start(loop, op, -1, on_op, &script);
        assert_int_equal(script.calls, 0);
        loop_run(loop);
        assert_int_equal(script.calls, 4);
        assert_in_range(clock_mono().ms - start.ms, 15, 2000);

        op = reader_new(&script, -1);
        op->type = &sleeper_type;
        script.handle = loop_op_start(loop, op, 30, on_op, &script);
        loop_run(loop);
        assert_int_equal(script.state, OP_FAILED);
        assert_int_equal(script.err.kind, ERR_TIMEOUT);
        assert_string_equal(script.err.text, "sleeper: no result within 30 ms");

        op = reader_new(&script, -1);
        op->type = &sleeper_type;
        script.handle = loop_op_start(loop, op, -1, on_op, &script);
        loop_run(loop);
        assert_int_equal(script.err.kind, ERR_INTERNAL);
        assert_string_equal(script.err.text, "sleeper: waits for nothing");
}

static void cancel(void *arg)
{
        struct script *script = arg;

        loop_op_cancel(TAKE(script->handle));
        on_end(script);
}

static void operations_can_be_cancelled(void **state UNUSED)
{
        AUTO(loop_free_p) struct loop *loop = loop_new();
        struct script script = { .loop = loop };
        AUTO(loop_timer_free_p) struct loop_timer *timer = loop_timer_new(loop, cancel, &script);
        AUTO(loop_timer_free_p) struct loop_timer *end = loop_timer_new(loop, on_end, &script);
        struct op *op = reader_new(&script, 1);

        script.handle = loop_op_start(loop, op, -1, on_op, &script);
        loop_op_cancel(script.handle); /* before its first step */
        assert_string_equal(script.trace, "f");

        op = reader_new(&script, 1 << 20);
        op->type = &sleeper_type;
        script.handle = loop_op_start(loop, op, -1, on_op, &script);
        loop_timer_set(timer, 20); /* while it waits */
        loop_run(loop);
        assert_string_equal(script.trace, "ff.");

        op = reader_new(&script, 1);
        CONTAINER_OF(op, struct reader, op)->is_cancelled_in_step = true;
        script.handle = loop_op_start(loop, op, -1, on_op, &script);
        loop_timer_set(end, 20);
        loop_run(loop);
        assert_string_equal(script.trace, "ff.f.");
        loop_op_cancel(NULL);
}

/* The other end goes away: the operation is told, whatever it waits for. */

static enum op_state hangup_step(struct op *op, short ready, struct mono now UNUSED, struct err *err UNUSED)
{
        struct reader *reader = CONTAINER_OF(op, struct reader, op);

        if (reader->fds[0] != -1)
                return (ready & op->want.events) != 0 ? OP_DONE : OP_FAILED;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, reader->fds), 0);
        (void)close(reader->fds[1]);
        reader->fds[1] = -1;
        op->want.fd = reader->fds[0];
        op->want.events = reader->rounds == 0 ? POLLIN : POLLOUT;
        op->want.until = MONO_NEVER;
        return OP_WAIT;
}

static const struct op_type hangup_type = { "hangup", hangup_step, reader_free };

static void a_hangup_is_an_event(void **state UNUSED)
{
        AUTO(loop_free_p) struct loop *loop = loop_new();

        for (int round = 0; round < 2; round++) {
                struct script script = { .loop = loop };
                struct op *op = reader_new(&script, round);

                op->type = &hangup_type;
                script.handle = loop_op_start(loop, op, 5000, on_op, &script);
                loop_run(loop);
                assert_int_equal(script.state, OP_DONE);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(timers_fire_in_order),
                cmocka_unit_test(a_timer_may_free_itself),
                cmocka_unit_test(signals_arrive_in_the_loop),
                cmocka_unit_test(a_descriptor_number_may_come_back),
                cmocka_unit_test(operations_wait_for_time_and_have_a_limit),
                cmocka_unit_test(operations_can_be_cancelled),
                cmocka_unit_test(a_hangup_is_an_event),
        };

        return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
