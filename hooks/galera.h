// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a MariaDB server says of its Galera cluster: is this node well, and where are the others? Pure.
 */
#include "base/err.h"
#include "base/limits.h"
#include "hooks/hook.h"

#define GALERA_HOST_MAX   256
#define GALERA_GROUP_PORT 4567

struct galera_address {
        char host[GALERA_HOST_MAX]; /* without brackets */
        int port;
};

struct galera_addresses {
        struct galera_address items[PEERS_MAX];
        size_t n;
};

/* Filled row by row from SHOW GLOBAL VARIABLES and SHOW GLOBAL STATUS. */
struct galera_state {
        char version[96];
        bool on;         /* replication is on and has a provider */
        int local_state; /* 4 is synced */
        char local_state_text[32];
        char cluster_status[32];
        bool ready;
        bool connected;
        int size;
        int index;      /* of this node in `incoming`; -1 unknown */
        char *options;  /* wsrep_provider_options */
        char *group;    /* wsrep_cluster_address */
        char *incoming; /* wsrep_incoming_addresses */
        char *node;     /* wsrep_node_address */
};

#define GALERA_STATE_INIT                                                                                    \
        {                                                                                                    \
                .index = -1                                                                                  \
        }

/* One row; names that mean nothing here are passed over, values too long are cut. */
void galera_take(struct galera_state *state, const char *name, const char *value);
void galera_done(struct galera_state *state);

/* "standalone" "member" "joining" "donor" "joined" "disconnected" */
const char *galera_role(const struct galera_state *state);
/* Do its members speak TLS with each other? */
bool galera_uses_tls(const struct galera_state *state);
/* ERR_UNHEALTHY with the one thing that is wrong. */
int galera_judge(const struct galera_state *state, struct err *err) MUST_CHECK;

/* The value of "name = value; …"; false when it is not there or too long. */
bool galera_option(const char *options, const char *name, char *out, size_t room);
/* "host:port", "[::1]:port", "host"; with or without "ssl://" or "tcp://" in front. */
bool galera_parse_address(const char *text, struct galera_address *out);
/* Where this node listens for the others; host as given, "0.0.0.0" or "::" for any. */
bool galera_listener(const struct galera_state *state, struct galera_address *out);
bool galera_is_any(const struct galera_address *address);
/*
 * Group links of the others: as configured, else of wsrep_cluster_address, else the hosts of
 * wsrep_incoming_addresses with the usual port. This node itself is left out as far as text can tell.
 */
void galera_peers(const struct galera_state *state, const struct galera_settings *settings,
                  struct galera_addresses *out);
