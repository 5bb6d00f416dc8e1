// SPDX-License-Identifier: Apache-2.0
/*
 * Signals: look again, or end in good order.
 */
#include "rotate/custom.h"
#include "rotate/flow.h"
#include "rotate/scan.h"

#include <signal.h>

static void stop(struct agent *agent, int signo)
{
        bool busy = (!rotation_is_idle(&agent->rotation) && !agent->waiting) || custom_is_busy(agent);

        log_info("agent_stopping", LOG_I("signal", signo), LOG_S("step", agent->status.step));
        /* A second signal: now. What is under way is found again by the next start. */
        if (agent->stopping)
                loop_stop(agent->loop);
        else if (!busy)
                agent_end(agent);
        agent->stopping = true;
        loop_timer_set(agent->grace, agent->config->grace_ms);
}

void flow_signalled(int signo, void *arg)
{
        struct agent *agent = arg;

        if (signo != SIGHUP) {
                stop(agent, signo);
                return;
        }
        if (agent->stopping)
                return;
        log_info("scan_asked_for", LOG_I("signal", signo));
        scan_watch(agent);
        custom_retry(agent);
        scan_now(agent, true);
}
