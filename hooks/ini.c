// SPDX-License-Identifier: Apache-2.0
/*
 * Two walks over the lines: the first refuses what is no INI file and notes what is there, the second copies
 * and edits. Nothing is written before the first has come to the end.
 */
#include "hooks/ini.h"

#include "hooks/ini_line.h"

#include <assert.h>
#include <string.h>

struct edit {
        const char *section;
        const struct ini_wish *wishes;
        size_t n_wishes;
        const char *eol;    /* as the file's first line ends */
        const char *behind; /* where missing keys go; NULL: there is no such section */
        unsigned found;     /* a bit for each wish whose key is there */
        bool adds;          /* some wish has a value and no key */
};

/* The wish for this entry, n_wishes when there is none. */
static size_t wish_of(const struct edit *edit, const struct ini_line *line)
{
        size_t i = 0;

        while (i < edit->n_wishes && !ini_line_is_named(line, edit->wishes[i].key))
                i++;
        return i;
}

static bool goes(const struct edit *edit, const struct ini_line *line)
{
        size_t i = wish_of(edit, line);

        return i < edit->n_wishes && edit->wishes[i].value == NULL;
}

static void survey(const char *text, struct edit *edit)
{
        bool ours = false; /* the first one of the name */
        bool named = false;
        struct ini_line line;

        for (const char *at = ini_line_first(text); *at != '\0'; at += line.len) {
                line = ini_line_parse(at);
                if (line.kind == INI_SECTION) {
                        named = ini_line_is_named(&line, edit->section);
                        ours = named && edit->behind == NULL;
                }
                if (ours && line.kind != INI_BLANK && line.kind != INI_COMMENT)
                        edit->behind = line.start + line.len;
                if (named && line.kind == INI_ENTRY && wish_of(edit, &line) < edit->n_wishes)
                        edit->found |= 1u << wish_of(edit, &line);
        }
        for (size_t i = 0; i < edit->n_wishes; i++)
                edit->adds = edit->adds || (edit->wishes[i].value != NULL && !(edit->found & 1u << i));
}

/* Would the section that begins here be left without entry and comment, having had an entry? */
static bool is_emptied(const struct edit *edit, const struct ini_line *header)
{
        bool had = false;
        struct ini_line line;

        if (edit->adds && edit->behind != NULL)
                return false;
        for (const char *at = header->start + header->len; *at != '\0'; at += line.len) {
                line = ini_line_parse(at);
                if (line.kind == INI_SECTION)
                        break;
                if (line.kind == INI_COMMENT || (line.kind == INI_ENTRY && !goes(edit, &line)))
                        return false;
                had = had || line.kind == INI_ENTRY;
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

static void copy_entry(const struct edit *edit, const struct ini_line *line, struct buf *out)
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

/* The blank line before a section that goes, when nothing comes behind it, goes too: it is held back till
 * then. */
static void rewrite(const char *text, const struct edit *edit, bool ends, struct buf *out)
{
        struct ini_line held = { .len = 0 };
        bool named = false;
        bool dropped = false;
        const char *at = ini_line_first(text);

        buf_add(out, text, (size_t)(at - text));
        while (*at != '\0') {
                struct ini_line line = ini_line_parse(at);

                at += line.len;
                if (line.kind == INI_SECTION) {
                        named = ini_line_is_named(&line, edit->section);
                        dropped = named && is_emptied(edit, &line);
                }
                if (dropped)
                        continue;
                buf_add(out, held.start, held.len);
                held = (struct ini_line){ .len = 0 };
                if (line.kind == INI_BLANK)
                        held = line;
                else if (named && line.kind == INI_ENTRY)
                        copy_entry(edit, &line, out);
                else
                        buf_add(out, line.start, line.len);
                if (edit->adds && at == edit->behind)
                        add_missing(edit, at[-1] == '\n', out);
        }
        if (!dropped)
                buf_add(out, held.start, held.len);
        else if (!ends)
                ini_line_unend(out);
}

int ini_edit(const char *text, const char *section, const struct ini_wish *wishes, size_t n_wishes,
             struct buf *out, struct err *err)
{
        size_t len = strlen(text);
        bool ends = len == 0 || text[len - 1] == '\n';
        struct edit edit = {
                .section = section,
                .wishes = wishes,
                .n_wishes = n_wishes,
                .eol = ini_line_end(text),
        };

        assert(n_wishes <= INI_WISHES_MAX);
        if (ini_line_check(text, err) == -1)
                return -1;
        survey(text, &edit);
        rewrite(text, &edit, ends, out);
        if (!edit.adds || edit.behind != NULL)
                return 0;
        if (*ini_line_first(text) != '\0' && !ends)
                buf_add_str(out, edit.eol);
        if (*ini_line_first(text) != '\0')
                buf_add_str(out, edit.eol);
        buf_printf(out, "[%s]", section);
        if (ends)
                buf_add_str(out, edit.eol);
        add_missing(&edit, ends, out);
        return 0;
}
