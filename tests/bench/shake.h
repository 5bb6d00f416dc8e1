// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One fresh MySQL-protocol TLS handshake with 127.0.0.1, cheap and without judgement: it tells which leaf was
 * shown, not whether to trust it. Written apart from the agent's own handshake on purpose: what measures must
 * not share the mistakes of what is measured.
 */
#include "base/err.h"

#include <openssl/ssl.h>
#include <stdint.h>

#define SHAKE_LEAF_MAX 4096

struct shake {
        SSL_CTX *tls;
        uint16_t port;
        uint8_t leaf[SHAKE_LEAF_MAX]; /* DER of the last one shown */
        size_t leaf_len;
};

/* A few seconds at most. ERR_NETWORK, ERR_PROTOCOL. */
int shake_once(struct shake *shake, struct err *err) MUST_CHECK;
int shake_init(struct shake *shake, uint16_t port, struct err *err) MUST_CHECK;
void shake_done(struct shake *shake);
