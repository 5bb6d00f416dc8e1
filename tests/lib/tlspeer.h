// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * TLS servers with bad manners, each a forked child on a loopback port or a unix socket of its own. It
 * serves one connection after the other until it is stopped.
 */
#include "testca.h"

#include <sys/types.h>

enum tlspeer_manner {
        TLSPEER_TALKS,    /* as a server should */
        TLSPEER_TRICKLES, /* one byte every pause_ms */
        TLSPEER_LEAVES,   /* closes after its first flight */
        TLSPEER_RESETS,   /* the same with a reset */
        TLSPEER_CLOSES,   /* at once, without a byte */
        TLSPEER_SILENT,   /* never says anything */
        TLSPEER_BABBLES,  /* sends `greeting` and waits */
        TLSPEER_ENDLESS,  /* sends hello requests for ever */
};

struct tlspeer_options {
        enum tlspeer_manner manner;
        const struct testca *leaf;
        const struct testca *intermediate;
        const struct testca *clients; /* authority that clients' certificates must come from */
        int min_version;              /* TLS1_2_VERSION; 0: any */
        int max_version;
        int pause_ms;
        const char *path;     /* unix socket */
        const char *greeting; /* sent before TLS */
        size_t greeting_len;
        size_t request_len; /* read before TLS, after the greeting */
};

struct tlspeer {
        pid_t pid;
        int port;
};

struct tlspeer tlspeer_start(const struct tlspeer_options *options);
void tlspeer_stop(struct tlspeer *peer);
static inline UNUSED void tlspeer_stop_p(struct tlspeer *peer)
{
        tlspeer_stop(peer);
}
