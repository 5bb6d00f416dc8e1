// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A server's own configuration, laid into the one file that it reads: mssql.conf, in which certrotate's own
 * keys of TLS stand too. Of the files mssql.conf and zz-inline-mssql.conf each key of the second goes over
 * the first's. What stood there, and what did not, is said by a comment above each line that is laid:
 *
 *   [memory]
 *   # certrotate adds this section         it goes with its last line
 *   # certrotate adds: memorylimitmb       the next line goes
 *   memorylimitmb = 4096
 *   [language]
 *   # certrotate keeps: lcid = 1033        it comes back in place of the next line
 *   lcid = 1031
 *
 * so that it is taken out again byte for byte, and nothing else has to be remembered. Whoever edits a line
 * that was laid loses it. Pure. Fuzzed by tests/fuzz/fuzz_mssql_lay.c.
 */
#include "hooks/hook.h"

#define MSSQL_LAY_MAX 256 /* settings of one file */

/*
 * One of these files. ERR_REFUSED: another name, a line that is no INI file's, a key that switches TLS, more
 * than MSSQL_LAY_MAX settings.
 */
int mssql_lay_check(const char *name, const char *text, struct err *err) MUST_CHECK;
/* As hook->custom_lay. */
int mssql_lay_render(const struct custom_text *files, size_t n, const char *present, struct buf *out,
                     struct err *err) MUST_CHECK;
