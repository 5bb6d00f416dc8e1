// SPDX-License-Identifier: Apache-2.0
/*
 * Two walks over the lines: the first refuses what is no INI file and notes what is there, the second copies
 * and edits. Nothing is written before the first has come to the end.
 */
#include "hooks/ini.h"

#include <assert.h>
#include <string.h>

#define BLANKS " \t\v\f\r"

enum kind { LINE_BLANK, LINE_COMMENT, LINE_SECTION, LINE_ENTRY, LINE_STRANGE };

struct line {
        enum kind kind;
        const char *start;
        size_t len;       /* with its line end */
        const char *name; /* of a section or key */
        size_t name_len;
        const char *value; /* of an entry */
        size_t value_len;
};

struct edit {
        const char *section;
        const struct ini_wish *wishes;
        size_t n_wishes;
        const char *eol;    /* as the file's first line ends */
        const char *behind; /* where missing keys go; NULL: there is no such section */
        unsigned found;     /* a bit for each wish whose key is there */
        bool adds;          /* some wish has a value and no key */
};

static size_t trimmed(const char *text, size_t len)
{
        while (len > 0 && strchr(BLANKS "\n", text[len - 1]) != NULL)
                len--;
        return len;
}

/* [name], behind it nothing but a comment. */
static bool parse_section(const char *text, size_t len, struct line *line)
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

static bool parse_entry(const char *text, size_t len, struct line *line)
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

/* The line at `at`, which is not the end. */
static struct line parse_line(const char *at)
{
        struct line line = { .start = at, .len = strcspn(at, "\n") };
        const char *text = at + strspn(at, BLANKS);
        size_t len;

        if (at[line.len] == '\n')
                line.len++;
        len = text < at + line.len ? trimmed(text, (size_t)(at + line.len - text)) : 0;
        if (len == 0)
                line.kind = LINE_BLANK;
        else if (*text == '#' || *text == ';')
                line.kind = LINE_COMMENT;
        else if (*text == '[')
                line.kind = parse_section(text, len, &line) ? LINE_SECTION : LINE_STRANGE;
        else
                line.kind = parse_entry(text, len, &line) ? LINE_ENTRY : LINE_STRANGE;
        return line;
}

static bool is_named(const struct line *line, const char *name)
{
        return line->name_len == strlen(name) && strncasecmp(line->name, name, line->name_len) == 0;
}

/* The wish for this entry, n_wishes when there is none. */
static size_t wish_of(const struct edit *edit, const struct line *line)
{
        size_t i = 0;

        while (i < edit->n_wishes && !is_named(line, edit->wishes[i].key))
                i++;
        return i;
}

static bool goes(const struct edit *edit, const struct line *line)
{
        size_t i = wish_of(edit, line);

        return i < edit->n_wishes && edit->wishes[i].value == NULL;
}

