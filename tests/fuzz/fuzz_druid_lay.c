// SPDX-License-Identifier: Apache-2.0
/*
 * Configuration laid into a node's file: twice comes to the same, and taken out it is as if it had never
 * been. Input: what stands there, a byte 1, what is laid in.
 */
#include "base/mem.h"
#include "hooks/druid_lay.h"

#include <string.h>

#define ROOM ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AUTO(mem_free_p) char *text = mem_printf("%.*s", (int)size, (const char *)data);
        char *middle = strchrnul(text, 1);
        const struct hook_settings settings = { .druid.client_extension = true };
        const struct druid druid = { .database.settings = &settings, .role = druid_role_find("routers") };
        struct custom_text file = { "common.runtime.properties", *middle == 1 ? middle + 1 : "" };
        AUTO(buf_done_p) struct buf once = BUF_INIT(ROOM);
        AUTO(buf_done_p) struct buf twice = BUF_INIT(ROOM);
        AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);
        struct err err = ERR_INIT;
        const bool had_one = strstr(text, "# certrotate") != NULL && strstr(text, "# certrotate") < middle;

        *middle = '\0';
        if (druid_lay_render(&druid, 0, &file, 1, text, &once, &err) != 0)
                return 0;
        if (druid_lay_render(&druid, 0, &file, 1, buf_str(&once), &twice, &err) != 0 ||
            strcmp(buf_str(&once), buf_str(&twice)) != 0 ||
            druid_lay_render(&druid, 0, &file, 0, buf_str(&once), &out, &err) != 0)
                abort();
        /* With TLS on, the list of extensions may have got ours meanwhile. */
        if (!had_one && strstr(text, "enable") == NULL && strcmp(buf_str(&out), text) != 0)
                abort();
        return 0;
}
