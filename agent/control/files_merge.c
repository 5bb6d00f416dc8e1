// SPDX-License-Identifier: Apache-2.0
/*
 * Both texts become lines with a section and a key; then the present ones are written, and where the first
 * line of a key stands that is in fresh too, all of fresh's stand instead. Settings may be repeated (Redis'
 * save, MySQL's plugin-load-add): the lines of one key belong together.
 */
#include "control/files.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

struct manner {
        bool sections;     /* [name] */
        const char *ends;  /* of a key: any of these; NULL: the line is the key */
        const char *notes; /* first characters of a comment, or of what else is no setting */
        bool any_case;
        bool dashes;    /* the same as underscores */
        bool continues; /* behind a backslash at the end of a line */
};

static const struct manner cnf = { .sections = true, .ends = "=", .notes = "#;!", .dashes = true };
static const struct manner conf = { .sections = true, .ends = "=:", .notes = "#;", .any_case = true };
static const struct manner properties = { .ends = "=: \t\f", .notes = "#!", .continues = true };
static const struct manner postgres = { .ends = "= \t", .notes = "#", .any_case = true };
static const struct manner redis = { .ends = " \t", .notes = "#", .any_case = true };
static const struct manner words = { .ends = NULL, .notes = "" };

static const struct {
        const char *end;
        const struct manner *manner;
} manners[] = { { ".cnf", &cnf },           { "mssql.conf", &conf },  { ".properties", &properties },
                { "user.conf", &postgres }, { "redis.conf", &redis }, { "valkey.conf", &redis } };

static const struct manner *manner_of(const char *name)
{
        size_t len = strlen(name);

        for (size_t i = 0; i < ARRAY_LEN(manners); i++) {
                size_t end = strlen(manners[i].end);

                if (len >= end && strcmp(name + len - end, manners[i].end) == 0)
                        return manners[i].manner;
        }
        return &words;
}

struct span {
        const char *at;
        size_t len;
};

enum line_kind { LINE_OTHER, LINE_SECTION, LINE_ENTRY };

struct line {
        struct span text; /* without its end; of a continued one all of it */
        struct span section, key;
        enum line_kind kind;
        bool done; /* written, or given up for fresh's */
};

struct lines {
        struct line *items;
        size_t n;
};

static struct span trim(struct span span)
{
        while (span.len > 0 && isspace((unsigned char)*span.at)) {
                span.at++;
                span.len--;
        }
        while (span.len > 0 && isspace((unsigned char)span.at[span.len - 1]))
                span.len--;
        return span;
}

