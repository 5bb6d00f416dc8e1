// SPDX-License-Identifier: Apache-2.0
/*
 * A name, a file and what is merged into it, by lines of three hyphens: what comes out is the same when it is
 * done once more, and no line of present that is a comment is lost.
 */
#include "base/mem.h"
#include "control/files.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static const char *const names[] = { "a.cnf",     "mssql.conf", "common.runtime.properties",
                                             "user.conf", "redis.conf", "brokers.jvm.config" };
        AUTO(mem_free_p) char *present = mem_new(len + 1);
        AUTO(mem_free_p) char *once = NULL;
        AUTO(mem_free_p) char *twice = NULL;
        struct err err;
        char *fresh;

        memcpy(present, data, len);
        fresh = strstr(present, "---\n");
        if (fresh == NULL || strlen(present) != len)
                return 0;
        *fresh = '\0';
        fresh += 4;
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                mem_free(once);
                mem_free(twice);
                once = twice = NULL;
                assert(files_merge(names[i], present, fresh, &once, &err) == 0 || err.kind == ERR_LIMIT);
                if (once == NULL || strspn(present, " \t\r\n") == strlen(present))
                        continue;
                assert(files_merge(names[i], once, fresh, &twice, &err) == 0 || err.kind == ERR_LIMIT);
                assert(twice == NULL || strcmp(once, twice) == 0);
        }
        return 0;
}
