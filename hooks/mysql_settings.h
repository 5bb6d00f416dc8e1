// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * TLS in the option files of the MySQL family: a fragment that the server's my.cnf includes, after its own
 * settings. Pure.
 */
#include "hooks/hook.h"

enum mysql_kind { MYSQL_KIND_MYSQL, MYSQL_KIND_MARIADB, MYSQL_KIND_PERCONA };

/* ERR_USAGE names the key of the configuration that cannot be written. */
int mysql_settings_check(const struct galera_settings *galera, struct err *err) MUST_CHECK;
/*
 * As the hook's settings().
 *
 * ERR_PARSE  present is no option file
 * ERR_USAGE  a path that cannot be said in one, or one of the three files is not published
 */
int mysql_settings_put(enum mysql_kind kind, const struct hook_settings *settings, enum tls_mode mode,
                       const char *present, struct buf *out, struct err *err) MUST_CHECK;
