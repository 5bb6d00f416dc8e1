// SPDX-License-Identifier: Apache-2.0
/*
 * mssql.conf and what is laid into it, parted by a byte 0: laid twice is laid once, and what is taken out
 * leaves what was there without.
 */
#include "base/mem.h"
#include "hooks/mssql_lay.h"

#include <string.h>

#define MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool lay(const char *present, const char *text, struct buf *out)
{
        const struct custom_text file = { "zz-inline-mssql.conf", text };
        struct err err = ERR_INIT;

        return mssql_lay_render(&file, text == NULL ? 0 : 1, present, out, &err) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        AUTO(buf_done_p) struct buf once = BUF_INIT(MAX), twice = BUF_INIT(MAX);
        AUTO(buf_done_p) struct buf bare = BUF_INIT(MAX), back = BUF_INIT(MAX);
        AUTO(mem_free_p) char *text = mem_new(len + 2);
        const char *custom;

        memcpy(text, data, len);
        custom = text + strlen(text) + (strlen(text) < len ? 1 : 0);
        if (strchr(text, '\r') != NULL || !lay(text, NULL, &bare) || !lay(text, custom, &once))
                return 0;
        if (!lay(buf_str(&once), custom, &twice) || strcmp(buf_str(&once), buf_str(&twice)) != 0)
                abort();
        if (!lay(buf_str(&once), NULL, &back) || strcmp(buf_str(&back), buf_str(&bare)) != 0)
                abort();
        return 0;
}
