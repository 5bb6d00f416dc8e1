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
#include "hooks/program.h"

#include <string.h>

enum phase { PHASE_ALIVE, PHASE_FACTS, PHASE_READY, PHASE_LEADER, PHASE_OVER };

struct health {
        struct druid *druid;
        enum phase phase; /* under way */
        bool begun;
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

static struct op *start_phase(struct health *health, int64_t left_ms)
{
        const struct druid_call call = { "GET", path_of(health), &health->answer };

        buf_reset(&health->answer);
        if (health->phase == PHASE_FACTS)
                return druid_facts_start(health->druid, left_ms);
        return call.path == NULL ? NULL : druid_call_start(health->druid, &call, left_ms);
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

static int judge(const struct health *health, const struct err *failure, struct err *err)
{
        if (failure == NULL)
                return judge_answer(health, err);
        if (failure->kind == ERR_AUTH && health->phase != PHASE_ALIVE)
                return 0;
        if (failure->kind == ERR_ENGINE)
                return err_set(err, ERR_UNHEALTHY, "the node is not ready: %.400s", failure->text);
        *err = *failure;
        return -1;
}

static int health_next(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                       struct err *err)
{
        struct health *health = self;

        if (health->begun) {
                if (judge(health, failure, err) != 0)
                        return -1;
                health->phase++;
        }
        health->begun = true;
        /* Phases that have nothing to ask are passed over. */
        while (health->phase != PHASE_OVER && (*out = start_phase(health, left_ms)) == NULL)
                health->phase++;
        return 0;
}

static void health_free(void *self)
{
        struct health *health = self;

        buf_done(&health->answer);
        mem_free(health);
}

struct op *druid_health_start(struct druid *druid, int64_t limit_ms)
{
        static const struct program_type type = { .name = "health",
                                                  .next = health_next,
                                                  .free = health_free };
        struct health *health = MEM_NEW(struct health);

        health->druid = druid;
        health->answer = (struct buf)BUF_INIT(HTTP_BODY_MAX_BYTES);
        return program_start(&type, health, limit_ms);
}
