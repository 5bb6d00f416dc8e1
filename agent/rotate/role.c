// SPDX-License-Identifier: Apache-2.0
#include "rotate/role.h"

#include "rotate/scan.h"

#include <string.h>

#define LIMIT_MS 3000
#define BUSY_MS  200

static void asked(enum op_state state UNUSED, const struct err *err UNUSED, void *arg)
{
        struct agent *agent = arg;

        agent->op = NULL;
        agent->role_known = true;
        agent_note_facts(agent);
        scan_now(agent, false);
}

static bool is_new(const struct agent *agent, const struct plan *plan)
{
        return plan->given && plan->request[0] != '\0' &&
               (plan->generation != agent->plan.generation ||
                strcmp(plan->request, agent->plan.request) != 0);
}

bool role_is_known(struct agent *agent, const struct plan *plan)
{
        const struct hook *hook = agent->database->hook;

        if (hook->roles == NULL || hook->health == NULL || agent->once || !is_new(agent, plan) ||
            !rotation_is_idle(&agent->rotation) || agent->role_known) {
                agent->role_known = false;
                return true;
        }
        if (agent->op != NULL || agent->proof != NULL)
                loop_timer_set(agent->soon, BUSY_MS);
        else
                agent->op = loop_op_start(agent->loop, hook->health(agent->database, LIMIT_MS), LIMIT_MS,
                                          asked, agent);
        return false;
}