static const char *first_line(const char *text)
{
        return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

static int refuse(const struct line *line, size_t number, bool inside, struct err *err)
{
        int shown = (int)trimmed(line->start, line->len);

        if (shown > 60)
                shown = 60;
        if (line->kind == LINE_ENTRY && !inside)
                return err_set(err, ERR_PARSE, "line %zu: '%.*s' stands before any [section]", number, shown,
                               line->start);
        return err_set(err, ERR_PARSE,
                       "line %zu: '%.*s' is neither [section], nor key = value, nor a comment", number, shown,
                       line->start);
}

static int survey(const char *text, struct edit *edit, struct err *err)
{
        bool inside = false; /* some section */
        bool ours = false;   /* the first one of the name */
        bool named = false;
        size_t number = 0;
        struct line line;

        for (const char *at = first_line(text); *at != '\0'; at += line.len) {
                line = parse_line(at);
                number++;
                if (line.kind == LINE_STRANGE || (line.kind == LINE_ENTRY && !inside))
                        return refuse(&line, number, inside, err);
                if (line.kind == LINE_SECTION) {
                        inside = true;
                        named = is_named(&line, edit->section);
                        ours = named && edit->behind == NULL;
                }
                if (ours && line.kind != LINE_BLANK && line.kind != LINE_COMMENT)
                        edit->behind = line.start + line.len;
                if (named && line.kind == LINE_ENTRY && wish_of(edit, &line) < edit->n_wishes)
                        edit->found |= 1u << wish_of(edit, &line);
        }
        for (size_t i = 0; i < edit->n_wishes; i++)
                edit->adds = edit->adds || (edit->wishes[i].value != NULL && !(edit->found & 1u << i));
        return 0;
}

/* Would the section that begins here be left without entry and comment, having had an entry? */
static bool is_emptied(const struct edit *edit, const struct line *header)
{
        bool had = false;
        struct line line;

        if (edit->adds && edit->behind != NULL)
                return false;
        for (const char *at = header->start + header->len; *at != '\0'; at += line.len) {
                line = parse_line(at);
                if (line.kind == LINE_SECTION)
                        break;
                if (line.kind == LINE_COMMENT || (line.kind == LINE_ENTRY && !goes(edit, &line)))
                        return false;
                had = had || line.kind == LINE_ENTRY;
        }
        return had;
}

/* A file without a last line end gets none by us. */
static void add_missing(const struct edit *edit, bool ends, struct buf *out)
{
        bool first = true;

        for (size_t i = 0; i < edit->n_wishes; i++) {
                if (edit->wishes[i].value == NULL || (edit->found & 1u << i))
                        continue;
                if (!first || !ends)
                        buf_add_str(out, edit->eol);
                buf_printf(out, "%s = %s", edit->wishes[i].key, edit->wishes[i].value);
                first = false;
        }
        if (ends)
                buf_add_str(out, edit->eol);
}

static void copy_entry(const struct edit *edit, const struct line *line, struct buf *out)
{
        size_t i = wish_of(edit, line);
        const char *end = line->start + line->len;

        if (goes(edit, line))
                return;
        if (i == edit->n_wishes || edit->wishes[i].keep) {
                buf_add(out, line->start, line->len);
                return;
        }
        buf_add(out, line->start, (size_t)(line->value - line->start));
        buf_add_str(out, edit->wishes[i].value);
        buf_add(out, line->value + line->value_len, (size_t)(end - line->value) - line->value_len);
}

/* Takes the last line end back. */
static void unend(struct buf *out)
{
        if (out->len > 0 && out->data[out->len - 1] == '\n')
                out->data[--out->len] = '\0';
        if (out->len > 0 && out->data[out->len - 1] == '\r')
                out->data[--out->len] = '\0';
}

/* The blank line before a section that goes, when nothing comes behind it, goes too: it is held back till
 * then. */
static void rewrite(const char *text, const struct edit *edit, bool ends, struct buf *out)
{
        struct line held = { .len = 0 };
        bool named = false;
        bool dropped = false;
        const char *at = first_line(text);

        buf_add(out, text, (size_t)(at - text));
        while (*at != '\0') {
                struct line line = parse_line(at);

                at += line.len;
                if (line.kind == LINE_SECTION) {
                        named = is_named(&line, edit->section);
                        dropped = named && is_emptied(edit, &line);
                }
                if (dropped)
                        continue;
                buf_add(out, held.start, held.len);
                held = (struct line){ .len = 0 };
                if (line.kind == LINE_BLANK)
                        held = line;
                else if (named && line.kind == LINE_ENTRY)
                        copy_entry(edit, &line, out);
                else
                        buf_add(out, line.start, line.len);
                if (edit->adds && at == edit->behind)
                        add_missing(edit, at[-1] == '\n', out);
        }
        if (!dropped)
                buf_add(out, held.start, held.len);
        else if (!ends)
                unend(out);
}

int ini_edit(const char *text, const char *section, const struct ini_wish *wishes, size_t n_wishes,
             struct buf *out, struct err *err)
{
        size_t line_len = strcspn(text, "\n");
        size_t len = strlen(text);
        bool ends = len == 0 || text[len - 1] == '\n';
        struct edit edit = {
                .section = section,
                .wishes = wishes,
                .n_wishes = n_wishes,
                .eol = line_len > 0 && text[line_len] == '\n' && text[line_len - 1] == '\r' ? "\r\n" : "\n",
        };

        assert(n_wishes <= INI_WISHES_MAX);
        if (survey(text, &edit, err) == -1)
                return -1;
        rewrite(text, &edit, ends, out);
        if (!edit.adds || edit.behind != NULL)
                return 0;
        if (*first_line(text) != '\0' && !ends)
                buf_add_str(out, edit.eol);
        if (*first_line(text) != '\0')
                buf_add_str(out, edit.eol);
        buf_printf(out, "[%s]", section);
        if (ends)
                buf_add_str(out, edit.eol);
        add_missing(&edit, ends, out);
        return 0;
}
