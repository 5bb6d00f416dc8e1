// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the report of a pod amounts to: one word for a person, and whether all is well. Pure.
 */
#include "cli/pod_list.h"

/* Worst first; a pod is in the first one that fits. */
enum pod_kind {
        POD_IS_DEGRADED,
        POD_IS_GARBLED,
        POD_IS_SILENT,
        POD_IS_DOWN, /* the pod does not run: what it told is old */
        POD_HAS_EXPIRED,
        POD_ROLLS_BACK,
        POD_DIFFERS,     /* serves another certificate than published */
        POD_SERVES_NONE, /* nothing is published, or nothing was seen served */
        POD_WAS_ROLLED_BACK,
        POD_HAS_FAILED,
        POD_HAS_REFUSED,
        POD_HAS_ERROR,
        POD_WAITS,
        POD_ENDS_SOON,
        POD_PRUNES_LATER, /* dropped authorities are trusted until the database restarts */
        POD_ROTATES,
        POD_IS_IDLE,
        POD_KINDS,
};

enum pod_severity { POD_GOOD, POD_BUSY, POD_WARNING, POD_BAD };

enum pod_agreement {
        POD_AGREES,        /* source, published and served are the same */
        POD_PLAIN,         /* TLS is off, as it should be */
        POD_NOT_PUBLISHED, /* the source's is not published yet, or kept back by the phase */
        POD_NOT_SERVED,    /* the published one is not served */
        POD_NO_SOURCE,     /* the source has none, the published one is served */
        POD_UNKNOWN,
};

struct pod_state {
        enum pod_kind kind;
        enum pod_severity severity;
        const char *word; /* "degraded", the step of a rotation; at most 16 characters */
        enum pod_agreement agreement;
        struct wall until; /* the first served certificate ends; 0: not known */
        bool ends;         /* it has, or will within a sixth of its lifetime */
        bool well;         /* runs, told, not degraded, and serves what is published and valid now */
};

/* word is borrowed from the pod or a table. */
void pod_state_judge(const struct pod *pod, struct wall now, struct pod_state *out);
/* "degraded", for counts: "2 degraded". */
const char *pod_state_name(enum pod_kind kind);
/* "yes" "TLS off" "unpublished" "unserved" "no source" "unknown" */
const char *pod_state_agreement(enum pod_agreement agreement);
