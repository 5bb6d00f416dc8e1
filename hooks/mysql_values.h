// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What option files of the MySQL family ask for, compared with SHOW GLOBAL VARIABLES: 16M is 16777216, 1 is
 * ON, a list holds its items in any order, and a size may have been rounded to the server's blocks. What
 * cannot be compared (a path, an enumeration by number, an option that is no variable) is not judged: a
 * server that does not know a name refuses to start. Pure.
 */
#include "base/buf.h"
#include "base/err.h"

#define MYSQL_VALUES_MAX 1024

enum mysql_verdict { MYSQL_VALUE_SAME, MYSQL_VALUE_DIFFERS, MYSQL_VALUE_UNCLEAR };

struct mysql_value {
        char *name; /* with underscores, lower case */
        char *text; /* NULL: an option without a value */
        const char *file;
        int line;
        bool seen;         /* the server has such a variable */
        bool seen_without; /* … without the prefix skip_, disable_ or enable_ */
        enum mysql_verdict verdict;
        char *in_force; /* of one that differs */
};

struct mysql_values {
        struct mysql_value *items;
        size_t n;
};

#define MYSQL_VALUES_INIT                                                                                    \
        {                                                                                                    \
                NULL, 0                                                                                      \
        }

/* Is this file one that a server which includes its directory reads? */
bool mysql_values_is_read(const char *name);
/*
 * ERR_REFUSED with the line: no such file, or a setting before any section, for which the server leaves out
 * the whole file without a word.
 */
int mysql_values_check(const char *name, const char *text, struct err *err) MUST_CHECK;
/*
 * The settings of a file, over those of the files before it: those of the server's sections, with `bare` also
 * such that stand before any. name is borrowed.
 */
void mysql_values_add(struct mysql_values *values, const char *name, const char *text, bool bare);
/* A variable of the server. */
void mysql_values_take(struct mysql_values *values, const char *variable, const char *in_force);
/* ERR_MISMATCH naming the first that differs. *unknown: names that the server has no variable for. */
int mysql_values_judge(const struct mysql_values *values, struct buf *unknown, struct err *err) MUST_CHECK;
void mysql_values_done(struct mysql_values *values);
/* wanted as in the file, NULL without a value. Exposed for tests and fuzzing. */
enum mysql_verdict mysql_values_compare(const char *wanted, const char *in_force);
