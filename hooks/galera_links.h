// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Proof of a Galera node's links: fresh mutual handshakes with its own group listener and with every peer,
 * one after the other. Established links survive a certificate that nobody trusts, so the cluster's size
 * proves nothing; the next reconnection would split it.
 */
#include "hooks/galera.h"

/*
 * state and database are borrowed until the operation is freed. Nothing published proves nothing. A
 * certificate to come is shown to the node's own listener: that it is accepted proves that its authority was
 * loaded.
 *
 * In mode mixed only the own listener is proven. Every peer that answers must be trusted and must accept us;
 * as many must answer as the cluster has other members. Candidates beyond that which are not there are passed
 * over.
 *
 * ERR_UNHEALTHY naming the address and the reason.
 */
struct op *galera_links_start(const struct galera_state *state, const struct database *database,
                              int64_t limit_ms);
