// SPDX-License-Identifier: Apache-2.0
/*
 * The INI editor: the first byte picks the wishes, the rest is the file. What was edited is an INI file, and
 * the same wishes change it no more; lines of other sections are still there, in their order.
 */
#include "base/mem.h"
#include "hooks/ini.h"

#include <string.h>

#define MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static const char *const values[] = { NULL, "1", "/var/opt/mssql/tls/server.crt", "" };
        AUTO(buf_done_p) struct buf once = BUF_INIT(MAX);
        AUTO(buf_done_p) struct buf twice = BUF_INIT(MAX);
        AUTO(mem_free_p) char *text = NULL;
        struct ini_wish wishes[] = { { .key = "a" }, { .key = "tlscert" }, { .key = "b" } };
        struct err err = ERR_INIT;

        if (len == 0)
                return 0;
        for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
                wishes[i].value = values[data[0] >> (2 * i) & 3];
                wishes[i].keep = (data[0] & 0x80) != 0;
        }
        text = mem_new(len);
        memcpy(text, data + 1, len - 1);
        if (ini_edit(text, "network", wishes, ARRAY_LEN(wishes), &once, &err) == -1) {
                if (once.len != 0 || err.kind != ERR_PARSE)
                        abort();
                return 0;
        }
        if (ini_edit(buf_str(&once), "network", wishes, ARRAY_LEN(wishes), &twice, &err) == -1)
                abort();
        if (strcmp(buf_str(&once), buf_str(&twice)) != 0)
                abort();
        return 0;
}
