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
#include "hooks/program.h"

#define UPTIME_MAX_S (INT64_C(100) * 366 * 86400)

enum phase { PHASE_SYNC, PHASE_VARIABLES, PHASE_STATUS, PHASE_LINKS, PHASE_END };

struct health {
        struct database *database;
        struct mariadb_session *session;
        enum phase phase; /* under way */
        bool begun;
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

static struct op *start_phase(struct health *health, int64_t left_ms)
{
        static const char *const texts[] = {
                [PHASE_SYNC] = sync_off,
                [PHASE_VARIABLES] = variables,
                [PHASE_STATUS] = status,
        };

        if (health->phase == PHASE_LINKS)
                return galera_links_start(&health->state, health->database, left_ms);
        return mariadb_session_run(
                health->session,
                &(struct mariadb_statement){ .sql = texts[health->phase], .row = take, .arg = health },
                left_ms);
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

static int health_next(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                       struct err *err)
{
        struct health *health = self;
        /* A build without Galera knows no such variable. */
        bool is_optional = failure != NULL && health->phase == PHASE_SYNC && failure->kind == ERR_ENGINE;

        if (failure != NULL && !is_optional) {
                *err = *failure;
                return -1;
        }
        if (health->begun && next_phase(health, err) == -1)
                return -1;
        health->begun = true;
        if (health->phase != PHASE_END)
                *out = start_phase(health, left_ms);
        return 0;
}

static void health_free(void *self)
{
        struct health *health = self;

        galera_done(&health->state);
        mem_free(health);
}

struct op *mariadb_health_start(struct database *database, struct mariadb_session *session, int64_t limit_ms)
{
        static const struct program_type type = { .name = "health",
                                                  .next = health_next,
                                                  .free = health_free };
        struct health *health = MEM_NEW(struct health);

        health->database = database;
        health->session = session;
        health->uptime_s = -1;
        health->state = (struct galera_state)GALERA_STATE_INIT;
        return program_start(&type, health, limit_ms);
}
