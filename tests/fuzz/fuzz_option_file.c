// SPDX-License-Identifier: Apache-2.0
/*
 * Option files with a part of ours: what is refused is left alone and has a line; what is not holds the part
 * once, everything else byte for byte, and the same again changes nothing.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "hooks/option_file.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char part[] = "[mysqld]\nssl_ca=/x\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        AUTO(mem_free_p) char *present = mem_new(len + 1);
        AUTO(buf_done_p) struct buf once = BUF_INIT(CONFIG_MAX_BYTES);
        AUTO(buf_done_p) struct buf twice = BUF_INIT(CONFIG_MAX_BYTES);
        struct err err = ERR_INIT;
        const char *begin;
        size_t before;

        memcpy(present, data, len);
        if (option_file_put(present, part, &once, &err) == -1) {
                assert(err.kind == ERR_PARSE && strncmp(err.text, "line ", 5) == 0 && once.len == 0);
                return 0;
        }
        assert(option_file_put(buf_str(&once), part, &twice, &err) == 0);
        assert(strcmp(buf_str(&once), buf_str(&twice)) == 0);
        begin = strstr(buf_str(&once), "# certrotate: begin, written");
        assert(begin != NULL && strstr(begin, part) != NULL);
        before = (size_t)(begin - buf_str(&once));
        assert(before > strlen(present) || strncmp(buf_str(&once), present, before) == 0);
        return 0;
}
