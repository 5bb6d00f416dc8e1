// SPDX-License-Identifier: Apache-2.0
/*
 * Whether a reload that fails also fails as a statement is not documented, so its two times decide. Their
 * grain is not documented either: when neither has moved, the last reload was too short ago for it to show,
 * and after a pause longer than a second it is asked for once more.
 *
 * FLUSH CONNECTION POOLS is documented for every node. The right it takes is not; CLUSTER is the one of the
 * commands about the cluster.
 */
#include "base/mem.h"
#include "hooks/program.h"
#include "hooks/singlestore_look.h"
#include "hooks/singlestore_parts.h"

#include <string.h>

#define GRAIN_MS  1100
#define TRIES_MAX 2

enum phase { PHASE_CLUSTER, PHASE_BEFORE, PHASE_RELOAD, PHASE_AFTER, PHASE_PAUSE, PHASE_POOLS, PHASE_END };

struct reload {
        struct singlestore *node;
        enum phase phase; /* next */
        struct singlestore_tls before;
        int tries;
};

/* SSL_RELOAD was answered: what did it do? */
static int judge(struct reload *reload, struct err *err)
{
        const struct singlestore_tls *before = &reload->before;
        const struct singlestore_tls *after = &reload->node->tls;

        if (strcmp(before->success, after->success) != 0) {
                reload->phase = PHASE_POOLS;
                return 0;
        }
        /* Both in one second tell nothing: the success may be the one before. */
        if (strcmp(before->attempt, after->attempt) != 0 && strcmp(after->attempt, after->success) != 0)
                return err_set(err, ERR_ENGINE,
                               "SSL_RELOAD: the node kept its old certificate: the attempt of %s failed, the "
                               "last good "
                               "one was %s; the node's own log says why",
                               after->attempt, after->success[0] == '\0' ? "never" : after->success);
        if (++reload->tries == TRIES_MAX)
                return err_set(err, ERR_ENGINE,
                               "SSL_RELOAD: answered, but ssl_last_reload_attempt_time stays '%s'",
                               after->attempt);
        reload->phase = PHASE_PAUSE;
        return 0;
}

/* What the operation before the next one has told. */
static int conclude(struct reload *reload, struct err *err)
{
        if (reload->phase == PHASE_RELOAD && reload->tries == 0) {
                if (!reload->node->tls.serves)
                        return err_set(
                                err, ERR_ENGINE,
                                "SSL_RELOAD: the node runs without TLS, which only a restart switches on: "
                                "set tls to on, or ssl_cert and ssl_key in memsql.cnf and apply to restart");
                reload->before = reload->node->tls;
        }
        return reload->phase == PHASE_PAUSE ? judge(reload, err) : 0;
}

static struct op *start(struct reload *reload, const char *sql, const char *right, int64_t left_ms)
{
        return mariadb_session_run(reload->node->session,
                                   &(struct mariadb_statement){ .sql = sql, .right = right }, left_ms);
}

static int reload_next(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                       struct err *err)
{
        struct reload *reload = self;
        struct singlestore *node = reload->node;
        /* Only aggregators are sure to have pools. */
        bool is_optional = reload->phase == PHASE_END && failure != NULL && failure->kind == ERR_ENGINE &&
                           !node->before.aggregator;

        if (failure != NULL && !is_optional) {
                *err = *failure;
                return -1;
        }
        if (conclude(reload, err) == -1)
                return -1;
        switch (reload->phase) {
        case PHASE_CLUSTER:
                *out = singlestore_before_start(node, left_ms);
                reload->phase = PHASE_BEFORE;
                break;
        case PHASE_BEFORE:
                *out = singlestore_look_tls(node->session, &node->tls, left_ms);
                reload->phase = PHASE_RELOAD;
                break;
        case PHASE_RELOAD:
                *out = start(reload, "SSL_RELOAD", "SUPER", left_ms);
                reload->phase = PHASE_AFTER;
                break;
        case PHASE_AFTER:
                *out = singlestore_look_tls(node->session, &node->tls, left_ms);
                reload->phase = PHASE_PAUSE;
                break;
        case PHASE_PAUSE:
                *out = program_pause(GRAIN_MS);
                reload->phase = PHASE_RELOAD;
                break;
        case PHASE_POOLS:
                *out = start(reload, "FLUSH CONNECTION POOLS", "CLUSTER", left_ms);
                reload->phase = PHASE_END;
                break;
        case PHASE_END:
                break;
        }
        return 0;
}

struct op *singlestore_reload_start(struct singlestore *node, int64_t limit_ms)
{
        static const struct program_type type = { .name = "reload", .next = reload_next, .free = mem_free };
        struct reload *reload = MEM_NEW(struct reload);

        reload->node = node;
        return program_start(&type, reload, limit_ms);
}
