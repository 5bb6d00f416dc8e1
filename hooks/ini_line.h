// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The lines of an INI file, one by one. Pure.
 */
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

enum ini_kind { INI_BLANK, INI_COMMENT, INI_SECTION, INI_ENTRY, INI_STRANGE };

struct ini_line {
        enum ini_kind kind;
        const char *start;
        size_t len;       /* with its line end */
        const char *name; /* of a section or key */
        size_t name_len;
        const char *value; /* of an entry */
        size_t value_len;
};

/* Where the first line begins: behind a byte order mark. */
const char *ini_line_first(const char *text);
/* The line at `at`, which is not the end. */
struct ini_line ini_line_parse(const char *at);
/* Case does not count. */
bool ini_line_is_named(const struct ini_line *line, const char *name);
/* ERR_PARSE  a strange line, or an entry before any section, with its number */
int ini_line_check(const char *text, struct err *err) MUST_CHECK;
/* As the first line of the text ends, "\n" when it does not. */
const char *ini_line_end(const char *text);
/* Takes the last line end back. */
void ini_line_unend(struct buf *out);
