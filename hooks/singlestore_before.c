// SPDX-License-Identifier: Apache-2.0
/*
 * What was away before is not blamed on us; hence this look, before anything is done.
 */
#include "base/mem.h"
#include "hooks/program.h"
#include "hooks/singlestore_look.h"
#include "hooks/singlestore_parts.h"

#define KEPT_MS INT64_C(600000)

enum phase { PHASE_CLUSTER, PHASE_PARTITIONS, PHASE_END };

struct before {
        struct singlestore *node;
        enum phase phase; /* next */
};

static int before_next(void *self, const struct err *failure, int64_t left_ms, struct op **out,
                       struct err *err)
{
        struct before *before = self;
        struct singlestore *node = before->node;

        if (failure != NULL) {
                *err = *failure;
                return -1;
        }
        if (before->phase == PHASE_CLUSTER)
                *out = singlestore_look_cluster(node->session, &node->before, left_ms);
        else if (before->phase == PHASE_PARTITIONS && node->before.aggregator)
                *out = singlestore_look_partitions(node->session, &node->before, left_ms);
        else
                node->touched = true;
        before->phase++;
        return 0;
}

struct op *singlestore_before_start(struct singlestore *node, int64_t limit_ms)
{
        static const struct program_type type = { .name = "look before",
                                                  .next = before_next,
                                                  .free = mem_free };
        const struct mono now = clock_mono();
        bool is_kept = node->before.looked && node->touched && now.ms - node->before_at.ms < KEPT_MS;
        struct before *before = MEM_NEW(struct before);

        before->node = node;
        before->phase = is_kept ? PHASE_END : PHASE_CLUSTER;
        if (!is_kept)
                node->before_at = now;
        return program_start(&type, before, limit_ms);
}
