// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A listener to prove, as a URL: mysql://host:3306, mysql:///run/mysqld/mysqld.sock, postgres://…, tls://…,
 * https://…, tds://… (SQL Server), tds8://… (strict) An IPv6 address stands in brackets.
 */
#include "base/err.h"
#include "certs/handshake.h"

struct endpoint {
        char *url;                       /* as given */
        char *host;                      /* without brackets; or the path of a unix socket */
        int port;                        /* 0 for a unix socket */
        const struct preamble *preamble; /* NULL: direct TLS */
        const char *alpn;                /* protocol asked for in TLS; NULL: none */
};

/* ERR_USAGE: unknown scheme (the known ones are named), no host, bad port. Outputs owned by the caller. */
int endpoint_parse(const char *url, struct endpoint *out, struct err *err) MUST_CHECK;
void endpoint_done(struct endpoint *endpoint);
/* The schemes for --help, "mysql postgres tls https …". */
const char *endpoint_schemes(void);
/* A request for this endpoint with everything else unset. */
struct handshake_request endpoint_request(const struct endpoint *endpoint);
