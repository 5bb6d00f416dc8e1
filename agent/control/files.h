// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A database's own configuration: files of a Secret that users name, and files written into requests,
 * rendered into one Secret that agents read. Inline files are prefixed so that they are read last; where an
 * engine reads files of certain names only (mssql.conf, redis.conf, Druid's), its driver lays zz-inline-X
 * over X (hook->custom_lay). Pure. Fuzzed by tests/fuzz/fuzz_files.c.
 */
#include "base/hex.h"
#include "base/json.h"
#include "control/kinds.h"
#include "hooks/hook.h"

#define FILES_INLINE_PREFIX CUSTOM_INLINE
#define FILES_MAX           64
#define FILES_MAX_BYTES     ((size_t)512 << 10) /* of all together: half of what a Secret holds */
#define FILES_MAX_LINES     4096                /* of one that is merged */

/*
 * present  files as rendered before, an object of name -> text; NULL: none
 * secret   files of the Secret that configSecret names, likewise; NULL: the request names none, and the files
 *          that came from an earlier one stay
 * section  a ReconfigurationSpec (configSecret, applyConfig, removeCustomConfig, restart)
 * out      files as they are to be rendered, sorted by name
 *
 * applyConfig is merged per file, then per key (files_merge); a file that was not there is taken as it is.
 * removeCustomConfig drops all that was before. A *.cnf with settings before any section, which no engine
 * reads, gets the section of its engine in front.
 *
 * ERR_USAGE    a file name that this kind has not, a file that is no text, nothing asked for
 * ERR_MISSING  configSecret is named and `secret` is NULL
 * ERR_LIMIT
 */
int files_render(const struct kind *kind, const cJSON *present, const cJSON *secret, const cJSON *section,
                 cJSON **out, struct err *err) MUST_CHECK;
/*
 * One file: `fresh` over `present`, in the manner of files of that name (with or without the prefix). A key
 * that fresh has takes the place of all its lines in present, within its section; others go to the end of
 * theirs. Lines before any section belong to the first one of present. Comments and lines that are no setting
 * stay. Of *.jvm.config a line is its own key and the last one counts, so what is in fresh goes to the end.
 * Once more over the result changes nothing. out: mem_free.
 *
 * ERR_LIMIT  more than FILES_MAX_LINES lines
 */
int files_merge(const char *name, const char *present, const char *fresh, char **out,
                struct err *err) MUST_CHECK;
/*
 * Two texts of applyConfig for one file, one after the other, as one. out: mem_free. ERR_LIMIT.
 */
int files_join(const struct kind *kind, const char *name, const char *first, const char *second, char **out,
               struct err *err) MUST_CHECK;
/* SHA-256 over name, NUL, text, NUL of each file by name: what a plan asks for. Agents compute the same. */
void files_fingerprint(const cJSON *files, struct fingerprint *out);
/* May this kind have such a file? */
bool files_is_name(const struct kind *kind, const char *name);
