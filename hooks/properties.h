// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Java properties, as java.util.Properties reads them, edited key by key. Comments, blank lines, order, line
 * ends and everything that is said of other keys stay byte for byte.
 */
#include "base/buf.h"
#include "base/err.h"

struct properties_change {
        const char *key;   /* of letters, digits, dots: nothing that would need an escape */
        const char *value; /* NULL: the key is to be gone */
};

/*
 * The value in force, appended to out with its escapes undone: of several definitions the last one counts.
 * found is false, and out as it was, when there is none.
 *
 * ERR_PARSE  a \u without four hexadecimal digits, with its line: Java reads no such file
 */
int properties_get(const char *text, const char *key, struct buf *out, bool *found,
                   struct err *err) MUST_CHECK;
/*
 * The text with the changes made, appended to out. A key that has its value already is not touched; the
 * definition in force is replaced where it stands; a key that is not there goes to the end; one that is to be
 * gone goes with all its definitions. Doing it again changes nothing.
 *
 * The same errors, and ERR_LIMIT when out is too small. Pure. Fuzzed by tests/fuzz/fuzz_properties.c.
 */
int properties_apply(const char *text, const struct properties_change *changes, size_t n, struct buf *out,
                     struct err *err) MUST_CHECK;
