// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What is to be done about the webhook's own certificate, from what its Secret holds and the time. Pure.
 *
 * An authority is replaced in three moments that lie apart: the new one is added beside the old, and both are
 * in the webhook configuration; when the leaf is next due, the new one signs it; when the leaf is due once
 * more, the old authority goes. At no moment does an API server, however late it hears, meet a leaf whose
 * authority it has not been told of.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct webhook_facts {
        bool exists;     /* all below of a Secret that is there */
        bool is_foreign; /* somebody else made it */
        bool is_broken;  /* what it holds cannot be read, or does not fit together */
        struct wall authority_from, authority_until; /* of the newest, whose key is there */
        size_t n_authorities;
        struct wall leaf_from, leaf_until;
        bool leaf_covers;    /* all names */
        bool leaf_of_newest; /* it is the newest authority that signed it */
        bool is_told;        /* the webhook configuration has all authorities, or there is none */
};

enum webhook_step {
        WEBHOOK_REST,
        WEBHOOK_CREATE,        /* authority, leaf and Secret */
        WEBHOOK_REPLACE,       /* the same, into the Secret that is there */
        WEBHOOK_ADD_AUTHORITY, /* beside the one that ends */
        WEBHOOK_RENEW,         /* the leaf, signed by the newest */
        WEBHOOK_RENEW_PRUNE,   /* and older authorities go */
        WEBHOOK_LEAVE,         /* a Secret that is not ours to change */
};

struct webhook_choice {
        enum webhook_step step;
        const char *why;  /* "the leaf ends soon"; static */
        struct wall next; /* when it is to be asked again */
};

struct webhook_choice webhook_choose(const struct webhook_facts *facts, struct wall now);
