// SPDX-License-Identifier: Apache-2.0
/*
 * Java properties edited: what was asked for is in force afterwards, what was said of other keys is still
 * said, in the same order, and doing it again changes nothing.
 */
#include "base/mem.h"
#include "hooks/properties.h"
#include "hooks/properties_entry.h"

#include <string.h>

#define ROOM ((size_t)1 << 20)

static const struct properties_change changes[] = { { "a", "1 \\2" }, { "b", NULL }, { "c", "{\"x\": 1}" } };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
        if (!holds)
                abort();
}

/* Keys and values that no change speaks of. */
static void list_others(const char *text, struct buf *out)
{
        AUTO(properties_entry_done_p) struct properties_entry entry = properties_entry_before(text);
        struct err err = ERR_INIT;

        for (const char *at = text; entry.start != NULL;) {
                bool is_ours = false;

                must(properties_entry_next(text, &at, &entry, &err) == 0);
                for (size_t i = 0; i < ARRAY_LEN(changes); i++)
                        is_ours = is_ours || strcmp(buf_str(&entry.key), changes[i].key) == 0;
                if (entry.start != NULL && !is_ours && entry.key.len > 0)
                        buf_printf(out, "%s\x1f%s\x1e", buf_str(&entry.key), buf_str(&entry.value));
        }
}

static void check(const char *before, const char *after)
{
        AUTO(buf_done_p) struct buf again = BUF_INIT(ROOM);
        AUTO(buf_done_p) struct buf left = BUF_INIT(ROOM);
        AUTO(buf_done_p) struct buf right = BUF_INIT(ROOM);
        struct err err = ERR_INIT;

        must(properties_apply(after, changes, ARRAY_LEN(changes), &again, &err) == 0);
        must(strcmp(buf_str(&again), after) == 0);
        for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
                AUTO(buf_done_p) struct buf value = BUF_INIT(ROOM);
                bool found = false;

                must(properties_get(after, changes[i].key, &value, &found, &err) == 0);
                must(found == (changes[i].value != NULL));
                must(!found || strcmp(buf_str(&value), changes[i].value) == 0);
        }
        list_others(before, &left);
        list_others(after, &right);
        must(strcmp(buf_str(&left), buf_str(&right)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        AUTO(mem_free_p) char *text = mem_printf("%.*s", (int)size, (const char *)data);
        AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);
        struct err err = ERR_INIT;

        if (properties_apply(text, changes, ARRAY_LEN(changes), &out, &err) == 0)
                check(text, buf_str(&out));
        else
                must(err.kind == ERR_PARSE);
        return 0;
}
