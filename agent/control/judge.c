// SPDX-License-Identifier: Apache-2.0
#include "control/judge.h"

#include "certs/change.h"

static bool is_on(enum tls_mode mode)
{
        return mode != TLS_OFF;
}

size_t judge_stages(const struct judge_case *given, struct record_stage out[static RECORD_STAGES_MAX])
{
        const bool is_switched = is_on(given->before) != is_on(given->wanted);
        size_t n = 0;

        if (is_switched && given->mixes && given->n_pods > 1)
                out[n++] = (struct record_stage){ PLAN_NO_PHASE, TLS_MIXED };
        if (is_switched || !is_on(given->wanted) || !given->is_new_authority) {
                out[n++] = (struct record_stage){ PLAN_NO_PHASE, given->wanted };
                return n;
        }
        for (enum plan_phase phase = PLAN_TRUST; phase < PLAN_PHASES; phase++)
                out[n++] = (struct record_stage){ phase, given->wanted };
        return n;
}

bool judge_is_new_authority(const struct bundle *before, const struct bundle *now)
{
        if (before->authorities.n == 0)
                return false;
        return change_classify(before, now) == CHANGE_NEW_AUTHORITY ||
               change_classify(now, before) == CHANGE_NEW_AUTHORITY;
}

bool judge_is_other_trust(const struct chain *trusted, const struct bundle *now)
{
        if (trusted->n == 0)
                return false;
        if (!change_builds_to(&now->chain, trusted))
                return true;
        for (size_t i = 0; i < trusted->n && now->authorities.n > 0; i++) {
                const struct chain one = { &trusted->certs[i], 1 };

                if (!change_builds_to(&one, &now->authorities))
                        return true;
        }
        return false;
}
