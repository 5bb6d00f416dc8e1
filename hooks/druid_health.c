// SPDX-License-Identifier: Apache-2.0
/*
 * /status/health and the readiness of historicals and brokers are open to everybody; who leads is not. A
 * coordinator that does not lead is well, as long as somebody does.
 */
#include "hooks/druid_health.h"

#include "base/limits.h"
#include "base/mem.h"
#include "hooks/druid_call.h"
#include "hooks/druid_facts.h"

#include <stdio.h>
#include <string.h>

enum phase { PHASE_ALIVE, PHASE_FACTS, PHASE_READY, PHASE_LEADER, PHASE_OVER };

struct health {
        struct op op;
        struct druid *druid;
        int64_t limit_ms;
        struct mono deadline;
        enum phase phase;
        struct op *current;
        struct buf answer;
};

static const char *path_of(const struct health *health)
{
        const struct druid_role *role = health->druid->role;

        switch (health->phase) {
        case PHASE_ALIVE:
                return "/status/health";
        case PHASE_READY:
                return role == NULL ? NULL : role->readiness;
        case PHASE_LEADER:
                return role == NULL ? NULL : role->leader;
        case PHASE_FACTS:
        case PHASE_OVER:
                return NULL;
        }
        return NULL;
}

/* Phases that have nothing to ask are passed over. */
static void start_current(struct health *health, struct mono now)
{
        const int64_t left = health->deadline.ms - now.ms;

        for (; health->phase != PHASE_OVER; health->phase++) {
                const struct druid_call call = { "GET", path_of(health), &health->answer };

                buf_reset(&health->answer);
                if (health->phase == PHASE_FACTS)
                        health->current = druid_facts_start(health->druid, left);
                else if (call.path != NULL)
                        health->current = druid_call_start(health->druid, &call, left);
                if (health->current != NULL)
                        return;
        }
}

static int judge_answer(const struct health *health, struct err *err)
{
        const char *text = buf_str(&health->answer);
        const size_t len = strcspn(text, "\r\n");

        if (health->phase == PHASE_ALIVE && !(len == 4 && strncmp(text, "true", 4) == 0))
                return err_set(err, ERR_PROTOCOL,
                               "/status/health answers '%.*s' and not 'true': is this Druid?",
                               len > 40 ? 40 : (int)len, text);
        if (health->phase == PHASE_LEADER && len == 0)
                return err_set(err, ERR_UNHEALTHY, "the %s have no leader yet", health->druid->role->name);
        return 0;
}

static int judge(const struct health *health, enum op_state state, const struct err *why, struct err *err)
{
        if (state == OP_DONE)
                return judge_answer(health, err);
        if (why->kind == ERR_AUTH && health->phase != PHASE_ALIVE)
                return 0;
        if (why->kind == ERR_ENGINE)
                return err_set(err, ERR_UNHEALTHY, "the node is not ready: %.400s", why->text);
        *err = *why;
        return -1;
}

static void note_role(const struct health *health)
{
        struct hook_facts *facts = &health->druid->database.facts;

        (void)snprintf(facts->role, sizeof(facts->role), "%s",
                       health->druid->role == NULL ? "" : health->druid->role->name);
}

static enum op_state health_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct health *health = CONTAINER_OF(op, struct health, op);

        if (health->deadline.ms == 0)
                health->deadline = clock_after(now, health->limit_ms);
        for (;;) {
                struct err why = ERR_INIT;
                enum op_state state;

                if (health->current == NULL)
                        start_current(health, now);
                if (health->phase == PHASE_OVER)
                        break;
                state = health->current->type->step(health->current, ready, now, &why);
                ready = 0;
                if (state == OP_WAIT) {
                        health->op.want = health->current->want;
                        return OP_WAIT;
                }
                op_free(TAKE(health->current));
                if (judge(health, state, &why, err) != 0)
                        return OP_FAILED;
                health->phase++;
        }
        note_role(health);
        return OP_DONE;
}

static void health_free(struct op *op)
{
        struct health *health = CONTAINER_OF(op, struct health, op);

        op_free(health->current);
        buf_done(&health->answer);
        mem_free(health);
}

struct op *druid_health_start(struct druid *druid, int64_t limit_ms)
{
        static const struct op_type type = { .name = "health", .step = health_step, .free = health_free };
        struct health *health = MEM_NEW(struct health);

        health->op.type = &type;
        health->druid = druid;
        health->limit_ms = limit_ms;
        health->answer = (struct buf)BUF_INIT(HTTP_BODY_MAX_BYTES);
        return &health->op;
}
