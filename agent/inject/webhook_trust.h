// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The authorities in the MutatingWebhookConfiguration: clientConfig.caBundle of each of its webhooks whose
 * name ends in ".certrotate.io". Watched by all, written by the one that is told to.
 */
#include "kube/client.h"
#include "kube/watch.h"

#define WEBHOOK_TRUST_DOMAIN ".certrotate.io"

/*
 * The strategic merge patch that brings the configuration to have these authorities (PEM), bound to the
 * version that was read; by mem_free. NULL: it has them, or no webhook of ours. Pure.
 */
char *webhook_trust_patch(const cJSON *configuration, const char *authorities) MUST_CHECK;
/* Webhooks of ours in it. */
size_t webhook_trust_count(const cJSON *configuration);

struct webhook_trust;
/* `changed`: webhook_trust_is_told may have another answer, or webhook_trust_trouble. */
struct webhook_trust *webhook_trust_open(struct kube_client *client, const char *name, loop_fn *changed,
                                         void *arg);
void webhook_trust_close(struct webhook_trust *trust);
AUTO_DEFINE(struct webhook_trust, webhook_trust_close)
/* NULL: nothing is known yet. Copied. */
void webhook_trust_want(struct webhook_trust *trust, const char *authorities);
void webhook_trust_lead(struct webhook_trust *trust, bool leads);
/* It has the authorities that are wanted; true also where there is no such configuration. */
bool webhook_trust_is_told(const struct webhook_trust *trust);
/* Why nobody would call, or trust, the webhook; NULL: none. */
const char *webhook_trust_trouble(const struct webhook_trust *trust);
