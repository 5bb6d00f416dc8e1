// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A connected stream socket, without blocking: names are resolved, addresses are tried one after the other,
 * each with its share of the time.
 */
#include "base/op.h"

#define DIAL_ADDRESS_MAX 64

/*
 * host        name or address; a path beginning with '/' is a unix socket (port is then ignored). Borrowed.
 * limit_ms    shared out among the addresses; the operation ends by itself when it is used up
 * fd          set when done, owned by the caller: non-blocking, close-on-exec, TCP without Nagle's delay
 * address     that answered, DIAL_ADDRESS_MAX bytes
 *
 * ERR_NOT_READY refused, no such socket, or the name does not resolve; ERR_TIMEOUT; ERR_NETWORK anything
 * else; ERR_USAGE a path too long for a socket.
 */
struct op *dial_start(const char *host, int port, int64_t limit_ms, int *fd, char *address);

/* "host:port", "[::1]:3306" or the path, for messages (mem_free). */
char *dial_where(const char *host, int port);
