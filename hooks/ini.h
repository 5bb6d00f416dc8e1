// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Edits one section of an INI file key by key, as a careful person would: what is not asked for stays byte
 * for byte, with comments, order, blank lines, line ends and a missing last one.
 *
 * Lines are blank, a comment (# or ;), [section], or key = value (also key : value). Names of sections and
 * keys do not depend on case. Readers differ in which of two equal keys counts, so each occurrence is edited,
 * in every section of the name.
 */
#include "base/buf.h"
#include "base/err.h"

struct ini_wish {
        const char *key;
        const char *value; /* one line; NULL: the key is taken out */
        bool keep;         /* a value that is there already stays, when one is wished */
};

#define INI_WISHES_MAX 16

/*
 * `text` with the wishes fulfilled, appended to out. What is missing is added to the first section of the
 * name, behind its last entry; a section that is not there, at the end of the file. A section that loses its
 * last entry here, and has no comment either, goes too.
 *
 * The same wishes over their own result change nothing; taking out what was added to a file without such a
 * section gives the file back.
 *
 * ERR_PARSE  a line that is none of the above, with its number
 * Pure. Fuzzed by tests/fuzz/fuzz_ini.c.
 */
int ini_edit(const char *text, const char *section, const struct ini_wish *wishes, size_t n_wishes,
             struct buf *out, struct err *err) MUST_CHECK;
