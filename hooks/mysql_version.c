// SPDX-License-Identifier: Apache-2.0
/*
 * Versions are compared number by number; what stands behind them (distribution, build) means nothing here.
 */
#include "hooks/mysql_version.h"

#include "base/auto.h"

#include <stddef.h>
#include <string.h>

#define PARTS      3
#define PART_LIMIT 100000

static const int mariadb_since[PARTS] = { 10, 4, 1 };
static const int mysql_since[PARTS] = { 8, 0, 16 };

bool mysql_version_is_mariadb(const char *version)
{
        return strcasestr(version, "mariadb") != NULL;
}

/* "8.0.36-28.1" is 8, 0, 36. */
static bool parse(const char *version, int parts[static PARTS])
{
        const char *p = version;

        for (size_t i = 0; i < PARTS; i++) {
                if (*p < '0' || *p > '9')
                        return false;
                for (parts[i] = 0; *p >= '0' && *p <= '9' && parts[i] < PART_LIMIT; p++)
                        parts[i] = parts[i] * 10 + (*p - '0');
                if (*p == '.')
                        p++;
        }
        return true;
}

bool mysql_version_reloads(const char *version)
{
        bool is_mariadb = mysql_version_is_mariadb(version);
        const int *since = is_mariadb ? mariadb_since : mysql_since;
        int parts[PARTS];

        if (is_mariadb && strncmp(version, "5.5.5-", 6) == 0)
                version += 6;
        if (!parse(version, parts))
                return true;
        for (size_t i = 0; i < PARTS; i++)
                if (parts[i] != since[i])
                        return parts[i] > since[i];
        return true;
}
