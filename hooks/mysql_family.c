// SPDX-License-Identifier: Apache-2.0
/*
 * The common part of the MySQL family. The engines differ in how they reload and in what they ask of a
 * bundle; how they are reached, ended and asked for their health is the same.
 */
#include "hooks/mysql_family.h"

#include "base/mem.h"
#include "hooks/mariadb_health.h"
#include "hooks/mysql_version.h"

struct mysql_family *mysql_family_of(struct database *database)
{
        return CONTAINER_OF(database, struct mysql_family, database);
}

int mysql_family_open(const struct hook *hook, const char *rights, const struct hook_settings *settings,
                      struct database **out, struct err *err)
{
        struct mariadb_session *session = NULL;
        struct mysql_family *family;

        if (mariadb_session_new(&settings->admin, settings->publish, rights, &session, err) == -1)
                return -1;
        family = MEM_NEW(struct mysql_family);
        family->database.hook = hook;
        family->database.settings = settings;
        family->session = session;
        *out = &family->database;
        return 0;
}

void mysql_family_close(struct database *database)
{
        struct mysql_family *family = mysql_family_of(database);

        mariadb_session_free(family->session);
        mem_free(family);
}

struct op *mysql_family_restart(struct database *database, int64_t limit_ms)
{
        static const struct mariadb_statement shutdown = { .sql = "SHUTDOWN",
                                                           .right = "SHUTDOWN",
                                                           .ends_server = true };

        return mariadb_session_run(mysql_family_of(database)->session, &shutdown, limit_ms);
}

struct op *mysql_family_health(struct database *database, int64_t limit_ms)
{
        return mariadb_health_start(database, mysql_family_of(database)->session, limit_ms);
}

bool mysql_family_needs_restart(const struct database *database, enum change_class change UNUSED)
{
        return database->mode != TLS_OFF && database->facts.known &&
               !mysql_version_reloads(database->facts.version);
}

void mysql_family_check(const struct database *database, const struct bundle *fresh,
                        const struct bundle *published UNUSED, struct findings *out)
{
        const struct cert *leaf = bundle_leaf(fresh);

        if (leaf->self_issued && !chain_has(&fresh->authorities, &leaf->fp))
                policy_add(
                        out, database->settings->policy, FINDING_ENGINE,
                        "the leaf has the same subject as its authority ('%.120s'): clients of MySQL take it "
                        "for a self-signed one and refuse it; give the certificate a common name of its own",
                        leaf->subject);
}
