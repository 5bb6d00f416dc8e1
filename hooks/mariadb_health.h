// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Is the server well, and its cluster?
 */
#include "hooks/mariadb_session.h"

/*
 * Asks version and Galera state, fills database->facts as soon as they are known, judges the state, and then
 * proves the links to every member (hooks/galera_links.h). database and session are borrowed.
 *
 * ERR_UNHEALTHY, or what mariadb_session_run fails with.
 */
struct op *mariadb_health_start(struct database *database, struct mariadb_session *session, int64_t limit_ms);
