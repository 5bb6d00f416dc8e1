// SPDX-License-Identifier: Apache-2.0
/*
 * Editing in two walks: the first finds which definition of a key is in force, the second copies and
 * rewrites.
 *
 * The trap is the end of the text: a last line that ends in a backslash would swallow what is appended.
 */
#include "hooks/properties.h"

#include "base/mem.h"
#include "hooks/properties_entry.h"

#include <string.h>

static bool is_key(const struct properties_entry *entry, const char *key)
{
        return strcmp(buf_str(&entry->key), key) == 0;
}

int properties_get(const char *text, const char *key, struct buf *out, bool *found, struct err *err)
{
        AUTO(properties_entry_done_p) struct properties_entry entry = properties_entry_before(text);
        AUTO(buf_done_p) struct buf value = BUF_INIT(entry.max);
        bool is_there = false;

        for (const char *at = text; entry.start != NULL;) {
                if (properties_entry_next(text, &at, &entry, err) != 0)
                        return -1;
                if (entry.start == NULL || !is_key(&entry, key))
                        continue;
                is_there = true;
                buf_reset(&value);
                buf_add(&value, buf_str(&entry.value), entry.value.len);
        }
        *found = is_there;
        buf_add(out, buf_str(&value), value.len);
        return out->overflow ? err_set(err, ERR_LIMIT, "the value of %s is too long", key) : 0;
}

/* What a change is to do where. */
struct target {
        const char *line; /* where the definition in force stands; NULL: nowhere */
        bool is_right;    /* it has the value already */
};

static int find_targets(const char *text, const struct properties_change *changes, size_t n,
                        struct target *targets, bool *is_open, struct err *err)
{
        AUTO(properties_entry_done_p) struct properties_entry entry = properties_entry_before(text);

        for (const char *at = text; entry.start != NULL;) {
                if (properties_entry_next(text, &at, &entry, err) != 0)
                        return -1;
                for (size_t i = 0; entry.start != NULL && i < n; i++) {
                        if (!is_key(&entry, changes[i].key))
                                continue;
                        targets[i].line = entry.start;
                        targets[i].is_right = changes[i].value != NULL &&
                                              strcmp(buf_str(&entry.value), changes[i].value) == 0;
                }
                *is_open = entry.is_open;
        }
        return 0;
}

static void add_value(const char *value, struct buf *out)
{
        for (const char *p = value; *p != '\0'; p++) {
                const uint8_t c = (uint8_t)*p;

                if (c == '\\' || (p == value && c == ' '))
                        buf_printf(out, "\\%c", c);
                else if (c < 0x20 || c == 0x7f)
                        buf_printf(out, "\\u%04x", c);
                else
                        buf_add_char(out, *p);
        }
}

static void add_entry(const struct properties_change *change, const char *line_end, size_t end_len,
                      struct buf *out)
{
        buf_printf(out, "%s=", change->key);
        add_value(change->value, out);
        buf_add(out, line_end, end_len);
}

/* The line end at the end of an entry: of 0, 1 or 2 bytes. */
static size_t end_len(const struct properties_entry *entry)
{
        size_t len = (size_t)(entry->end - entry->start);

        if (len > 0 && entry->end[-1] == '\r')
                return 1;
        if (len == 0 || entry->end[-1] != '\n')
                return 0;
        return len > 1 && entry->end[-2] == '\r' ? 2 : 1;
}

/* An entry as it is to be. */
static void rewrite(const struct properties_entry *entry, const struct properties_change *changes, size_t n,
                    const struct target *targets, struct buf *out)
{
        for (size_t i = 0; i < n; i++) {
                if (!is_key(entry, changes[i].key))
                        continue;
                if (changes[i].value == NULL)
                        return;
                if (targets[i].line != entry->start || targets[i].is_right)
                        break;
                add_entry(&changes[i], entry->end - end_len(entry), end_len(entry), out);
                return;
        }
        buf_add(out, entry->start, (size_t)(entry->end - entry->start));
}

/* The one that the text has; behind a lone \r a \n would only be the rest of it. */
static const char *choose_line_end(const char *text)
{
        const char *first = text + strcspn(text, "\r\n");

        if (*text != '\0' && text[strlen(text) - 1] == '\r')
                return "\r";
        if (*first == '\0' || *first == '\n')
                return "\n";
        return first[1] == '\n' ? "\r\n" : "\r";
}

static void append_missing(const char *text, const struct properties_change *changes, size_t n,
                           const struct target *targets, bool is_open, struct buf *out)
{
        const char *line_end = choose_line_end(text);
        const size_t len = strlen(line_end);

        for (size_t i = 0; i < n; i++) {
                if (changes[i].value == NULL || targets[i].line != NULL)
                        continue;
                if (out->len > 0 && !properties_entry_is_end((char)out->data[out->len - 1]))
                        buf_add(out, line_end, len);
                if (is_open)
                        buf_add(out, line_end, len); /* an empty line ends what was to be continued */
                is_open = false;
                add_entry(&changes[i], line_end, len, out);
        }
}

int properties_apply(const char *text, const struct properties_change *changes, size_t n, struct buf *out,
                     struct err *err)
{
        AUTO(properties_entry_done_p) struct properties_entry entry = properties_entry_before(text);
        AUTO(mem_free_p) struct target *targets = mem_array(n, sizeof(*targets));
        const char *copied = text;
        bool is_open = false;

        if (find_targets(text, changes, n, targets, &is_open, err) != 0)
                return -1;
        for (const char *at = text; entry.start != NULL;) {
                if (properties_entry_next(text, &at, &entry, err) != 0)
                        return -1;
                if (entry.start == NULL)
                        break;
                buf_add(out, copied, (size_t)(entry.start - copied));
                rewrite(&entry, changes, n, targets, out);
                copied = entry.end;
        }
        buf_add_str(out, copied);
        append_missing(text, changes, n, targets, is_open, out);
        return out->overflow
                       ? err_set(err, ERR_LIMIT, "the settings would be larger than %zu bytes", out->max)
                       : 0;
}
