// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The webhook: AdmissionReviews come by POST /mutate over TLS 1.3 and are answered by review_pod. Nothing is
 * served before it has a certificate, and what it has can be replaced at any moment.
 */
#include "certs/bundle.h"
#include "inject/review.h"
#include "loop/loop.h"

#include <stdint.h>

#define WEBHOOK_PATH            "/mutate"
#define WEBHOOK_CONNECTIONS_MAX 32 /* each may hold a review of REVIEW_MAX_BYTES */

struct webhook_counts {
        uint64_t reviews[REVIEW_DENIED + 1]; /* by verdict */
        uint64_t bad;                        /* requests that were none */
};

struct webhook;
/* The strings are copied. ERR_USAGE, ERR_IO: the address. */
int webhook_open(struct loop *loop, const char *address, const struct inject_settings *settings,
                 struct webhook **out, struct err *err) MUST_CHECK;
void webhook_close(struct webhook *webhook);
AUTO_DEFINE(struct webhook, webhook_close)
int webhook_port(const struct webhook *webhook);
/* The bundle of key and chain, for connections from now on. ERR_REFUSED: OpenSSL does not take it; what was
 * there stays. */
int webhook_present(struct webhook *webhook, const struct bundle *bundle, struct err *err) MUST_CHECK;
/* An older cluster than was thought, or a newer one: inject_settings.plain. */
void webhook_set_plain(struct webhook *webhook, bool plain);
struct webhook_counts webhook_counts(const struct webhook *webhook);
