// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A listening stream socket from an address as people write it.
 */
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct listen_socket {
        int fd;
        int port;   /* bound; 0 for a unix socket */
        char *path; /* of a unix socket; NULL otherwise */
        dev_t dev;  /* the socket file as we made it: only that one is removed */
        ino_t ino;
};

/*
 * "127.0.0.1:9533", "[::1]:9533", "localhost:9533", ":9533" (all interfaces), or "/path" of a unix socket,
 * made with mode 0600. A socket file that nobody answers on is replaced.
 *
 * ERR_USAGE not such an address; ERR_IO in use, or not allowed; ERR_MISSING the directory is not there
 */
int listen_open(const char *address, struct listen_socket *out, struct err *err) MUST_CHECK;
/* Closes (unless fd is -1 by now) and removes the socket file. */
void listen_close(struct listen_socket *listening);
