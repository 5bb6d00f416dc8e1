// SPDX-License-Identifier: Apache-2.0
/*
 * A leaf knows neither its pair nor whether that is well: an aggregator does. So without one to ask a leaf is
 * not restarted, unless the configuration says that its data may go away for the while.
 *
 * A node that refuses connections altogether serves nobody: it is ended without questions. One that only
 * turns us away, for want of a free connection, does serve.
 */
#include "base/mem.h"
#include "base/num.h"
#include "certs/handshake.h"
#include "hooks/process_end.h"
#include "hooks/program.h"
#include "hooks/singlestore_look.h"
#include "hooks/singlestore_parts.h"
#include "hooks/wire/mysql_greeting.h"

#include <stdio.h>
#include <string.h>

#define KNOCK_LIMIT_MS 5000

enum phase {
        PHASE_SELF,
        PHASE_OWN_CLUSTER,
        PHASE_CLUSTER,
        PHASE_PARTITIONS,
        PHASE_PROCESS,
        PHASE_END,
        PHASE_DOOR,
        PHASE_KNOCKED
};

struct restart {
        struct singlestore *node;
        enum phase phase; /* next */
        struct singlestore_self self;
        struct singlestore_state state; /* as the aggregator sees it */
        struct err refusal;             /* why the node could not be asked */
        struct handshake_result result;
};

/* @@redundancy_level, @@hostname, @@port */
static void take_self(void *arg, const char *const *values, unsigned n)
{
        struct singlestore_self *self = arg;
        struct err err = ERR_INIT;
        int64_t number;

        if (n != 3 || values[0] == NULL || values[1] == NULL || values[2] == NULL)
                return;
        if (num_parse(values[0], 0, INT32_MAX, &number, &err) == 0)
                self->redundancy = (int)number;
        (void)snprintf(self->hostname, sizeof(self->hostname), "%s", values[1]);
        if (num_parse(values[2], 0, INT32_MAX, &number, &err) == 0)
                self->port = (int)number;
}

/* The node has said what it is. */
static int admit(struct restart *restart, struct err *err)
{
        const struct singlestore *node = restart->node;

        if (node->before.aggregator || node->database.settings->singlestore.may_go_offline) {
                restart->phase = PHASE_PROCESS;
                return 0;
        }
        if (restart->self.redundancy < 2)
                return err_set(
                        err, ERR_NOT_READY,
                        "this leaf holds the only copy of its data (redundancy_level %d), which a restart "
                        "takes offline: set singlestore.may-go-offline when that is all right",
                        restart->self.redundancy);
        if (node->aggregator == NULL)
                return err_set(
                        err, ERR_NOT_READY,
                        "this node is a leaf, and only an aggregator knows whether its pair is online: set "
                        "singlestore.aggregator to one, or singlestore.may-go-offline");
        return 0;
}

/* It could not be asked: is anybody there at all? */
static int take_answer_at_the_door(struct restart *restart, const struct err *failure, struct err *err)
{
        restart->phase = PHASE_PROCESS;
        if (failure != NULL && failure->kind == ERR_NOT_READY)
                return 0;
        *err = restart->refusal;
        return -1;
}

/* Not a leaf when it could be asked last, or one that may go: then even a broken login stops nothing. */
static bool needs_no_answer(const struct singlestore *node)
{
        const struct hook_facts *facts = &node->database.facts;

        return node->database.settings->singlestore.may_go_offline ||
               (facts->known && facts->role[0] != '\0' && strcmp(facts->role, "leaf") != 0);
}

static int take_failure(struct restart *restart, const struct err *failure, struct err *err)
{
        if (restart->phase <= PHASE_CLUSTER && needs_no_answer(restart->node)) {
                restart->phase = PHASE_PROCESS;
                return 0;
        }
        if (restart->phase <= PHASE_CLUSTER &&
            (failure->kind == ERR_NOT_READY || failure->kind == ERR_NETWORK)) {
                restart->refusal = *failure;
                restart->phase = PHASE_DOOR;
                return 0;
        }
        *err = *failure;
        if (restart->phase != PHASE_PARTITIONS && restart->phase != PHASE_PROCESS)
                return -1;
        /* Nothing has happened yet: whatever it is, it may pass. */
        if (err->kind != ERR_AUTH && err->kind != ERR_PRIVILEGE)
                err->kind = ERR_NOT_READY;
        return err_wrap(err, "ask singlestore.aggregator whether the pair is online");
}

