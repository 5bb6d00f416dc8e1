// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the drivers mariadb, mysql and perconaxtradb have in common: one administrator's session, SHUTDOWN,
 * health. A driver's table names these functions, or its own where its engine differs.
 */
#include "hooks/mariadb_session.h"

struct mysql_family {
        struct database database; /* first */
        struct mariadb_session *session;
};

struct mysql_family *mysql_family_of(struct database *database);
/* Does not connect. rights: as in mariadb_session_new. ERR_USAGE naming the key. */
int mysql_family_open(const struct hook *hook, const char *rights, const struct hook_settings *settings,
                      struct database **out, struct err *err) MUST_CHECK;
void mysql_family_close(struct database *database);
struct op *mysql_family_restart(struct database *database, int64_t limit_ms);
struct op *mysql_family_health(struct database *database, int64_t limit_ms);
/* True once the server has named a version that cannot reload, unless it speaks no TLS. */
bool mysql_family_needs_restart(const struct database *database, enum change_class change);
/* A leaf that is named like its issuer is taken for a self-signed one by every client of these servers. */
void mysql_family_check(const struct database *database, const struct bundle *fresh,
                        const struct bundle *published, struct findings *out);
