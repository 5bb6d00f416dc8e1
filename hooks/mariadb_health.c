// SPDX-License-Identifier: Apache-2.0
/*
 * Three statements, then the links. SHOW is answered by a node without quorum too, which is the state that
 * most needs describing.
 */
#include "hooks/mariadb_health.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "hooks/galera_links.h"

#define UPTIME_MAX_S (INT64_C(100) * 366 * 86400)

enum phase { PHASE_SYNC, PHASE_VARIABLES, PHASE_STATUS, PHASE_LINKS, PHASE_END };

struct health {
        struct op op;
        struct database *database;
        struct mariadb_session *session;
        int64_t limit_ms;
        struct mono deadline;
        enum phase phase;
        struct op *current;
        struct galera_state state;
        int64_t uptime_s; /* -1 unknown */
};

/* wsrep_sync_wait would make the questions themselves wait for the cluster. Builds without it refuse: fine.
 */
static const char sync_off[] = "SET SESSION wsrep_sync_wait=0";
static const char variables[] = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version','wsrep_on',"
                                "'wsrep_provider_options','wsrep_cluster_address','wsrep_node_address')";
static const char status[] =
        "SHOW GLOBAL STATUS WHERE Variable_name LIKE 'wsrep_%' OR Variable_name = 'Uptime'";

static int64_t parse_uptime(const char *text)
{
        struct err ignored;
        int64_t seconds;

        return num_parse(text, 0, UPTIME_MAX_S, &seconds, &ignored) == 0 ? seconds : -1;
}

static void take(void *arg, const char *const *values, unsigned n)
{
        struct health *health = arg;

        if (n != 2 || values[0] == NULL || values[1] == NULL)
                return;
        if (strcmp(values[0], "Uptime") == 0)
                health->uptime_s = parse_uptime(values[1]);
        else
                galera_take(&health->state, values[0], values[1]);
}

static struct op *start_phase(struct health *health, struct mono now)
{
        static const char *const texts[] = {
                [PHASE_SYNC] = sync_off,
                [PHASE_VARIABLES] = variables,
                [PHASE_STATUS] = status,
        };
        int64_t left = health->deadline.ms - now.ms;

        if (health->phase == PHASE_LINKS)
                return galera_links_start(&health->state, health->database, left);
        return mariadb_session_run(
                health->session,
                &(struct mariadb_statement){ .sql = texts[health->phase], .row = take, .arg = health }, left);
}

static void note_facts(const struct health *health)
{
        struct hook_facts *facts = &health->database->facts;
        const struct galera_state *state = &health->state;

        facts->known = true;
        (void)snprintf(facts->version, sizeof(facts->version), "%s", state->version);
        (void)snprintf(facts->role, sizeof(facts->role), "%s", galera_role(state));
        facts->clustered = galera_uses_tls(state);
        facts->started.s = health->uptime_s < 0 ? 0 : clock_wall().s - health->uptime_s;
        facts->members = state->on ? state->size : 0;
}

/* A phase came to its end well (or SET was refused). */
static int next_phase(struct health *health, struct err *err)
{
        switch (health->phase) {
        case PHASE_SYNC:
                health->phase = PHASE_VARIABLES;
                return 0;
        case PHASE_VARIABLES:
                health->phase = health->state.on ? PHASE_STATUS : PHASE_END;
                break;
        case PHASE_STATUS:
                health->phase = PHASE_LINKS;
                break;
        case PHASE_LINKS:
        case PHASE_END:
                health->phase = PHASE_END;
                return 0;
        }
        if (health->phase == PHASE_STATUS)
                return 0;
        note_facts(health);
        return galera_judge(&health->state, err);
}

static enum op_state health_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct health *health = CONTAINER_OF(op, struct health, op);

        if (health->deadline.ms == 0)
                health->deadline = clock_after(now, health->limit_ms);
        while (health->phase != PHASE_END) {
                struct err why = ERR_INIT;
                enum op_state state;

                if (health->current == NULL)
                        health->current = start_phase(health, now);
                state = health->current->type->step(health->current, ready, now, &why);
                if (state == OP_WAIT) {
                        health->op.want = health->current->want;
                        return OP_WAIT;
                }
                op_free(TAKE(health->current));
                if (state == OP_FAILED && !(health->phase == PHASE_SYNC && why.kind == ERR_ENGINE)) {
                        *err = why;
                        return OP_FAILED;
                }
                if (next_phase(health, err) == -1)
                        return OP_FAILED;
                ready = 0;
        }
        return OP_DONE;
}

static void health_free(struct op *op)
{
        struct health *health = CONTAINER_OF(op, struct health, op);

        op_free(health->current);
        galera_done(&health->state);
        mem_free(health);
}

static const struct op_type health_type = { .name = "health", .step = health_step, .free = health_free };

struct op *mariadb_health_start(struct database *database, struct mariadb_session *session, int64_t limit_ms)
{
        struct health *health = MEM_NEW(struct health);

        health->op.type = &health_type;
        health->database = database;
        health->session = session;
        health->limit_ms = limit_ms;
        health->uptime_s = -1;
        health->state = (struct galera_state)GALERA_STATE_INIT;
        return &health->op;
}
