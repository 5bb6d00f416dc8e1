// SPDX-License-Identifier: Apache-2.0
/*
 * The node is asked first: one that is not there, or refuses the login, is a state that the agent waits out
 * with the new files in place.
 */
#include "hooks/druid_reload.h"

#include "base/mem.h"
#include "certs/handshake.h"
#include "hooks/druid_facts.h"

#define LOOKS               2 /* of the scanner, until it takes a change */
#define INTERVAL_DEFAULT_MS 60000
#define GRACE_MS            2000
#define PAUSE_MS            100
#define HANDSHAKE_MS        5000

struct reload {
        struct op op;
        struct druid *druid;
        int64_t limit_ms;
        struct mono deadline;
        struct mono scanned; /* by then the scanner has taken it; 0: the node was not asked yet */
        struct mono pause;   /* until the next handshake */
        struct op *current;
        struct handshake_result result;
};

static void end_current(struct reload *reload)
{
        const bool was_handshake = reload->scanned.ms != 0;

        if (reload->current == NULL)
                return;
        op_free(TAKE(reload->current));
        if (was_handshake)
                handshake_done(&reload->result);
}

static struct op *start_current(struct reload *reload, struct mono now)
{
        const int64_t left = reload->deadline.ms - now.ms;
        struct handshake_request request;

        if (reload->scanned.ms == 0)
                return druid_facts_start(reload->druid, left);
        request = endpoint_request(&reload->druid->endpoint);
        return handshake_start(&request, left < HANDSHAKE_MS ? left : HANDSHAKE_MS, &reload->result);
}

/* What the node said; without a login it says nothing, and then it is what its settings are to say. */
static int64_t interval_of(const struct druid *druid)
{
        if (druid->interval_ms != 0)
                return druid->interval_ms;
        return druid->database.mode == TLS_UNMANAGED ? INTERVAL_DEFAULT_MS
                                                     : druid->database.settings->druid.reload_interval_ms;
}

static int node_answered(struct reload *reload, struct mono now, struct err *err)
{
        if (reload->druid->cannot_reload)
                return err_set(err, ERR_ENGINE,
                               "this node does not read its key store again while it runs "
                               "(druid.server.https.reloadSslContext is not true): set that, or set apply to "
                               "restart");
        reload->scanned = clock_after(now, LOOKS * interval_of(reload->druid) + GRACE_MS);
        if (reload->scanned.ms > reload->deadline.ms)
                reload->scanned = reload->deadline;
        return 0;
}

static bool is_served(const struct reload *reload)
{
        const struct bundle *published = reload->druid->database.published;

        return hex_fingerprint_equal(&reload->result.chain.certs[0]->fp, &bundle_leaf(published)->fp);
}

/* True when it is over. */
static bool look(struct reload *reload, bool shook_hands, struct mono now)
{
        if (shook_hands && is_served(reload))
                return true;
        reload->pause = clock_after(now, PAUSE_MS);
        return now.ms >= reload->scanned.ms;
}

static enum op_state wait_for(struct reload *reload)
{
        reload->op.want.fd = -1;
        reload->op.want.events = 0;
        reload->op.want.until = reload->pause;
        return OP_WAIT;
}

static enum op_state reload_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct reload *reload = CONTAINER_OF(op, struct reload, op);

        if (reload->druid->database.mode == TLS_OFF)
                return OP_DONE;
        if (reload->deadline.ms == 0)
                reload->deadline = clock_after(now, reload->limit_ms - GRACE_MS);
        while (now.ms >= reload->pause.ms) {
                struct err why = ERR_INIT;
                enum op_state state;

                if (reload->current == NULL)
                        reload->current = start_current(reload, now);
                state = reload->current->type->step(reload->current, ready, now, &why);
                ready = 0;
                if (state == OP_WAIT) {
                        reload->op.want = reload->current->want;
                        return OP_WAIT;
                }
                if (reload->scanned.ms != 0) {
                        const bool over = look(reload, state == OP_DONE, now);

                        end_current(reload);
                        if (over)
                                return OP_DONE;
                        continue;
                }
                end_current(reload);
                if (state == OP_FAILED) {
                        *err = why;
                        return OP_FAILED;
                }
                if (node_answered(reload, now, err) != 0)
                        return OP_FAILED;
                if (reload->druid->database.published == NULL)
                        return OP_DONE;
        }
        return wait_for(reload);
}

static void reload_free(struct op *op)
{
        struct reload *reload = CONTAINER_OF(op, struct reload, op);

        end_current(reload);
        mem_free(reload);
}

struct op *druid_reload_start(struct druid *druid, int64_t limit_ms)
{
        static const struct op_type type = { .name = "reload", .step = reload_step, .free = reload_free };
        struct reload *reload = MEM_NEW(struct reload);

        reload->op.type = &type;
        reload->druid = druid;
        reload->limit_ms = limit_ms;
        return &reload->op;
}
