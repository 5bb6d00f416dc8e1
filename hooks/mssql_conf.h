// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * mssql.conf with TLS as wished: tlscert, tlskey, tlsprotocols and forceencryption in [network]. forcestrict,
 * which shuts out every client older than TDS 8.0, is left as it is.
 *
 *   off       the four are taken out: the server then signs a certificate of its own at each start
 *   mixed on  forceencryption = 0: clients choose; the login is encrypted in any case
 *   required  forceencryption = 1
 *
 * The paths are those of the published directory, the same in each generation: SQL Server reads them at start
 * only.
 */
#include "hooks/hook.h"

/* The contract is that of hook->settings. */
int mssql_conf_edit(const struct database *database, const struct settings_wish *wish, const char *present,
                    struct buf *out, struct err *err) MUST_CHECK;
