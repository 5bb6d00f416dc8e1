// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The drivers, for the table in registry.c.
 */
#include "hooks/hook.h"

extern const struct hook mariadb_hook;
extern const struct hook mysql_hook;
extern const struct hook perconaxtradb_hook;
extern const struct hook druid_hook;
extern const struct hook singlestore_hook;
extern const struct hook mssqlserver_hook;
extern const struct hook mssqlserver_endpoint_hook;
extern const struct hook generic_hook;
