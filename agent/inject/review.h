// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * From an AdmissionReview (admission.k8s.io/v1) of a pod to its answer. Pure: nothing is asked, nothing is
 * remembered.
 */
#include "base/buf.h"
#include "base/err.h"

#define REVIEW_MAX_BYTES                                                                                     \
        ((size_t)4 << 20) /* the API server sends objects of 3 MiB at most, and old beside new */

struct inject_settings {
        const char *image;       /* of the sidecar */
        const char *pull_policy; /* NULL: unset */
        bool plain;              /* a container beside the others instead of a native sidecar: before 1.29 */
};

enum review_verdict {
        REVIEW_LEFT,     /* allowed as it is: nobody asked for it, or it was done before */
        REVIEW_INJECTED, /* allowed with a patch */
        REVIEW_DENIED,   /* with a sentence that says what is wrong and what to do */
};

/*
 * out: the AdmissionReview that answers, JSON. -1: the body is none of a pod that is created: ERR_PARSE,
 * ERR_LIMIT.
 */
int review_pod(const struct inject_settings *settings, const char *body, size_t len, struct buf *out,
               enum review_verdict *verdict, struct err *err) MUST_CHECK;
