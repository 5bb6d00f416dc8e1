// SPDX-License-Identifier: Apache-2.0
/*
 * The table of drivers. A new database is one file and one line here.
 */
#include "hooks/drivers.h"

#include <string.h>

static const struct hook *const hooks[] = {
        &mariadb_hook,     &mysql_hook,       &perconaxtradb_hook,
        &singlestore_hook, &mssqlserver_hook, &mssqlserver_endpoint_hook,
        &druid_hook,       &generic_hook,     NULL,
};

const struct hook *const *hook_all(void)
{
        return hooks;
}

const struct hook *hook_find(const char *name)
{
        for (size_t i = 0; hooks[i] != NULL; i++)
                if (strcmp(hooks[i]->name, name) == 0)
                        return hooks[i];
        return NULL;
}
