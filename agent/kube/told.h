// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Names and versions of the objects that a watch has told, no more: enough to tell none twice, and to see
 * after a list which have vanished. Sorted, so that what comes sorted (the API server's lists do) is
 * appended.
 */
#include "kube/frame.h"

#define KUBE_TOLD_MAX 32768

struct kube_told_entry;
struct kube_told {
        struct kube_told_entry **entries;
        size_t n;
        size_t room;
};

#define KUBE_TOLD_INIT                                                                                       \
        {                                                                                                    \
                NULL, 0, 0                                                                                   \
        }

void kube_told_done(struct kube_told *told);
static inline UNUSED void kube_told_done_p(struct kube_told *told)
{
        kube_told_done(told);
}
/* Notes and marks it; is_news: it was not there, or with another version. ERR_LIMIT: too many. */
int kube_told_put(struct kube_told *told, const struct kube_id *id, bool *is_news,
                  struct err *err) MUST_CHECK;
/* False: it was not there. */
bool kube_told_drop(struct kube_told *told, const struct kube_id *id);
void kube_told_unmark(struct kube_told *told);
/* Moves all that are not marked into `gone`, which is empty. */
void kube_told_sweep(struct kube_told *told, struct kube_told *gone);
/* Valid until the entry changes. */
struct kube_id kube_told_at(const struct kube_told *told, size_t i);
