// SPDX-License-Identifier: Apache-2.0
#include "inject/webhook_choice.h"

#define SOON_S INT64_C(5)

/* Two thirds of its time are over. */
static struct wall due_at(struct wall from, struct wall until)
{
        return (struct wall){ until.s - (until.s - from.s) / 3 };
}

static struct wall earlier(struct wall a, struct wall b)
{
        return a.s < b.s ? a : b;
}

static struct webhook_choice choose(enum webhook_step step, const char *why, struct wall next)
{
        return (struct webhook_choice){ step, why, next };
}

static struct webhook_choice choose_leaf(const struct webhook_facts *facts, struct wall now, struct wall rest)
{
        const struct wall due = due_at(facts->leaf_from, facts->leaf_until);
        const struct wall soon = { now.s + SOON_S };
        const char *why = !facts->leaf_covers ? "the leaf lacks a name" : "the leaf ends soon";

        if (facts->leaf_covers && now.s < due.s)
                return choose(WEBHOOK_REST, "", earlier(due, rest));
        if (facts->leaf_of_newest)
                return choose(facts->n_authorities > 1 ? WEBHOOK_RENEW_PRUNE : WEBHOOK_RENEW, why, soon);
        /* Nobody would accept the old one any more: there is nothing to lose. */
        if (facts->is_told || now.s >= facts->leaf_until.s)
                return choose(WEBHOOK_RENEW, why, soon);
        return choose(WEBHOOK_REST, "the webhook configuration does not have the new authority yet", soon);
}

struct webhook_choice webhook_choose(const struct webhook_facts *facts, struct wall now)
{
        const struct wall soon = { now.s + SOON_S };
        const struct wall due = due_at(facts->authority_from, facts->authority_until);

        if (!facts->exists)
                return choose(WEBHOOK_CREATE, "there is no Secret", soon);
        if (facts->is_foreign)
                return choose(WEBHOOK_LEAVE, "somebody else made the Secret", soon);
        if (facts->is_broken)
                return choose(WEBHOOK_REPLACE, "the Secret is broken", soon);
        if (now.s >= facts->authority_until.s)
                return choose(WEBHOOK_REPLACE, "the authority has ended", soon);
        /* One at a time: while the leaf is the old authority's, the newest is just this replacement. */
        if (facts->leaf_of_newest && now.s >= due.s)
                return choose(WEBHOOK_ADD_AUTHORITY, "the authority ends soon", soon);
        return choose_leaf(facts, now, facts->leaf_of_newest ? due : facts->authority_until);
}
