// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Reload of a MySQL or Percona server: each statement local to the node, each answer read.
 *
 *   SELECT VERSION()                which statement does it know?
 *   ALTER INSTANCE RELOAD TLS       the client port, and the administration port when that has no files of
 * its own. Never NO ROLLBACK ON ERROR: that leaves a server without TLS behind a warning SHOW WARNINGS the X
 * protocol's part may fail while the statement says OK (Percona) SHOW … admin_ssl_cert           has the
 * administration port files of its own, and ours? ALTER INSTANCE RELOAD TLS FOR CHANNEL mysql_admin SHOW …
 * wsrep_provider_options   perconaxtradb only: can the provider reload the group link? SET GLOBAL
 * wsrep_provider_options='socket.ssl_reload=1'
 *
 * A MariaDB server in the place of either gets FLUSH LOCAL SSL instead of ALTER; its provider is told
 * likewise, because before 10.4.19 and 10.5.10 FLUSH did not reach it.
 */
#include "hooks/mysql_family.h"

/*
 * Of a database of the MySQL family, which is borrowed. group: also the link between members. The version it
 * meets becomes known: needs_restart() has an answer after a refusal.
 *
 * ERR_ENGINE the files were refused, or the server has no such statement; what mariadb_session_run fails
 * with.
 */
struct op *mysql_reload_start(struct database *database, bool group, int64_t limit_ms);
