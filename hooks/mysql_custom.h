// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Are the values of these option files in force? One SHOW GLOBAL VARIABLES.
 */
#include "hooks/mysql_family.h"

/* bare: settings before any section count, as for mysql_values_add. The session is borrowed. */
struct op *mysql_custom_start(struct mariadb_session *session, const struct custom_text *files, size_t n,
                              bool bare, int64_t limit_ms);
/* hook.custom_prove of the MySQL family. */
struct op *mysql_custom_prove(struct database *database, const struct custom_text *files, size_t n,
                              int64_t limit_ms);
