// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The options of the controller that are about its webhook.
 */
#include "cli/options.h"
#include "control/controller_webhook.h"

struct webhook_options {
        const char *address;
        const char *image;
        const char *pull_policy;
        const char *service;
        struct option_list hosts;
        const char *secret;
        bool ca_bundle;
        const char *configuration;
        int64_t lifetime_ms;
};

/* What the settings point to. */
struct webhook_names {
        char **items;
        size_t n;
};
void webhook_options_done(struct webhook_names *names);
static inline UNUSED void webhook_options_done_p(struct webhook_names *names)
{
        webhook_options_done(names);
}
/* namespace: the account's. Without --webhook the settings stay as they are. ERR_USAGE. */
int webhook_options_read(const struct webhook_options *given, const char *namespace,
                         struct webhook_names *names, struct controller_webhook_settings *out,
                         struct err *err) MUST_CHECK;
