// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Texts that must not change unnoticed: tests/golden. UPDATE_GOLDEN=1 writes them anew. For programs that
 * include cmocka.h before and define GOLDEN_DIR.
 */
#include "base/fs.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define GOLDEN_MAX_BYTES ((size_t)256 << 10)

static inline UNUSED void testgolden_compare(const char *name, const char *got)
{
        static const struct fs_attr attr = { 0644, FS_KEEP, (gid_t)FS_KEEP };
        AUTO(mem_free_p) char *path = mem_printf(GOLDEN_DIR "/%s", name);
        AUTO(buf_done_p) struct buf want = BUF_INIT(2 * GOLDEN_MAX_BYTES);
        struct err err;

        if (getenv("UPDATE_GOLDEN") != NULL)
                assert_int_equal(fs_replace(path, got, strlen(got), &attr, &err), 0);
        assert_int_equal(fs_read(path, GOLDEN_MAX_BYTES, &want, &err), 0);
        assert_string_equal(got, buf_str(&want));
}