static bool is_equal(struct span a, struct span b)
{
        return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static int fold(const struct manner *manner, char c)
{
        if (manner->dashes && c == '-')
                return '_';
        return manner->any_case ? tolower((unsigned char)c) : c;
}

static bool is_key(const struct manner *manner, struct span a, struct span b)
{
        if (a.len != b.len)
                return false;
        for (size_t i = 0; i < a.len; i++)
                if (fold(manner, a.at[i]) != fold(manner, b.at[i]))
                        return false;
        return true;
}

/* Some of Redis' settings are told apart by their second word. */
static bool has_two_words(struct span key)
{
        static const char *const two[] = { "client-output-buffer-limit", "rename-command", "user" };

        for (size_t i = 0; i < ARRAY_LEN(two); i++)
                if (key.len == strlen(two[i]) && strncasecmp(key.at, two[i], key.len) == 0)
                        return true;
        return false;
}

static struct span key_of(const struct manner *manner, struct span text)
{
        struct span key = { text.at, 0 };

        if (manner->ends == NULL)
                return text;
        while (key.len < text.len && strchr(manner->ends, key.at[key.len]) == NULL)
                key.len += manner->continues && key.at[key.len] == '\\' && key.len + 1 < text.len ? 2 : 1;
        if (manner == &redis && has_two_words(key)) {
                while (key.len < text.len && isspace((unsigned char)key.at[key.len]))
                        key.len++;
                while (key.len < text.len && !isspace((unsigned char)key.at[key.len]))
                        key.len++;
        }
        return trim(key);
}

/* Without the rest of its end. */
static struct span bare(struct span line)
{
        while (line.len > 0 && line.at[line.len - 1] == '\r')
                line.len--;
        return line;
}

static bool is_continued(struct span text)
{
        size_t n = 0;

        while (n < text.len && text.at[text.len - n - 1] == '\\')
                n++;
        return n % 2 == 1;
}

/* The end of the line, and of those that it goes on in. */
static const char *line_end(const struct manner *manner, const char *at, bool is_note)
{
        const char *end = strchrnul(at, '\n');

        while (manner->continues && !is_note && *end == '\n') {
                if (!is_continued(bare((struct span){ at, (size_t)(end - at) })))
                        break;
                at = end + 1;
                end = strchrnul(at, '\n');
        }
        return end;
}

static struct line take_line(const struct manner *manner, const char **rest, struct span section)
{
        const char *at = *rest + strspn(*rest, " \t\f\r");
        const bool is_note = *at == '\0' || *at == '\n' || strchr(manner->notes, *at) != NULL;
        const char *end = line_end(manner, *rest, is_note);
        struct line line = { .text = { *rest, (size_t)(end - *rest) }, .section = section };
        struct span text;

        *rest = *end == '\n' ? end + 1 : end;
        line.text = bare(line.text);
        /* Nothing is to become the rest of what was left open at the end of the text. */
        while (manner->continues && !is_note && is_continued(line.text)) {
                line.text.len--;
                line.text = bare(line.text);
        }
        text = trim(line.text);
        if (is_note || text.len == 0)
                return line;
        if (manner->sections && text.len > 1 && text.at[0] == '[' && text.at[text.len - 1] == ']') {
                text = trim((struct span){ text.at + 1, text.len - 2 });
                if (text.len > 0) {
                        line.kind = LINE_SECTION;
                        line.section = text;
                }
                return line;
        }
        line.key = key_of(manner, text);
        line.kind = line.key.len > 0 ? LINE_ENTRY : LINE_OTHER;
        return line;
}

static int lines_read(const struct manner *manner, const char *text, struct lines *out, struct err *err)
{
        struct span section = { NULL, 0 };
        size_t most = 1;

        for (const char *at = text; most < FILES_MAX_LINES && *(at = strchrnul(at, '\n')) != '\0'; at++)
                most++;
        *out = (struct lines){ mem_array(most, sizeof(*out->items)), 0 };
        while (*text != '\0') {
                if (out->n == FILES_MAX_LINES)
                        return err_set(err, ERR_LIMIT, "more than %d lines", FILES_MAX_LINES);
                out->items[out->n] = take_line(manner, &text, section);
                section = out->items[out->n++].section;
        }
        return 0;
}

static void lines_done(struct lines *lines)
{
        mem_free(lines->items);
}

/* What stands before any section of fresh is meant for the place of present's first setting. */
static void lines_place(struct lines *fresh, const struct lines *present)
{
        struct span first = { NULL, 0 };

        for (size_t i = 0; i < present->n; i++) {
                first = present->items[i].section;
                if (present->items[i].kind != LINE_OTHER)
                        break;
        }
        for (size_t i = 0; i < fresh->n && fresh->items[i].section.at == NULL; i++)
                fresh->items[i].section = first;
}

static void write_line(struct buf *out, struct line *line)
{
        buf_add(out, line->text.at, line->text.len);
        buf_add_char(out, '\n');
        line->done = true;
}

struct merge {
        const struct manner *manner;
        struct lines present, fresh;
        struct buf out;
};

static bool is_of(const struct merge *merge, const struct line *a, const struct line *b)
{
        return a->kind == LINE_ENTRY && b->kind == LINE_ENTRY && is_equal(a->section, b->section) &&
               is_key(merge->manner, a->key, b->key);
}

static struct line *find(const struct merge *merge, const struct line *line)
{
        for (size_t i = 0; i < merge->fresh.n; i++)
                if (is_of(merge, line, &merge->fresh.items[i]))
                        return &merge->fresh.items[i];
        return NULL;
}

static bool is_there(const struct lines *lines, const struct line *line)
{
        for (size_t i = 0; i < lines->n; i++)
                if (lines->items[i].kind == LINE_OTHER &&
                    is_equal(trim(lines->items[i].text), trim(line->text)))
                        return true;
        return false;
}

/* A comment, or a line that says something to nobody here; once is enough. */
static void write_note(struct merge *merge, struct line *line)
{
        if (line->done || trim(line->text).len == 0 || is_there(&merge->present, line))
                line->done = true;
        else
                write_line(&merge->out, line);
}

/* The comments right above it come along. */
static void write_notes_of(struct merge *merge, struct line *entry)
{
        struct line *note = entry;

        while (note > merge->fresh.items && note[-1].kind == LINE_OTHER && trim(note[-1].text).len > 0)
                note--;
        for (; note < entry; note++)
                write_note(merge, note);
}

/* All lines of fresh with this key. */
static void write_entries(struct merge *merge, const struct line *first)
{
        for (size_t i = 0; i < merge->fresh.n; i++)
                if (is_of(merge, first, &merge->fresh.items[i]))
                        write_notes_of(merge, &merge->fresh.items[i]);
        for (size_t i = 0; i < merge->fresh.n; i++)
                if (is_of(merge, first, &merge->fresh.items[i]))
                        write_line(&merge->out, &merge->fresh.items[i]);
}

/* What fresh has for the section and present has not. */
static void write_rest(struct merge *merge, struct span section)
{
        for (size_t i = 0; i < merge->fresh.n; i++) {
                struct line *line = &merge->fresh.items[i];

                if (line->done || line->kind == LINE_SECTION || !is_equal(line->section, section))
                        continue;
                if (line->kind == LINE_OTHER)
                        write_note(merge, line);
                else
                        write_entries(merge, line);
        }
}

static void write_new_sections(struct merge *merge)
{
        for (size_t i = 0; i < merge->fresh.n; i++) {
                struct line *line = &merge->fresh.items[i];

                if (line->kind != LINE_SECTION || line->done)
                        continue;
                write_line(&merge->out, line);
                for (size_t j = i + 1; j < merge->fresh.n; j++)
                        if (merge->fresh.items[j].kind == LINE_SECTION &&
                            is_equal(merge->fresh.items[j].section, line->section))
                                merge->fresh.items[j].done = true;
                write_rest(merge, line->section);
        }
}

/* Behind the last line that says something; true for the last place where the section stands. */
static bool is_section_end(const struct merge *merge, size_t at)
{
        const struct lines *present = &merge->present;
        const struct span section = present->items[at].section;

        for (size_t i = at + 1; i < present->n; i++)
                if (is_equal(present->items[i].section, section) && trim(present->items[i].text).len > 0)
                        return false;
        return trim(present->items[at].text).len > 0;
}

static void write_present(struct merge *merge)
{
        for (size_t i = 0; i < merge->present.n; i++) {
                struct line *line = &merge->present.items[i];
                struct line *other = find(merge, line);

                if (line->kind == LINE_SECTION)
                        for (size_t j = 0; j < merge->fresh.n; j++)
                                merge->fresh.items[j].done |=
                                        merge->fresh.items[j].kind == LINE_SECTION &&
                                        is_equal(merge->fresh.items[j].section, line->section);
                if (other == NULL)
                        write_line(&merge->out, line);
                else if (!other->done && merge->manner->ends != NULL)
                        write_entries(merge, other);
                if (is_section_end(merge, i))
                        write_rest(merge, line->section);
        }
}

int files_merge(const char *name, const char *present, const char *fresh, char **out, struct err *err)
{
        const size_t room = strlen(present) + strlen(fresh) + 2;
        struct merge merge = { .manner = manner_of(name), .out = BUF_INIT(room) };
        const bool is_blank = present[strspn(present, " \t\r\n")] == '\0';
        int result = lines_read(merge.manner, is_blank ? "" : present, &merge.present, err);

        if (result == 0) {
                result = lines_read(merge.manner, fresh, &merge.fresh, err);
                if (result == 0 && is_blank) {
                        buf_add_str(&merge.out, fresh);
                } else if (result == 0) {
                        lines_place(&merge.fresh, &merge.present);
                        write_present(&merge);
                        write_rest(&merge, (struct span){ NULL, 0 }); /* blank, but not at first sight */
                        write_new_sections(&merge);
                }
                lines_done(&merge.fresh);
        }
        lines_done(&merge.present);
        if (result == 0)
                *out = mem_strdup(buf_str(&merge.out));
        buf_done(&merge.out);
        return result;
}
