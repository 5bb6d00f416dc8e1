// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The entries of a text of Java properties, one after the other.
 */
#include "base/buf.h"
#include "base/err.h"

struct properties_entry {
        size_t max;        /* bytes of a key or value: no more than the text has */
        const char *start; /* of the line that it begins on */
        const char *end;   /* behind its line end */
        bool is_open;      /* it was still to be continued when the text ended */
        struct buf key;    /* with escapes undone */
        struct buf value;
};

/* The state before the first entry of a text. */
struct properties_entry properties_entry_before(const char *text);
/*
 * The entry at or behind *at, which moves behind it; start is NULL when there is none any more.
 * ERR_PARSE  a \u without four hexadecimal digits, with its line in `text`
 */
int properties_entry_next(const char *text, const char **at, struct properties_entry *entry,
                          struct err *err) MUST_CHECK;
void properties_entry_done(struct properties_entry *entry);
static inline UNUSED void properties_entry_done_p(struct properties_entry *entry)
{
        properties_entry_done(entry);
}

/* \n, \r, or \r\n, which is one. */
bool properties_entry_is_end(char c);
const char *properties_entry_skip_end(const char *at);
