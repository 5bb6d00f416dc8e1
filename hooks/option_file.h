// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A MySQL option file (my.cnf, or one that it includes) with one part of ours in it, between two comment
 * lines; everything else in it is somebody else's and stays byte for byte. Pure.
 */
#include "base/buf.h"
#include "base/err.h"

#define OPTION_FILE_MAX_BYTES ((size_t)1 << 20)

/*
 * Appends `present` to out with `part` as our part: in the place of the one that is there, else at the end.
 * part is whole lines and begins with a group, "[mysqld]\n…".
 *
 * ERR_PARSE  not such a file, or one that the part would change the meaning of; with the line
 */
int option_file_put(const char *present, const char *part, struct buf *out, struct err *err) MUST_CHECK;

/*
 * Appends "name=value\n", quoted where it has to be.
 *
 * ERR_USAGE  the value cannot be said in such a file
 */
int option_file_add(struct buf *out, const char *name, const char *value, struct err *err) MUST_CHECK;
