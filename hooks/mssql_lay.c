// SPDX-License-Identifier: Apache-2.0
/*
 * Always by way of the file without any of ours: first what was laid before is taken out, then what is wanted
 * now is put in. So the same files over the same rest come to the same bytes, whatever was in between.
 *
 * New sections stand before all others, behind the comments above those: what is added behind them later does
 * not move them.
 */
#include "hooks/mssql_lay.h"

#include "base/mem.h"
#include "hooks/ini_line.h"

#include <string.h>
#include <strings.h>

#define FILE_NAME    "mssql.conf"
#define MARK_KEEPS   "# certrotate keeps: "
#define MARK_ADDS    "# certrotate adds: "
#define MARK_SECTION "# certrotate adds this section"

struct want {
        struct ini_line section, entry;
        bool is_there;    /* the key is in the file */
        bool has_section; /* the file has the section */
        bool is_written;
};

struct wants {
        struct want *items;
        size_t n;
};

/* --- lines */

static bool is_same(const struct ini_line *a, const struct ini_line *b)
{
        if (a->name == NULL || b->name == NULL) /* keys before the first section have none */
                return a->name == b->name;
        return a->name_len == b->name_len && strncasecmp(a->name, b->name, a->name_len) == 0;
}

/* Without its end. */
static size_t bare_len(const struct ini_line *line)
{
        size_t len = line->len;

        if (len == 0 || line->start[len - 1] != '\n')
                return len;
        len--;
        return len > 0 && line->start[len - 1] == '\r' ? len - 1 : len;
}

static void add_bare(struct buf *out, const struct ini_line *line)
{
        buf_add(out, line->start, bare_len(line));
}

static void add_end(struct buf *out, const struct ini_line *line)
{
        buf_add(out, line->start + bare_len(line), line->len - bare_len(line));
}

/* Behind the mark; NULL: it is none. */
static const char *behind_mark(const struct ini_line *line, const char *mark)
{
        size_t len = strlen(mark);

        return line->len >= len && memcmp(line->start, mark, len) == 0 ? line->start + len : NULL;
}

static struct ini_line next_of(const struct ini_line *line)
{
        const char *at = line->start + line->len;

        return *at == '\0' ? (struct ini_line){ .kind = INI_BLANK, .start = at } : ini_line_parse(at);
}

static bool is_section_mark(const struct ini_line *line)
{
        return bare_len(line) == strlen(MARK_SECTION) && behind_mark(line, MARK_SECTION) != NULL;
}

/* --- what is wanted */

static struct want *find(const struct wants *wants, const struct ini_line *section,
                         const struct ini_line *entry)
{
        for (size_t i = 0; i < wants->n; i++)
                if (is_same(&wants->items[i].section, section) && is_same(&wants->items[i].entry, entry))
                        return &wants->items[i];
        return NULL;
}

static int take_text(struct wants *wants, const char *text, struct err *err)
{
        struct ini_line section = { .len = 0 };
        struct ini_line line;

        if (ini_line_check(text, err) != 0)
                return -1;
        for (const char *at = ini_line_first(text); *at != '\0'; at += line.len) {
                struct want *want;

                line = ini_line_parse(at);
                if (line.kind == INI_SECTION)
                        section = line;
                if (line.kind != INI_ENTRY)
                        continue;
                want = find(wants, &section, &line);
                if (want == NULL && wants->n == 2 * (size_t)MSSQL_LAY_MAX)
                        return err_set(err, ERR_LIMIT, "more than %d settings", MSSQL_LAY_MAX);
                if (want == NULL)
                        want = &wants->items[wants->n++];
                *want = (struct want){ .section = section, .entry = line };
        }
        return 0;
}

static bool is_ours(const char *name, bool is_inline)
{
        const size_t len = is_inline ? strlen(CUSTOM_INLINE) : 0;

        return strncmp(name, CUSTOM_INLINE, len) == 0 && strcmp(name + len, FILE_NAME) == 0;
}

static int take_files(struct wants *wants, const struct custom_text *files, size_t n, struct err *err)
{
        for (int is_inline = 0; is_inline < 2; is_inline++)
                for (size_t i = 0; i < n; i++)
                        if (is_ours(files[i].name, is_inline) && take_text(wants, files[i].text, err) != 0)
                                return err_wrap(err, "%.100s", files[i].name);
        return 0;
}

/* --- out */

