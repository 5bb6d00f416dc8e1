// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * From what has changed to the stages in which the pods go through it. Pure.
 */
#include "certs/bundle.h"
#include "control/record.h"

struct judge_case {
        bool mixes; /* members talk to each other: walk_mixes */
        size_t n_pods;
        enum tls_mode before, wanted;
        bool is_new_authority; /* of certificates that were served before, and are to be served */
};

/* How many: one at least. */
size_t judge_stages(const struct judge_case *given, struct record_stage out[static RECORD_STAGES_MAX]);
/* Would somebody who trusts the authorities of the one refuse the other, in either direction? Without
 * authorities before there is nobody who trusts any. */
bool judge_is_new_authority(const struct bundle *before, const struct bundle *now);
/* The same where the leaf of before is not known: it may be of any of those that were trusted. */
bool judge_is_other_trust(const struct chain *trusted, const struct bundle *now);
