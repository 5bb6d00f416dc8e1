// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a server's own version string says it can do. Pure.
 */
#include <stdbool.h>

/* "11.4.2-MariaDB-log", also with the "5.5.5-" that old replicas wanted in front. */
bool mysql_version_is_mariadb(const char *version);
/*
 * Has it a statement that reads key, certificate and authorities again? MariaDB since 10.4 (FLUSH SSL), MySQL
 * and Percona since 8.0.16 (ALTER INSTANCE RELOAD TLS). A text that is no version: true, the server will
 * tell.
 */
bool mysql_version_reloads(const char *version);