/* A line that says what the next one is. */
static bool is_marked(const struct ini_line *line)
{
        const char *kept = behind_mark(line, MARK_KEEPS);

        if (kept != NULL)
                return *kept != '\0' && ini_line_parse(kept).kind == INI_ENTRY;
        return behind_mark(line, MARK_ADDS) != NULL;
}

/* Is the line behind the mark the one that it speaks of? */
static bool is_laid(const struct ini_line *mark, const struct ini_line *next)
{
        const char *kept_text = behind_mark(mark, MARK_KEEPS);
        const char *key = behind_mark(mark, MARK_ADDS);

        if (next->kind != INI_ENTRY)
                return false;
        if (kept_text != NULL) {
                const struct ini_line kept = ini_line_parse(kept_text);

                return is_same(&kept, next);
        }
        return bare_len(mark) == strlen(MARK_ADDS) + next->name_len &&
               strncasecmp(key, next->name, next->name_len) == 0;
}

/* The mark and what it speaks of. Returns how much of the text is done with. */
static size_t take_marked(const struct ini_line *mark, struct buf *out)
{
        const char *kept_text = behind_mark(mark, MARK_KEEPS);
        const struct ini_line next = next_of(mark);
        const bool goes = is_laid(mark, &next);

        if (kept_text != NULL) {
                const struct ini_line kept = ini_line_parse(kept_text);

                add_bare(out, &kept);
                add_end(out, goes ? &next : mark);
        }
        return mark->len + (goes ? next.len : 0);
}

/* Does anything of others stand in the section whose lines begin here? */
static bool has_others(const char *at)
{
        while (*at != '\0') {
                const struct ini_line line = ini_line_parse(at);
                const struct ini_line next = next_of(&line);

                if (line.kind == INI_SECTION)
                        return false;
                at += line.len;
                if (line.kind == INI_BLANK)
                        continue;
                if (!is_marked(&line) || behind_mark(&line, MARK_KEEPS) != NULL)
                        return true;
                at += is_laid(&line, &next) ? next.len : 0;
        }
        return false;
}

static void take_out(const char *text, struct buf *out)
{
        const char *at = ini_line_first(text);
        bool is_dropped = false; /* the line before */
        bool inside = false;     /* some section: what is kept was in one */

        buf_add(out, text, (size_t)(at - text));
        while (*at != '\0') {
                const struct ini_line line = ini_line_parse(at);
                const struct ini_line next = next_of(&line);
                const bool keeps = behind_mark(&line, MARK_KEEPS) != NULL;
                const size_t len = out->len;

                if (line.kind == INI_SECTION && is_section_mark(&next) &&
                    !has_others(next.start + next.len)) {
                        at += line.len + next.len;
                } else if (is_marked(&line) && (inside || !keeps)) {
                        at += take_marked(&line, out);
                } else {
                        buf_add(out, line.start, line.len);
                        at += line.len;
                        inside = inside || line.kind == INI_SECTION;
                }
                is_dropped = out->len == len;
        }
        if (is_dropped && at > text && at[-1] != '\n')
                ini_line_unend(out);
}

/* --- in */

static void survey(const char *text, struct wants *wants)
{
        struct ini_line section = { .len = 0 };
        struct ini_line line;

        for (const char *at = ini_line_first(text); *at != '\0'; at += line.len) {
                line = ini_line_parse(at);
                if (line.kind == INI_SECTION)
                        section = line;
                for (size_t i = 0; i < wants->n; i++) {
                        struct want *want = &wants->items[i];

                        if ((line.kind != INI_SECTION && line.kind != INI_ENTRY) ||
                            !is_same(&section, &want->section))
                                continue;
                        want->has_section = true;
                        want->is_there |= line.kind == INI_ENTRY && is_same(&line, &want->entry);
                }
        }
}

static void add_setting(struct buf *out, const struct want *want)
{
        buf_add(out, want->entry.name, want->entry.name_len);
        buf_add_str(out, " = ");
        buf_add(out, want->entry.value, want->entry.value_len);
}

/* Behind a line whose end is still to come: those that the section has not. */
static void add_missing(struct wants *wants, const struct ini_line *section, const char *eol, struct buf *out)
{
        for (size_t i = 0; i < wants->n; i++) {
                struct want *want = &wants->items[i];

                if (want->is_there || want->is_written || !is_same(&want->section, section))
                        continue;
                want->is_written = true;
                buf_printf(out, "%s" MARK_ADDS, eol);
                buf_add(out, want->entry.name, want->entry.name_len);
                buf_add_str(out, eol);
                add_setting(out, want);
        }
}

