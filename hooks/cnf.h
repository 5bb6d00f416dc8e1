// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Settings files of the MySQL family: sections in brackets, `key = value` lines, comments. What is not
 * changed stays byte for byte. Dash and underscore are the same in a key. Pure.
 */
#include "base/buf.h"
#include "base/err.h"

#define CNF_ENTRIES_MAX 1024

struct cnf_text {
        const char *at; /* NULL: none; not NUL-terminated */
        size_t len;
};

enum cnf_kind { CNF_OTHER /* blank, comment, !include */, CNF_SECTION, CNF_ENTRY };

/* A walk over the lines of a text, which must stay. */
struct cnf {
        const char *rest;
        int number; /* of the line */
        enum cnf_kind kind;
        struct cnf_text line;    /* with its end */
        struct cnf_text section; /* that the line stands in (or opens); at NULL: before any */
        struct cnf_text key;     /* of an entry, without blanks around */
        struct cnf_text value;   /* without blanks around; of an entry without '=' empty, behind the key */
};

#define CNF_INIT(text)                                                                                       \
        {                                                                                                    \
                .rest = (text)                                                                               \
        }

/* False at the end. A broken line is CNF_OTHER here. */
bool cnf_next(struct cnf *cnf);
bool cnf_is(struct cnf_text text, const char *word);
bool cnf_is_key(struct cnf_text key, const char *word);

/* ERR_PARSE with the line: a section without end, a line without key. ERR_LIMIT CNF_ENTRIES_MAX. */
int cnf_check(const char *text, struct err *err) MUST_CHECK;
/* The last value of the key, which is the one in force. */
bool cnf_find(const char *text, const char *section, const char *key, struct cnf_text *out);

/*
 * text with the key set in the section, appended to out. A key that is there keeps its place and its manner
 * of writing, a new one goes to the end of the section, a new section to the end of the file. Once more over
 * the result changes nothing.
 */
void cnf_set(const char *text, const char *section, const char *key, const char *value, struct buf *out);
/*
 * Every entry of patch set in text, section by section; those before any section go into `section`. What text
 * has beside them stays.
 */
void cnf_merge(const char *text, const char *patch, const char *section, struct buf *out);
