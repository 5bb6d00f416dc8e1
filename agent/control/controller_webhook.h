// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The webhook as a part of the controller: all replicas serve it, the one that leads looks after its
 * certificate and tells of pods that were missed.
 */
#include "control/controller_pages.h"
#include "inject/review.h"

#define CONTROLLER_WEBHOOK_NAME "certrotate-webhook" /* of the Service, and of the Secret */

struct controller_webhook_settings {
        const char *address;           /* NULL: there is no webhook; copied, as all strings here */
        struct inject_settings inject; /* `plain` is found out */
        const char *const *names;      /* host names and addresses by which it is reached */
        size_t n_names;
        const char *namespace, *secret;
        bool is_made;              /* by us; otherwise by cert-manager or whoever */
        int64_t lifetime_s;        /* of a leaf of ours */
        const char *configuration; /* whose webhooks are given the authorities; NULL: somebody else does */
};

struct controller_webhook;
/* ERR_USAGE, ERR_IO: the address. */
int controller_webhook_open(struct kube_client *client, const struct controller_webhook_settings *settings,
                            struct controller_webhook **out, struct err *err) MUST_CHECK;
void controller_webhook_close(struct controller_webhook *webhook);
AUTO_DEFINE(struct controller_webhook, controller_webhook_close)
/* NULL is fine in all of these. */
void controller_webhook_lead(struct controller_webhook *webhook, bool leads);
/* From time to time; world: NULL unless this replica acts. */
void controller_webhook_tick(struct controller_webhook *webhook, const struct world *world);
void controller_webhook_note(const struct controller_webhook *webhook, struct controller_status *status);
int controller_webhook_port(const struct controller_webhook *webhook);
/* "major" and "minor" of /version: has it no native sidecars by default? Pure. */
bool controller_webhook_is_old(const cJSON *version);
