// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What do the listeners serve? One handshake with each endpoint, all at once; the status is updated. A driver
 * that proves itself (hooks/hook.h) is asked for its health instead: then trust is not looked at.
 */
#include "certs/cert.h"
#include "certs/chain.h"

struct agent;
struct proof;

/* err is NULL when every endpoint serves the expected leaf and is trusted; else it is about the worst one. */
typedef void proof_fn(struct agent *agent, const struct err *err);

/*
 * expect      NULL: only look, nothing is an error but an endpoint that does not answer
 * authorities what a client would hold; NULL or empty: trust is not checked
 * Kinds: ERR_MISMATCH another leaf, ERR_UNTRUSTED, and those of handshake_start. fn is called from the loop.
 */
struct proof *proof_start(struct agent *agent, struct cert *expect, const struct chain *authorities,
                          proof_fn *fn);
/*
 * In mode off: fine when no endpoint speaks TLS, or none listens; of an engine that then signs a certificate
 * for itself, when none serves this leaf. ERR_MISMATCH otherwise.
 */
struct proof *proof_start_absent(struct agent *agent, struct cert *leaf, proof_fn *fn);
/* Ends it without a call. */
void proof_cancel(struct proof *proof);
AUTO_DEFINE(struct proof, proof_cancel)
