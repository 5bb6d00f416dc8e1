// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * An HTTPS server (HTTP/1.1) that does what the request's path says, with the request's body as its script.
 * A child for the server, one more for each connection.
 *
 *   /echo      200, the request itself as body
 *   /pid       200, a number that is another for each connection
 *   /raw       writes the body as it is, and closes
 *   /hold      writes the body as it is, and says nothing more
 *   /trickle   the same, a byte every 10 ms, over and over
 *   /flood     writes the body as it is, and then all but its first line, over and over
 */
#include "testca.h"

#include <sys/types.h>

struct kubepeer_options {
        const struct testca *leaf;
        const struct testca
                *clients; /* authority that clients' certificates must come from; NULL: none asked */
        int port;         /* 0: any */
        int max_version;  /* TLS1_1_VERSION; 0: any */
};

struct kubepeer {
        pid_t pid;
        int port;
        int alive; /* a pipe that ends with the last of them */
};

struct kubepeer kubepeer_start(const struct kubepeer_options *options);
/* With all its connections. */
void kubepeer_stop(struct kubepeer *peer);
static inline UNUSED void kubepeer_stop_p(struct kubepeer *peer)
{
        kubepeer_stop(peer);
}
