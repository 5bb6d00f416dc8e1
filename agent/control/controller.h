// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The controller: replicas that all know the world, of which the one with the Lease acts. All that is to be
 * remembered is in the API: it may be killed at any moment, and another goes on.
 */
#include "control/controller_webhook.h"
#include "control/reconcile.h"
#include "kube/client.h"
#include "kube/lease.h"

#define CONTROLLER_LEASE "certrotate-controller"

struct controller_settings {
        const char *namespace;        /* copied, as all strings here; NULL: all */
        struct kube_lease_spec lease; /* the holder is the replica's name; `watched` is set */
        const char *listen;           /* NULL or "": no pages */
        struct reconcile_settings reconcile;
        struct controller_webhook_settings webhook;
        size_t workers; /* databases for which something is done at one time */
};

struct controller;
/* Watches and contends from now on. ERR_USAGE: names; ERR_IO: the port. The client stays the caller's. */
int controller_open(struct kube_client *client, const struct controller_settings *settings,
                    struct controller **out, struct err *err) MUST_CHECK;
void controller_close(struct controller *controller);
AUTO_DEFINE(struct controller, controller_close)
/*
 * Until SIGTERM or SIGINT: what is in flight is given two seconds to end, and the Lease is given back, so
 * that another can go on at once. A second signal ends it there and then. SIGHUP: looks at every database
 * now. Returns the exit code.
 */
int controller_run(struct controller *controller);
