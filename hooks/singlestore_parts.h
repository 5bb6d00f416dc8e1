// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the parts of the SingleStore driver share: the object of one node, and their operations.
 */
#include "hooks/mariadb_session.h"
#include "hooks/singlestore_state.h"

struct singlestore {
        struct database database; /* first */
        struct mariadb_session *session;
        struct mariadb_session *aggregator; /* that is asked before a leaf is restarted; NULL: none is set */
        struct admin_settings aggregator_login;
        char *aggregator_host;
        struct singlestore_tls tls;      /* as it said last */
        struct singlestore_state before; /* the cluster, before anything was done to this node */
        struct mono before_at;           /* when that was */
        bool ended;   /* it was told to end, and has not said since what it came back with */
        bool touched; /* something was done since that is not known to have ended well */
};

/*
 * The cluster as it is, into before. It stays for ten minutes after something was done that did not end well,
 * so that a way back is not measured by the damage.
 */
struct op *singlestore_before_start(struct singlestore *node, int64_t limit_ms);
/*
 * SSL_RELOAD, whose success is that both of the times it leaves behind have moved; then FLUSH CONNECTION
 * POOLS, so that other nodes are reached anew.
 *
 * ERR_ENGINE the new files were not taken, or the node runs without TLS.
 */
struct op *singlestore_reload_start(struct singlestore *node, int64_t limit_ms);
/*
 * Facts; then, on an aggregator: every node and partition online, and a fresh handshake with every leaf.
 *
 * ERR_UNHEALTHY
 */
struct op *singlestore_health_start(struct singlestore *node, int64_t limit_ms);
/* Fresh handshakes with the leaves of state, those away before left out. ERR_UNHEALTHY naming the leaf. */
struct op *singlestore_links_start(const struct singlestore *node, const struct singlestore_state *state,
                                   int64_t limit_ms);
/*
 * Ends the process; before that of a leaf an aggregator is asked whether its pair has the data.
 * NULL: section process is not set.
 *
 * ERR_NOT_READY not now, and why.
 */
struct op *singlestore_restart_start(struct singlestore *node, int64_t limit_ms);
