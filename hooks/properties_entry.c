// SPDX-License-Identifier: Apache-2.0
/*
 * Two layers, as in Java: natural lines become logical ones (an odd number of backslashes at the end of a
 * line continues it, white space at the start of the next is dropped, a comment is never continued), then a
 * logical line is split into key and value and their escapes are undone.
 */
#include "hooks/properties_entry.h"

#include <string.h>

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\f';
}

bool properties_entry_is_end(char c)
{
        return c == '\n' || c == '\r';
}

static const char *skip_blanks(const char *at)
{
        while (is_blank(*at))
                at++;
        return at;
}

const char *properties_entry_skip_end(const char *at)
{
        if (at[0] == '\r' && at[1] == '\n')
                return at + 2;
        return *at == '\0' ? at : at + 1;
}

/* The first character of the next logical line; its natural line starts at *line. NULL at the end. */
static const char *find_start(const char *at, const char **line)
{
        for (;;) {
                const char *first = skip_blanks(at);

                *line = at;
                if (*first == '\0')
                        return NULL;
                if (*first == '#' || *first == '!')
                        first += strcspn(first, "\r\n");
                else if (!properties_entry_is_end(*first))
                        return first;
                at = properties_entry_skip_end(first);
        }
}

static void drop_last(struct buf *text)
{
        text->data[--text->len] = '\0';
}

/* Where a continued line goes on, behind its line end. When nothing of it was read yet (a line of nothing but
 * a backslash) what follows may be a comment or blank, as if it were the first. */
static const char *go_on(const char *at, bool is_empty)
{
        const char *line;
        const char *first;

        if (!is_empty)
                return skip_blanks(at);
        first = find_start(at, &line);
        return first != NULL ? first : line + strlen(line);
}

/* Joins the logical line that begins at `at` into out; returns what is behind it. */
static const char *join(const char *at, struct buf *out, bool *is_open)
{
        bool escaped = false;
        bool continued = false;

        while (*at != '\0') {
                if (!properties_entry_is_end(*at)) {
                        buf_add_char(out, *at);
                        escaped = *at++ == '\\' && !escaped;
                        continued = false;
                } else if (escaped) {
                        drop_last(out);
                        at = go_on(properties_entry_skip_end(at), out->len == 0);
                        escaped = false;
                        continued = true;
                } else {
                        return properties_entry_skip_end(at);
                }
        }
        if (escaped)
                drop_last(out);
        *is_open = escaped || continued;
        return at;
}

static int hex_digit(char c)
{
        static const char digits[] = "0123456789abcdef";
        const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);

        return found == NULL ? -1 : (int)(found - digits);
}

static int parse_unicode(const char *text, size_t len, uint32_t *out)
{
        uint32_t unit = 0;

        if (len < 4)
                return -1;
        for (size_t i = 0; i < 4; i++) {
                int digit = hex_digit(text[i]);

                if (digit < 0)
                        return -1;
                unit = unit << 4 | (uint32_t)digit;
        }
        *out = unit;
        return 0;
}

/* Java's text has units of 16 bits; halves of a pair, and NUL, cannot stand alone in ours. */
static void add_unicode(struct buf *out, uint32_t unit)
{
        if (unit == 0 || (unit >= 0xd800 && unit <= 0xdfff))
                unit = 0xfffd;
        if (unit < 0x80) {
                buf_add_char(out, (char)unit);
                return;
        }
        if (unit < 0x800) {
                buf_add_char(out, (char)(0xc0 | unit >> 6));
        } else {
                buf_add_char(out, (char)(0xe0 | unit >> 12));
                buf_add_char(out, (char)(0x80 | (unit >> 6 & 0x3f)));
        }
        buf_add_char(out, (char)(0x80 | (unit & 0x3f)));
}

static char unescape(char c)
{
        switch (c) {
        case 't':
                return '\t';
        case 'r':
                return '\r';
        case 'n':
                return '\n';
        case 'f':
                return '\f';
        default:
                return c;
        }
}

static int add_unescaped(const char *text, size_t len, struct buf *out)
{
        for (size_t i = 0; i < len; i++) {
                uint32_t unit;

                if (text[i] != '\\' || i + 1 == len) {
                        buf_add_char(out, text[i]);
                        continue;
                }
                i++;
                if (text[i] != 'u') {
                        buf_add_char(out, unescape(text[i]));
                        continue;
                }
                if (parse_unicode(text + i + 1, len - i - 1, &unit) != 0)
                        return -1;
                add_unicode(out, unit);
                i += 4;
        }
        return 0;
}

/* A logical line into key and value. */
static int split(const struct buf *line, struct properties_entry *entry)
{
        const char *text = buf_str(line);
        bool escaped = false;
        size_t key = 0;
        size_t value;

        while (key < line->len &&
               (escaped || (!is_blank(text[key]) && text[key] != '=' && text[key] != ':'))) {
                escaped = text[key] == '\\' && !escaped;
                key++;
        }
        for (value = key; value < line->len && is_blank(text[value]);)
                value++;
        if (value < line->len && (text[value] == '=' || text[value] == ':'))
                for (value++; value < line->len && is_blank(text[value]);)
                        value++;
        if (add_unescaped(text, key, &entry->key) != 0)
                return -1;
        return add_unescaped(text + value, line->len - value, &entry->value);
}

static int line_number(const char *text, const char *at)
{
        int n = 1;

        while (text < at) {
                if (properties_entry_is_end(*text)) {
                        n++;
                        text = properties_entry_skip_end(text);
                } else {
                        text++;
                }
        }
        return n;
}

void properties_entry_done(struct properties_entry *entry)
{
        buf_done(&entry->key);
        buf_done(&entry->value);
}

struct properties_entry properties_entry_before(const char *text)
{
        return (struct properties_entry){ .start = text, .max = strlen(text) + 1 };
}

int properties_entry_next(const char *text, const char **at, struct properties_entry *entry, struct err *err)
{
        AUTO(buf_done_p) struct buf line = BUF_INIT(entry->max);
        const char *first = find_start(*at, &entry->start);

        properties_entry_done(entry);
        entry->key = (struct buf)BUF_INIT(entry->max);
        entry->value = (struct buf)BUF_INIT(entry->max);
        if (first == NULL) {
                entry->start = NULL;
                return 0;
        }
        entry->is_open = false;
        entry->end = join(first, &line, &entry->is_open);
        if (split(&line, entry) != 0)
                return err_set(err, ERR_PARSE,
                               "line %d: a \\u without four hexadecimal digits: Java reads no such file",
                               line_number(text, entry->start));
        *at = entry->end;
        if (line.len == 0) { /* a backslash and the end of the text: no entry, and nothing to swallow more */
                entry->start = NULL;
                entry->is_open = false;
        }
        return 0;
}
