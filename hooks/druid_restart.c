// SPDX-License-Identifier: Apache-2.0
/*
 * A restart enables a middleManager again by itself; one that stays must be told.
 */
#include "hooks/druid_restart.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "hooks/druid_call.h"
#include "hooks/process_end.h"

#define TASKS_PAUSE_MS 500
#define CALL_LIMIT_MS  10000
#define END_SHARE_MS   30000 /* of the limit, for the end of the process */

enum phase { PHASE_DISABLE, PHASE_TASKS, PHASE_END, PHASE_ENABLE, PHASE_OVER };

struct restart {
        struct op op;
        struct druid *druid;
        int64_t limit_ms;
        struct mono deadline;
        struct mono drained; /* by then tasks had their time */
        struct mono pause;
        enum phase phase;
        struct op *current;
        struct buf answer;
        struct err failure; /* why the process could not be ended */
};

static const struct druid_call calls[] = {
        [PHASE_DISABLE] = { "POST", "/druid/worker/v1/disable", NULL },
        [PHASE_TASKS] = { "GET", "/druid/worker/v1/tasks", NULL },
        [PHASE_END] = { NULL, NULL, NULL },
        [PHASE_ENABLE] = { "POST", "/druid/worker/v1/enable", NULL },
};

static void begin(struct restart *restart, struct mono now)
{
        const bool drains = restart->druid->role != NULL && restart->druid->role->drains;
        const int64_t drain_ms = restart->druid->database.settings->druid.drain_limit_ms;
        const int64_t most = restart->limit_ms - END_SHARE_MS;

        restart->deadline = clock_after(now, restart->limit_ms);
        restart->drained = clock_after(now, drain_ms < most ? drain_ms : most);
        restart->phase = drains ? PHASE_DISABLE : PHASE_END;
}

static int start_current(struct restart *restart, struct mono now, struct err *err)
{
        const int64_t left = restart->deadline.ms - now.ms;
        struct druid_call call = calls[restart->phase];

        if (call.path != NULL) {
                buf_reset(&restart->answer);
                call.body = &restart->answer;
                restart->current =
                        druid_call_start(restart->druid, &call, left < CALL_LIMIT_MS ? left : CALL_LIMIT_MS);
                return 0;
        }
        restart->current = process_end_start(&restart->druid->database.settings->process, NULL, left);
        if (restart->current == NULL)
                return err_set(err, ERR_USAGE,
                               "Druid has to be restarted, and nothing says how: set process.command or "
                               "process.executable");
        return 0;
}

/* The answer is a list of the tasks that run. */
static void take_tasks(struct restart *restart, struct mono now, struct err *why)
{
        AUTO(json_free_p) cJSON *list = NULL;
        struct err ignored;

        if (json_parse(buf_str(&restart->answer), restart->answer.len, &list, &ignored) != 0 ||
            !cJSON_IsArray(list))
                err_set_(why, ERR_PROTOCOL, "the answer to %s is no list of tasks", calls[PHASE_TASKS].path);
        else if (cJSON_GetArraySize(list) == 0 || now.ms >= restart->drained.ms)
                restart->phase = PHASE_END;
        else
                restart->pause = clock_after(now, TASKS_PAUSE_MS);
}

static void give_up(struct restart *restart, const struct err *why)
{
        const bool was_disabled =
                restart->phase == PHASE_TASKS ||
                (restart->phase == PHASE_END && restart->druid->role != NULL && restart->druid->role->drains);

        restart->failure = *why;
        restart->phase = was_disabled ? PHASE_ENABLE : PHASE_OVER;
}

/* The phase ended well, or why says how not. */
static void next_phase(struct restart *restart, struct mono now, struct err *why)
{
        if (restart->phase == PHASE_TASKS && why->kind == ERR_NONE)
                take_tasks(restart, now, why);
        else if (restart->phase == PHASE_DISABLE && why->kind == ERR_NONE)
                restart->phase = PHASE_TASKS;
        else if (restart->phase == PHASE_ENABLE || why->kind == ERR_NONE)
                restart->phase = PHASE_OVER; /* of enabling too, whatever came of it: the failure is told */
        if (why->kind != ERR_NONE && restart->failure.kind == ERR_NONE)
                give_up(restart, why);
}

static enum op_state wait_for(struct restart *restart, struct mono until)
{
        restart->op.want.fd = -1;
        restart->op.want.events = 0;
        restart->op.want.until = until;
        return OP_WAIT;
}

static enum op_state restart_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct restart *restart = CONTAINER_OF(op, struct restart, op);

        if (restart->deadline.ms == 0)
                begin(restart, now);
        while (restart->phase != PHASE_OVER) {
                struct err why = ERR_INIT;
                enum op_state state = OP_FAILED;

                if (now.ms < restart->pause.ms)
                        return wait_for(restart, restart->pause);
                if (restart->current != NULL || start_current(restart, now, &why) == 0)
                        state = restart->current->type->step(restart->current, ready, now, &why);
                ready = 0;
                if (state == OP_WAIT) {
                        restart->op.want = restart->current->want;
                        return OP_WAIT;
                }
                op_free(TAKE(restart->current));
                next_phase(restart, now, &why);
        }
        if (restart->failure.kind == ERR_NONE)
                return OP_DONE;
        *err = restart->failure;
        return OP_FAILED;
}

static void restart_free(struct op *op)
{
        struct restart *restart = CONTAINER_OF(op, struct restart, op);

        op_free(restart->current);
        buf_done(&restart->answer);
        mem_free(restart);
}

struct op *druid_restart_start(struct druid *druid, int64_t limit_ms)
{
        static const struct op_type type = { .name = "restart", .step = restart_step, .free = restart_free };
        struct restart *restart = MEM_NEW(struct restart);

        restart->op.type = &type;
        restart->druid = druid;
        restart->limit_ms = limit_ms;
        restart->answer = (struct buf)BUF_INIT(HTTP_BODY_MAX_BYTES);
        return &restart->op;
}
