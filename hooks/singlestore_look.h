// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Questions to one node. Its session, and what is filled, are borrowed until the operation is freed. They
 * fail with what mariadb_session_run does; ERR_PRIVILEGE names the right. Each is answered within
 * singlestore_look_limit() of what is left.
 */
#include "hooks/mariadb_session.h"
#include "hooks/singlestore_state.h"

int64_t singlestore_look_limit(int64_t left_ms);
/*
 * The cluster, by SHOW AGGREGATORS, AGGREGATOR_ID() and SHOW LEAVES. A leaf refuses the first, which is how
 * it is known. state is emptied first.
 */
struct op *singlestore_look_cluster(struct mariadb_session *session, struct singlestore_state *state,
                                    int64_t limit_ms);
/*
 * Partitions that are not online, into state: asked for as a query and not by SHOW CLUSTER STATUS, whose rows
 * and columns have no bound. Asking makes an aggregator reach every leaf.
 */
struct op *singlestore_look_partitions(struct mariadb_session *session, struct singlestore_state *state,
                                       int64_t limit_ms);
/* Its variables ssl_*. */
struct op *singlestore_look_tls(struct mariadb_session *session, struct singlestore_tls *tls,
                                int64_t limit_ms);
