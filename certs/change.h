// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What kind of change is it from the published bundle to the new one? Keys are compared, not names: an
 * authority that was renewed with the same key is no new authority.
 */
#include "certs/bundle.h"

/* In rising order of what it asks for; a change is named by its highest. */
enum change_class {
        CHANGE_NONE,     /* same leaf, chain and authorities */
        CHANGE_SAME_KEY, /* new leaf or renewed intermediate, same keys */
        CHANGE_NEW_KEY,
        CHANGE_AUTHORITIES,      /* the list of authorities changed, the leaf's issuer key did not */
        CHANGE_NEW_INTERMEDIATE, /* another intermediate below an authority known before */
        CHANGE_NAMES,            /* subject alternative names changed */
        CHANGE_BACK,             /* the new leaf was issued before the published one */
        CHANGE_NEW_AUTHORITY,    /* the leaf builds only to an authority not published before */
        CHANGE_FIRST,            /* nothing was published before */
};

/* Does the chain lead, by keys, to one of these authorities, or show one? */
bool change_builds_to(const struct chain *chain, const struct chain *authorities);
/* old may be NULL. Pure. */
enum change_class change_classify(const struct bundle *old, const struct bundle *fresh);
/* "none" "same-key" "new-key" "authorities" "new-intermediate" "names" "back" "new-authority" "first" */
const char *change_name(enum change_class change);
