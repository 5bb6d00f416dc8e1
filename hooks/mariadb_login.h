// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * How to log in to the server: where, as whom, with or without TLS. Makes the libmariadb handle and starts
 * its connect; the session (mariadb_session.h) drives it.
 */
#include "base/secret.h"
#include "hooks/hook.h"

#include <mysql.h>

struct mariadb_login {
        const struct admin_settings *settings;
        const char *user;
        const char *host;   /* NULL: unix socket */
        bool needs_resolve; /* host is a name, not an address */
        bool loopback;
        char *where;     /* for messages */
        char *authority; /* file with the published authorities, for hosts beyond loopback */
        struct secret password;
};

/* ERR_USAGE naming the key. settings is borrowed. */
int mariadb_login_init(const struct admin_settings *settings, const char *publish, struct mariadb_login *out,
                       struct err *err) MUST_CHECK;
void mariadb_login_done(struct mariadb_login *login);

/*
 * Reads the password and starts connecting; address is the number to connect to (unused for a socket).
 * *mysql is the handle (mysql_close), *wait the MYSQL_WAIT_* events of the suspended call or 0 when it came
 * to its end, which *connected then tells. The password stays in login until mariadb_login_forget.
 */
int mariadb_login_start(struct mariadb_login *login, const char *address, MYSQL **mysql, MYSQL **connected,
                        int *wait, struct err *err) MUST_CHECK;
/*
 * The greeting has arrived, the library has not read it yet: when it offers no TLS the library is told not to
 * want any, and true comes back. Loopback only.
 */
bool mariadb_login_lacks_tls(MYSQL *mysql);
/* Wipes the password here and in the handle, once connected or failed. */
void mariadb_login_forget(struct mariadb_login *login, MYSQL *mysql);