static struct op *knock(struct restart *restart, int64_t limit_ms)
{
        const struct admin_settings *admin = &restart->node->database.settings->admin;
        const char *host = admin->host == NULL ? "127.0.0.1" : admin->host;

        return handshake_start(
                &(struct handshake_request){ .host = admin->socket != NULL ? admin->socket : host,
                                             .port = admin->port == 0 ? 3306 : admin->port,
                                             .preamble = &mysql_greeting_preamble },
                limit_ms < KNOCK_LIMIT_MS ? limit_ms : KNOCK_LIMIT_MS, &restart->result);
}

/* The aggregator has said what it is, and then what it sees. */
static int admit_pair(const struct restart *restart, struct err *err)
{
        const struct singlestore_settings *settings = &restart->node->database.settings->singlestore;

        if (!restart->state.looked)
                return 0; /* it was not asked */
        if (!restart->state.aggregator)
                return err_set(
                        err, ERR_NOT_READY,
                        "singlestore.aggregator: %.100s is a leaf, which does not know whether the pair of "
                        "this one is online",
                        settings->aggregator);
        return singlestore_state_pair(&restart->state, &restart->self, settings->node, err);
}

static int restart_next(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                        struct err *err)
{
        struct restart *restart = self;
        struct singlestore *node = restart->node;
        const struct hook_settings *settings = node->database.settings;

        if (restart->phase == PHASE_KNOCKED) {
                handshake_done(&restart->result);
                if (take_answer_at_the_door(restart, failure, err) == -1)
                        return -1;
        } else if (failure != NULL && take_failure(restart, failure, err) == -1) {
                return -1;
        }
        if (restart->phase == PHASE_CLUSTER && admit(restart, err) == -1)
                return -1;
        if ((restart->phase == PHASE_PARTITIONS || restart->phase == PHASE_PROCESS) &&
            admit_pair(restart, err) == -1)
                return -1;
        switch (restart->phase++) {
        case PHASE_SELF:
                *out = mariadb_session_run(
                        node->session,
                        &(struct mariadb_statement){ .sql = "SELECT @@redundancy_level, @@hostname, @@port",
                                                     .right = "SUPER",
                                                     .row = take_self,
                                                     .arg = &restart->self },
                        singlestore_look_limit(left_ms));
                break;
        case PHASE_OWN_CLUSTER:
                *out = singlestore_before_start(node, left_ms);
                break;
        case PHASE_CLUSTER:
                *out = singlestore_look_cluster(node->aggregator, &restart->state, left_ms);
                break;
        case PHASE_PARTITIONS:
                *out = singlestore_look_partitions(node->aggregator, &restart->state, left_ms);
                break;
        case PHASE_PROCESS:
                node->ended = true;
                *out = process_end_start(&settings->process, NULL, left_ms);
                break;
        case PHASE_DOOR:
                *out = knock(restart, left_ms);
                break;
        case PHASE_END:
        case PHASE_KNOCKED:
                break;
        }
        return 0;
}

static void restart_free(void *self)
{
        struct restart *restart = self;

        if (restart->phase == PHASE_KNOCKED)
                handshake_done(&restart->result);
        singlestore_state_done(&restart->state);
        mem_free(restart);
}

struct op *singlestore_restart_start(struct singlestore *node, int64_t limit_ms)
{
        static const struct program_type type = { .name = "restart",
                                                  .next = restart_next,
                                                  .free = restart_free };
        struct restart *restart;

        if (!process_end_is_told(&node->database.settings->process))
                return NULL;
        restart = MEM_NEW(struct restart);
        restart->node = node;
        return program_start(&type, restart, limit_ms);
}
