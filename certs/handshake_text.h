// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Why a handshake ended, in words. Each text goes on after "host:port ".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDSHAKE_TEXT_MAX 160

enum handshake_phase {
        HANDSHAKE_DIAL,
        HANDSHAKE_PREAMBLE,
        HANDSHAKE_TLS,
        HANDSHAKE_SETTLE,
        HANDSHAKE_PHASES,
};

struct handshake_facts {
        enum handshake_phase phase;
        bool has_chain;
        bool asked_identity;
        bool had_identity;
        bool prove_mutual;
};

/* The time is up. */
void handshake_text_late(const struct handshake_facts *facts, int64_t limit_ms, char *out);
/* The peer closed (sys 0) or the connection broke. */
void handshake_text_closed(const struct handshake_facts *facts, int sys, char *out);
/* OpenSSL gave up with this error code; an alert of the peer is one, too. */
void handshake_text_tls(const struct handshake_facts *facts, unsigned long code, char *out);
