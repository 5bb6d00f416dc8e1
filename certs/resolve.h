// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Name resolution that never blocks. Addresses and "localhost" (RFC 6761) cost nothing; other names go
 * through getaddrinfo on a helper thread that ends by itself.
 */
#include "base/op.h"

#include <netdb.h>

/*
 * Resolves host:port for TCP. *out is set when the operation is done (freeaddrinfo_p-style: resolve_free).
 * ERR_NOT_READY when the name does not exist or the resolver does not answer: it may yet.
 */
struct op *resolve_start(const char *host, int port, struct addrinfo **out);
void resolve_free(struct addrinfo *list);
