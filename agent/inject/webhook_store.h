// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The Secret that holds the webhook's certificate (tls.crt, tls.key), the authorities that clients need to
 * verify it (ca.crt, the newest first), and, when we make it ourselves, the newest authority's key (ca.key).
 * Pure but for the random numbers.
 */
#include "base/json.h"
#include "certs/policy.h"
#include "inject/webhook_choice.h"
#include "inject/webhook_make.h"

struct webhook_store {
        struct bundle *bundle; /* NULL: it cannot be read */
        struct key *ca_key;    /* NULL: not there, or not the newest authority's */
        char *version;         /* resourceVersion */
        bool is_ours;          /* marked as made by certrotate */
        char *refusal;         /* why it must not be served, or cannot be read; NULL: it may */
        bool is_broken;        /* and time alone is not the reason */
        bool lacks_name;
};

struct webhook_store_spec {
        bool is_made; /* by us: its authority's key has to be there */
        struct webhook_leaf_spec leaf;
};

/* By the rules of `certrotate check`. Never fails: what is wrong is in `refusal`. */
struct webhook_store *webhook_store_read(const cJSON *secret, const struct webhook_store_spec *spec,
                                         struct wall now);
void webhook_store_free(struct webhook_store *store);
AUTO_DEFINE(struct webhook_store, webhook_store_free)
/* NULL: there is no Secret. */
struct webhook_facts webhook_store_facts(const struct webhook_store *store, bool is_told);
/* ca.crt, PEM, by mem_free; NULL: it has none. */
char *webhook_store_authorities(const struct webhook_store *store);
/* What the step makes of the Secret: `data` and, for one that is created, all the rest. json_wipe. */
int webhook_store_change(const struct webhook_store *store, enum webhook_step step,
                         const struct webhook_store_spec *spec, struct wall now, cJSON **out,
                         struct err *err) MUST_CHECK;
