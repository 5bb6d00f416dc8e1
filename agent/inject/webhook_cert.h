// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The webhook's own certificate. It lies in a Secret that all replicas watch, judge by the rules of
 * `certrotate check`, and serve; what does not pass is not served, and what was served goes on. Where nobody
 * else makes it we do: any replica makes the first one, whoever leads renews it (webhook_choice.h), and
 * writes its authorities into the webhook configuration.
 */
#include "inject/webhook.h"
#include "inject/webhook_store.h"
#include "kube/client.h"

struct webhook_cert_spec {
        const char *namespace, *secret; /* copied, as all strings here */
        struct webhook_store_spec store;
        const char *configuration; /* to be given the authorities; NULL: somebody else does */
};

struct webhook_cert;
/* The webhook is borrowed. */
struct webhook_cert *webhook_cert_open(struct kube_client *client, const struct webhook_cert_spec *spec,
                                       struct webhook *webhook);
void webhook_cert_close(struct webhook_cert *cert);
AUTO_DEFINE(struct webhook_cert, webhook_cert_close)
/* This replica acts, or does so no more. */
void webhook_cert_lead(struct webhook_cert *cert, bool leads);

struct webhook_cert_state {
        bool is_served;    /* and valid at that time */
        struct wall until; /* of what is served; 0: nothing */
        struct fingerprint fp;
        char trouble[256]; /* "": none */
};
struct webhook_cert_state webhook_cert_state(const struct webhook_cert *cert, struct wall now);
