// SPDX-License-Identifier: Apache-2.0
/*
 * Option files of a Secret, and what a server says of one of their settings: whatever they hold, the
 * comparison comes to an end, and what a file asks for in the server's own words is never a difference.
 */
#include "hooks/mysql_values.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        AUTO(mem_free_p) char *text = mem_new(len + 1);
        AUTO(buf_done_p) struct buf unknown = BUF_INIT(400);
        struct mysql_values values = MYSQL_VALUES_INIT;
        struct err err = ERR_INIT;

        memcpy(text, data, len);
        if (mysql_values_check("a.cnf", text, &err) != 0)
                assert(err.kind == ERR_REFUSED && err.text[0] != '\0');
        mysql_values_add(&values, "a.cnf", text, true);
        assert(values.n <= MYSQL_VALUES_MAX);
        for (size_t i = 0; i < values.n; i++) {
                AUTO(mem_free_p) char *name = mem_strdup(values.items[i].name);
                AUTO(mem_free_p) char *value = mem_strdup(values.items[i].text);

                mysql_values_take(&values, name, value == NULL ? "ON" : value);
                (void)mysql_values_compare(value, text);
        }
        if (mysql_values_judge(&values, &unknown, &err) != 0)
                assert(err.kind == ERR_MISMATCH);
        for (size_t i = 0; i < values.n; i++)
                assert(values.items[i].text == NULL || values.items[i].verdict != MYSQL_VALUE_DIFFERS);
        mysql_values_done(&values);
        return 0;
}
