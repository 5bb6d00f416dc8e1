// SPDX-License-Identifier: Apache-2.0
/*
 * Settings files of the MySQL family: up to a NUL the file, behind it what is merged into it. The walk covers
 * every byte; a value that was set is found and setting it again changes nothing; the same merge twice
 * changes nothing.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "hooks/cnf.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_walk(const char *text)
{
        struct cnf cnf = CNF_INIT(text);
        size_t len = 0;

        while (cnf_next(&cnf)) {
                if (cnf.line.at != text + len || cnf.line.len == 0)
                        abort();
                len += cnf.line.len;
        }
        if (len != strlen(text))
                abort();
}

static void check_set(const char *text)
{
        AUTO(buf_done_p) struct buf once = BUF_INIT(CONFIG_MAX_BYTES);
        AUTO(buf_done_p) struct buf twice = BUF_INIT(CONFIG_MAX_BYTES);
        struct cnf_text value;

        cnf_set(text, "server", "max_connections", "250", &once);
        if (!cnf_find(buf_str(&once), "server", "max-connections", &value) || !cnf_is(value, "250"))
                abort();
        cnf_set(buf_str(&once), "server", "max_connections", "250", &twice);
        if (strcmp(buf_str(&once), buf_str(&twice)) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        AUTO(mem_free_p) char *copy = mem_new(len + 2); /* two NULs at its end */
        AUTO(buf_done_p) struct buf once = BUF_INIT(CONFIG_MAX_BYTES);
        AUTO(buf_done_p) struct buf twice = BUF_INIT(CONFIG_MAX_BYTES);
        struct err err = ERR_INIT;
        const char *patch;

        memcpy(copy, data, len);
        patch = copy + strlen(copy) + 1;
        check_walk(copy);
        if (cnf_check(copy, &err) == -1 || cnf_check(patch, &err) == -1)
                return 0;
        check_set(copy);
        cnf_merge(copy, patch, "server", &once);
        cnf_merge(buf_str(&once), patch, "server", &twice);
        if (!once.overflow && strcmp(buf_str(&once), buf_str(&twice)) != 0)
                abort();
        return 0;
}