/* ends: what stands before has a line end, and so have these. */
static void add_sections(struct wants *wants, const char *eol, bool ends, struct buf *out)
{
        for (size_t i = 0; i < wants->n; i++) {
                const struct want *want = &wants->items[i];

                if (want->has_section || want->is_written)
                        continue;
                buf_printf(out, "%s[", ends ? "" : eol);
                buf_add(out, want->section.name, want->section.name_len);
                buf_printf(out, "]%s" MARK_SECTION, eol);
                add_missing(wants, &want->section, eol, out);
                buf_add_str(out, ends ? eol : "");
        }
}

static void put_over(const struct want *want, const struct ini_line *line, const char *eol, struct buf *out)
{
        buf_add_str(out, MARK_KEEPS);
        add_bare(out, line);
        buf_add_str(out, eol);
        add_setting(out, want);
        add_end(out, line);
}

/* With the mark behind it. Returns how much of the text is done with. */
static size_t put_section(struct wants *wants, const struct ini_line *section, const char *eol,
                          struct buf *out)
{
        const struct ini_line next = next_of(section);
        const bool is_marked_one = is_section_mark(&next);
        const struct ini_line *last = is_marked_one ? &next : section;

        if (is_marked_one)
                buf_add(out, section->start, section->len);
        add_bare(out, last);
        add_missing(wants, section, eol, out);
        add_end(out, last);
        return section->len + (is_marked_one ? next.len : 0);
}

static void put_in(const char *text, struct wants *wants, struct buf *out)
{
        const char *eol = ini_line_end(text);
        const char *at = ini_line_first(text);
        struct ini_line section = { .len = 0 };
        bool is_first = true;

        buf_add(out, text, (size_t)(at - text));
        while (*at != '\0') {
                const struct ini_line line = ini_line_parse(at);
                const struct want *want = line.kind == INI_ENTRY ? find(wants, &section, &line) : NULL;

                if (line.kind == INI_SECTION) {
                        if (is_first)
                                add_sections(wants, eol, true, out);
                        is_first = false;
                        section = line;
                        at += put_section(wants, &line, eol, out);
                        continue;
                }
                if (want != NULL)
                        put_over(want, &line, eol, out);
                else
                        buf_add(out, line.start, line.len);
                at += line.len;
        }
        add_sections(wants, eol, at == ini_line_first(text) || at[-1] == '\n', out);
}

int mssql_lay_render(const struct custom_text *files, size_t n, const char *present, struct buf *out,
                     struct err *err)
{
        AUTO(mem_free_p) struct want *items = mem_array(2 * (size_t)MSSQL_LAY_MAX, sizeof(*items));
        AUTO(buf_done_p) struct buf rest = BUF_INIT(strlen(present) + 1);
        struct wants wants = { .items = items };

        if (take_files(&wants, files, n, err) != 0 || ini_line_check(present, err) != 0)
                return -1;
        take_out(present, &rest);
        survey(buf_str(&rest), &wants);
        put_in(buf_str(&rest), &wants, out);
        return out->overflow ? err_set(err, ERR_LIMIT, "it would be larger than %zu bytes", out->max) : 0;
}

static int check_entry(const struct ini_line *section, const struct ini_line *entry, struct err *err)
{
        static const char *const owned[] = { "forceencryption", "tlscert", "tlskey", "tlsprotocols" };

        for (size_t i = 0; i < ARRAY_LEN(owned); i++)
                if (ini_line_is_named(section, "network") && ini_line_is_named(entry, owned[i]))
                        return err_set(err, ERR_REFUSED,
                                       "[network] %s is certrotate's, which switches TLS: leave it out",
                                       owned[i]);
        return 0;
}

int mssql_lay_check(const char *name, const char *text, struct err *err)
{
        struct ini_line section = { .len = 0 };
        struct ini_line line;
        int n = 0;

        if (!is_ours(name, false) && !is_ours(name, true))
                return err_set(err, ERR_REFUSED, "SQL Server reads " FILE_NAME " only");
        if (ini_line_check(text, err) != 0) {
                err->kind = ERR_REFUSED;
                return -1;
        }
        for (const char *at = ini_line_first(text); *at != '\0'; at += line.len) {
                line = ini_line_parse(at);
                if (line.kind == INI_SECTION)
                        section = line;
                if (line.kind != INI_ENTRY)
                        continue;
                if (++n > MSSQL_LAY_MAX)
                        return err_set(err, ERR_REFUSED, "more than %d settings", MSSQL_LAY_MAX);
                if (check_entry(&section, &line, err) != 0)
                        return -1;
        }
        return 0;
}
