// SPDX-License-Identifier: Apache-2.0
/*
 * The order matters: leaves are shaken hands with before partitions are asked for, which logs in at each of
 * them.
 */
#include "base/mem.h"
#include "hooks/program.h"
#include "hooks/singlestore_look.h"
#include "hooks/singlestore_parts.h"

#include <stdio.h>

enum phase {
        PHASE_ALIVE,
        PHASE_VERSION,
        PHASE_TLS,
        PHASE_CLUSTER,
        PHASE_LINKS,
        PHASE_PARTITIONS,
        PHASE_JUDGE,
};

struct health {
        struct singlestore *node;
        enum phase phase; /* next */
        struct singlestore_state state;
        char version[96];
};

static void take_version(void *arg, const char *const *values, unsigned n)
{
        struct health *health = arg;

        if (n == 1 && values[0] != NULL)
                (void)snprintf(health->version, sizeof(health->version), "%s", values[0]);
}

static void note_facts(const struct health *health)
{
        struct hook_facts *facts = &health->node->database.facts;
        const struct singlestore_state *state = &health->state;
        bool is_alone = state->aggregator && state->n_leaves == 0 && state->n < 2;

        facts->known = true;
        (void)snprintf(facts->version, sizeof(facts->version), "%s", health->version);
        (void)snprintf(facts->role, sizeof(facts->role), "%s", singlestore_state_role(state));
        facts->clustered = !is_alone && health->node->tls.authorities;
        facts->members = is_alone ? 0 : (int)state->n;
}

static int judge(const struct health *health, struct err *err)
{
        struct singlestore *node = health->node;

        if (singlestore_state_judge(&health->state, node->before.looked ? &node->before : NULL, err) == -1)
                return -1;
        node->touched = false;
        return 0;
}

static struct op *start(struct health *health, int64_t left_ms)
{
        struct singlestore *node = health->node;

        switch (health->phase++) {
        case PHASE_ALIVE:
                return mariadb_session_run(node->session,
                                           &(struct mariadb_statement){ .sql = "SELECT 1", .right = "SUPER" },
                                           left_ms);
        case PHASE_VERSION:
                return mariadb_session_run(node->session,
                                           &(struct mariadb_statement){ .sql = "SELECT @@memsql_version",
                                                                        .row = take_version,
                                                                        .arg = health },
                                           left_ms);
        case PHASE_TLS:
                return singlestore_look_tls(node->session, &node->tls, left_ms);
        case PHASE_CLUSTER:
                return singlestore_look_cluster(node->session, &health->state, left_ms);
        case PHASE_LINKS:
                return singlestore_links_start(node, &health->state, left_ms);
        case PHASE_PARTITIONS:
                return singlestore_look_partitions(node->session, &health->state, left_ms);
        case PHASE_JUDGE:
                break;
        }
        return NULL;
}

static int health_next(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                       struct err *err)
{
        struct health *health = self;

        if (failure != NULL) {
                *err = *failure;
                return -1;
        }
        if (health->phase == PHASE_CLUSTER)
                health->node->ended = false;
        if (health->phase == PHASE_LINKS) {
                note_facts(health);
                if (!health->state.aggregator)
                        return judge(health, err);
                /* A link is TLS only where the node has authorities to verify it with. */
                if (!health->node->database.facts.clustered || health->node->database.published == NULL)
                        health->phase = PHASE_PARTITIONS;
        }
        if (health->phase == PHASE_JUDGE)
                return judge(health, err);
        *out = start(health, left_ms);
        return 0;
}

static void health_free(void *self)
{
        struct health *health = self;

        singlestore_state_done(&health->state);
        mem_free(health);
}

struct op *singlestore_health_start(struct singlestore *node, int64_t limit_ms)
{
        static const struct program_type type = { .name = "health",
                                                  .next = health_next,
                                                  .free = health_free };
        struct health *health = MEM_NEW(struct health);

        health->node = node;
        return program_start(&type, health, limit_ms);
}
