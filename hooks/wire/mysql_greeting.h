// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * MySQL's way into TLS: the server greets, the client asks for TLS. Also MariaDB, Percona XtraDB Cluster,
 * SingleStore, ProxySQL.
 *
 * ERR_PROTOCOL   no greeting of protocol 10, or a server without TLS
 * ERR_NETWORK    the server turned us away for a while: blocked host, too many connections
 * ERR_NOT_READY  it is just shutting down
 * ERR_AUTH       it does not let this host in
 * Fuzzed by tests/fuzz/fuzz_mysql.c.
 */
#include "certs/preamble.h"

extern const struct preamble mysql_greeting_preamble;

/* Are these the first bytes of a server's greeting, up to where it says that it has no TLS? Pure. */
bool mysql_greeting_lacks_tls(const uint8_t *data, size_t len);
