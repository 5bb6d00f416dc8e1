// SPDX-License-Identifier: Apache-2.0
/*
 * The configuration: text to tree to struct, and what is printed reads back to the same print.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        AUTO(config_free_p) struct config *config = NULL;
        AUTO(config_free_p) struct config *again = NULL;
        AUTO(buf_done_p) struct buf first = BUF_INIT(8 * CONFIG_MAX_BYTES);
        AUTO(buf_done_p) struct buf second = BUF_INIT(8 * CONFIG_MAX_BYTES);
        struct err err = ERR_INIT;

        if (config_parse("f", (const char *)data, len, NULL, &config, &err) != 0)
                return 0;
        config_print(config, &first);
        if (config_parse("again", buf_str(&first), first.len, NULL, &again, &err) != 0) {
                (void)fprintf(stderr, "%s\n%s", err.text, buf_str(&first));
                abort();
        }
        config_print(again, &second);
        if (strcmp(buf_str(&first), buf_str(&second)) != 0)
                abort();
        return 0;
}
