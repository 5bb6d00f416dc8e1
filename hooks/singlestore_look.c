// SPDX-License-Identifier: Apache-2.0
/*
 * The documentation says which commands a leaf cannot run, and not with which error: any refusal of SHOW
 * AGGREGATORS by the engine itself is taken for that one.
 */
#include "hooks/singlestore_look.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "hooks/program.h"

/* They answer at once or not at all; what is asked for them may have an hour. */
#define LOOK_LIMIT_MS INT64_C(30000)

enum phase { PHASE_BEGIN, PHASE_AGGREGATORS, PHASE_ID, PHASE_LEAVES };

struct look {
        struct mariadb_session *session;
        struct singlestore_state *state;
        enum phase phase;
};

int64_t singlestore_look_limit(int64_t left_ms)
{
        return left_ms < LOOK_LIMIT_MS ? left_ms : LOOK_LIMIT_MS;
}

static void take(void *arg, const char *const *values, unsigned n)
{
        struct look *look = arg;
        struct err err = ERR_INIT;
        int64_t id;

        if (look->phase == PHASE_AGGREGATORS)
                singlestore_state_aggregator(look->state, values, n);
        else if (look->phase == PHASE_LEAVES)
                singlestore_state_leaf(look->state, values, n);
        else if (n == 1 && values[0] != NULL && num_parse(values[0], 0, INT32_MAX, &id, &err) == 0)
                look->state->own_id = (int)id;
}

static int look_next(void *self, const struct err *failure, int64_t left_ms, struct op **out, struct err *err)
{
        static const char *const sql[] = {
                [PHASE_AGGREGATORS] = "SHOW AGGREGATORS",
                [PHASE_ID] = "SELECT AGGREGATOR_ID()",
                [PHASE_LEAVES] = "SHOW LEAVES",
        };
        struct look *look = self;
        bool is_leaf = look->phase == PHASE_AGGREGATORS && failure != NULL && failure->kind == ERR_ENGINE;
        bool is_nameless = look->phase == PHASE_ID && failure != NULL && failure->kind == ERR_ENGINE;

        if (failure != NULL && !is_leaf && !is_nameless) {
                *err = *failure;
                return -1;
        }
        if (look->phase == PHASE_BEGIN)
                singlestore_state_done(look->state);
        if (is_leaf || look->phase == PHASE_LEAVES) {
                look->state->looked = true;
                look->state->aggregator = !is_leaf;
                return 0;
        }
        look->phase++;
        *out = mariadb_session_run(
                look->session,
                &(struct mariadb_statement){
                        .sql = sql[look->phase], .right = "SHOW METADATA", .row = take, .arg = look },
                left_ms);
        return 0;
}

struct op *singlestore_look_cluster(struct mariadb_session *session, struct singlestore_state *state,
                                    int64_t limit_ms)
{
        static const struct program_type type = { .name = "look", .next = look_next, .free = mem_free };
        struct look *look = MEM_NEW(struct look);

        look->session = session;
        look->state = state;
        return program_start(&type, look, singlestore_look_limit(limit_ms));
}

static void take_partition(void *arg, const char *const *values, unsigned n)
{
        singlestore_state_partition(arg, values, n);
}

struct op *singlestore_look_partitions(struct mariadb_session *session, struct singlestore_state *state,
                                       int64_t limit_ms)
{
        static const char sql[] = "SELECT HOST, PORT, DATABASE_NAME, ROLE, STATE FROM "
                                  "information_schema.MV_CLUSTER_STATUS WHERE STATE NOT IN ('online', "
                                  "'replicating') LIMIT 16";

        return mariadb_session_run(
                session,
                &(struct mariadb_statement){
                        .sql = sql, .right = "SHOW METADATA", .row = take_partition, .arg = state },
                singlestore_look_limit(limit_ms));
}

static void take_tls(void *arg, const char *const *values, unsigned n)
{
        if (n == 2 && values[0] != NULL)
                singlestore_state_tls(arg, values[0], values[1] == NULL ? "" : values[1]);
}

struct op *singlestore_look_tls(struct mariadb_session *session, struct singlestore_tls *tls,
                                int64_t limit_ms)
{
        memset(tls, 0, sizeof(*tls));
        return mariadb_session_run(session,
                                   &(struct mariadb_statement){ .sql = "SHOW GLOBAL VARIABLES LIKE 'ssl_%'",
                                                                .right = "SUPER",
                                                                .row = take_tls,
                                                                .arg = tls },
                                   singlestore_look_limit(limit_ms));
}
