// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a SingleStore node says of itself and its cluster, taken row by row; and what follows from it. Pure.
 */
#include "base/err.h"
#include "hooks/hook.h"

#define SINGLESTORE_HOST_MAX 256

struct singlestore_node {
        char host[SINGLESTORE_HOST_MAX];
        int port;
        int id; /* -1 unknown */
        bool leaf;
        bool master; /* aggregator */
        char state[24];
        char pair_host[SINGLESTORE_HOST_MAX]; /* of a leaf; "" none */
        int pair_port;
};

/* One that is not online. */
struct singlestore_partition {
        char host[SINGLESTORE_HOST_MAX];
        int port;
        char name[96]; /* database and role */
        char state[24];
};

#define SINGLESTORE_PARTITIONS_MAX 16

struct singlestore_state {
        bool looked;     /* the node has answered */
        bool aggregator; /* it knows the others; a leaf does not */
        int own_id;      /* of an aggregator; 0 unknown */
        struct singlestore_node *nodes;
        size_t n;
        size_t n_leaves;
        struct singlestore_partition *partitions; /* the first that are not online */
        size_t n_partitions;
};

/* What it says of its TLS. */
struct singlestore_tls {
        bool known;
        bool serves;      /* ssl_cert is set */
        bool authorities; /* ssl_ca is: nodes reach each other by TLS only */
        char attempt[48]; /* ssl_last_reload_attempt_time; "" never */
        char success[48]; /* ssl_last_successful_reload_time */
};

/* The leaf that is to be restarted, as it knows itself. */
struct singlestore_self {
        int redundancy; /* redundancy_level */
        char hostname[SINGLESTORE_HOST_MAX];
        int port;
};

void singlestore_state_done(struct singlestore_state *state);
/* Rows of SHOW AGGREGATORS and SHOW LEAVES; rows too short are passed over. */
void singlestore_state_aggregator(struct singlestore_state *state, const char *const *values, unsigned n);
void singlestore_state_leaf(struct singlestore_state *state, const char *const *values, unsigned n);
/* A row of host, port, database, role and state. */
void singlestore_state_partition(struct singlestore_state *state, const char *const *values, unsigned n);
/* A row of SHOW VARIABLES. */
void singlestore_state_tls(struct singlestore_tls *tls, const char *name, const char *value);

/* "master" "aggregator" "leaf" "standalone", "" before it was looked at */
const char *singlestore_state_role(const struct singlestore_state *state);
/* NULL when there is none. */
const struct singlestore_node *singlestore_state_find(const struct singlestore_state *state, const char *host,
                                                      int port);
bool singlestore_state_is_online(const struct singlestore_node *node);
/*
 * ERR_UNHEALTHY a node, or a partition on one, is not online that was so before; before may be NULL: all must
 * be. What was away already is no fault of what was done in between. Partitions are not judged when more were
 * away before than are listed.
 */
int singlestore_state_judge(const struct singlestore_state *state, const struct singlestore_state *before,
                            struct err *err) MUST_CHECK;
/*
 * May this leaf be restarted? known_as is how SHOW LEAVES names it, NULL: by its port, and its host name or
 * loopback.
 *
 * ERR_NOT_READY with what is missing: its pair, or partitions there.
 */
int singlestore_state_pair(const struct singlestore_state *state, const struct singlestore_self *self,
                           const char *known_as, struct err *err) MUST_CHECK;
