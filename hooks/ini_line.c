// SPDX-License-Identifier: Apache-2.0
#include "hooks/ini_line.h"

#include <string.h>

#define BLANKS " \t\v\f\r"

static size_t trimmed(const char *text, size_t len)
{
        while (len > 0 && strchr(BLANKS "\n", text[len - 1]) != NULL)
                len--;
        return len;
}

/* [name], behind it nothing but a comment. */
static bool parse_section(const char *text, size_t len, struct ini_line *line)
{
        const char *end = memchr(text, ']', len);
        size_t behind;

        if (end == NULL)
                return false;
        line->name = text + 1 + strspn(text + 1, BLANKS);
        if (line->name >= end)
                return false;
        line->name_len = trimmed(line->name, (size_t)(end - line->name));
        behind = (size_t)(end - text) + 1;
        behind += strspn(text + behind, BLANKS);
        return line->name_len > 0 && (behind >= len || text[behind] == '#' || text[behind] == ';');
}

static bool parse_entry(const char *text, size_t len, struct ini_line *line)
{
        size_t separator = 0;

        while (separator < len && text[separator] != '=' && text[separator] != ':')
                separator++;
        line->name = text;
        line->name_len = trimmed(text, separator);
        if (separator == len || line->name_len == 0)
                return false;
        line->value = text + separator + 1;
        while (line->value < text + len && strchr(BLANKS, *line->value) != NULL)
                line->value++;
        line->value_len = trimmed(line->value, (size_t)(text + len - line->value));
        return true;
}

struct ini_line ini_line_parse(const char *at)
{
        struct ini_line line = { .start = at, .len = strcspn(at, "\n") };
        const char *text = at + strspn(at, BLANKS);
        size_t len;

        if (at[line.len] == '\n')
                line.len++;
        len = text < at + line.len ? trimmed(text, (size_t)(at + line.len - text)) : 0;
        if (len == 0)
                line.kind = INI_BLANK;
        else if (*text == '#' || *text == ';')
                line.kind = INI_COMMENT;
        else if (*text == '[')
                line.kind = parse_section(text, len, &line) ? INI_SECTION : INI_STRANGE;
        else
                line.kind = parse_entry(text, len, &line) ? INI_ENTRY : INI_STRANGE;
        return line;
}

bool ini_line_is_named(const struct ini_line *line, const char *name)
{
        return line->name_len == strlen(name) && strncasecmp(line->name, name, line->name_len) == 0;
}

const char *ini_line_first(const char *text)
{
        return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

static int refuse(const struct ini_line *line, size_t number, bool inside, struct err *err)
{
        int shown = (int)trimmed(line->start, line->len);

        if (shown > 60)
                shown = 60;
        if (line->kind == INI_ENTRY && !inside)
                return err_set(err, ERR_PARSE, "line %zu: '%.*s' stands before any [section]", number, shown,
                               line->start);
        return err_set(err, ERR_PARSE,
                       "line %zu: '%.*s' is neither [section], nor key = value, nor a comment", number, shown,
                       line->start);
}

int ini_line_check(const char *text, struct err *err)
{
        bool inside = false; /* some section */
        size_t number = 0;
        struct ini_line line;

        for (const char *at = ini_line_first(text); *at != '\0'; at += line.len) {
                line = ini_line_parse(at);
                number++;
                if (line.kind == INI_STRANGE || (line.kind == INI_ENTRY && !inside))
                        return refuse(&line, number, inside, err);
                inside = inside || line.kind == INI_SECTION;
        }
        return 0;
}

const char *ini_line_end(const char *text)
{
        size_t len = strcspn(text, "\n");

        return len > 0 && text[len] == '\n' && text[len - 1] == '\r' ? "\r\n" : "\n";
}

void ini_line_unend(struct buf *out)
{
        if (out->len > 0 && out->data[out->len - 1] == '\n')
                out->data[--out->len] = '\0';
        if (out->len > 0 && out->data[out->len - 1] == '\r')
                out->data[--out->len] = '\0';
}
