// SPDX-License-Identifier: Apache-2.0
/*
 * A merge is the edit of one key, done again for the next: files are small and changes few.
 */
#include "hooks/cnf.h"

#include "base/limits.h"
#include "base/mem.h"

#include <string.h>

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Of nothing but blanks what is left stands behind them, before the end of the line: there a value belongs.
 */
static struct cnf_text trim(const char *at, size_t len)
{
        while (len > 0 && (at[len - 1] == '\n' || at[len - 1] == '\r'))
                len--;
        while (len > 0 && is_blank(*at)) {
                at++;
                len--;
        }
        while (len > 0 && is_blank(at[len - 1]))
                len--;
        return (struct cnf_text){ at, len };
}

static bool is_entry(struct cnf_text text)
{
        return text.len > 0 && strchr("#;![", text.at[0]) == NULL;
}

static void take_entry(struct cnf *cnf, struct cnf_text text)
{
        const char *equals = memchr(text.at, '=', text.len);
        const char *line_end = cnf->line.at + cnf->line.len;
        size_t len = equals == NULL ? text.len : (size_t)(equals - text.at);

        cnf->key = trim(text.at, len);
        cnf->value = equals == NULL ? (struct cnf_text){ text.at + text.len, 0 }
                                    : trim(equals + 1, (size_t)(line_end - equals) - 1);
        cnf->kind = cnf->key.len > 0 ? CNF_ENTRY : CNF_OTHER;
}

bool cnf_next(struct cnf *cnf)
{
        const char *end = strchr(cnf->rest, '\n');
        struct cnf_text text;

        if (*cnf->rest == '\0')
                return false;
        cnf->line.at = cnf->rest;
        cnf->line.len = end == NULL ? strlen(cnf->rest) : (size_t)(end - cnf->rest) + 1;
        cnf->rest += cnf->line.len;
        cnf->number++;
        cnf->kind = CNF_OTHER;
        text = trim(cnf->line.at, cnf->line.len);
        if (is_entry(text)) {
                take_entry(cnf, text);
        } else if (text.len > 2 && text.at[0] == '[' && text.at[text.len - 1] == ']') {
                text = trim(text.at + 1, text.len - 2);
                cnf->kind = text.len > 0 ? CNF_SECTION : CNF_OTHER;
                if (text.len > 0)
                        cnf->section = text;
        }
        return true;
}

bool cnf_is(struct cnf_text text, const char *word)
{
        return text.at != NULL && text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

bool cnf_is_key(struct cnf_text key, const char *word)
{
        if (key.len != strlen(word))
                return false;
        for (size_t i = 0; i < key.len; i++) {
                char a = key.at[i] == '-' ? '_' : key.at[i];
                char b = word[i] == '-' ? '_' : word[i];

                if (a != b)
                        return false;
        }
        return true;
}

int cnf_check(const char *text, struct err *err)
{
        struct cnf cnf = CNF_INIT(text);
        int entries = 0;

        while (cnf_next(&cnf)) {
                struct cnf_text line = trim(cnf.line.at, cnf.line.len);

                if (cnf.kind == CNF_OTHER && line.len > 0 && line.at[0] == '[')
                        return err_set(err, ERR_PARSE, "line %d: '%.*s' is no section", cnf.number,
                                       (int)(line.len < 60 ? line.len : 60), line.at);
                if (cnf.kind == CNF_OTHER && is_entry(line))
                        return err_set(err, ERR_PARSE, "line %d: a value without a key", cnf.number);
                if (cnf.kind == CNF_ENTRY && ++entries > CNF_ENTRIES_MAX)
                        return err_set(err, ERR_LIMIT, "line %d: more than %d settings", cnf.number,
                                       CNF_ENTRIES_MAX);
        }
        return 0;
}

bool cnf_find(const char *text, const char *section, const char *key, struct cnf_text *out)
{
        struct cnf cnf = CNF_INIT(text);
        bool found = false;

        while (cnf_next(&cnf)) {
                if (cnf.kind != CNF_ENTRY || !cnf_is(cnf.section, section) || !cnf_is_key(cnf.key, key))
                        continue;
                *out = cnf.value;
                found = true;
        }
        return found;
}

/* A key without '=' gets one; everything else before and behind the value stays. */
static void replace(const char *text, struct cnf_text old, const char *value, struct buf *out)
{
        const char *before = old.at;

        while (before > text && is_blank(before[-1]) && before[-1] != '\n')
                before--;
        if (before == text || before[-1] != '=') {
                buf_add(out, text, (size_t)(old.at - text));
                buf_add_str(out, " = ");
        } else {
                buf_add(out, text, (size_t)(old.at - text));
        }
        buf_add_str(out, value);
        buf_add_str(out, old.at + old.len);
}

/* Behind the last line of the section that says anything. */
static void append(const char *text, const char *section, const char *key, const char *value, struct buf *out)
{
        struct cnf cnf = CNF_INIT(text);
        const char *end = NULL;

        while (cnf_next(&cnf))
                if (cnf_is(cnf.section, section) && trim(cnf.line.at, cnf.line.len).len > 0)
                        end = cnf.line.at + cnf.line.len;
        if (end == NULL) {
                end = text + strlen(text);
                buf_add(out, text, (size_t)(end - text));
                buf_printf(out, "%s[%s]\n", end > text && end[-1] != '\n' ? "\n" : "", section);
        } else {
                buf_add(out, text, (size_t)(end - text));
                if (end[-1] != '\n')
                        buf_add_char(out, '\n');
        }
        buf_printf(out, "%s = %s\n", key, value);
        buf_add_str(out, end);
}

void cnf_set(const char *text, const char *section, const char *key, const char *value, struct buf *out)
{
        struct cnf_text old;

        if (!cnf_find(text, section, key, &old))
                append(text, section, key, value, out);
        else if (cnf_is(old, value))
                buf_add_str(out, text);
        else
                replace(text, old, value, out);
}

static char *copy(struct cnf_text text)
{
        char *out = mem_new(text.len + 1);

        memcpy(out, text.at, text.len);
        return out;
}

static bool is_in(const struct cnf *cnf, const char *first, const char *section)
{
        return cnf->section.at == NULL ? strcmp(first, section) == 0 : cnf_is(cnf->section, section);
}

/* The last of a key is the one in force; setting one before it could change what stands around the value. */
static bool is_set_again(struct cnf later, const char *first, const char *section, const char *key)
{
        while (cnf_next(&later))
                if (later.kind == CNF_ENTRY && is_in(&later, first, section) && cnf_is_key(later.key, key))
                        return true;
        return false;
}

void cnf_merge(const char *text, const char *patch, const char *section, struct buf *out)
{
        AUTO(mem_free_p) char *now = mem_strdup(text);
        struct cnf cnf = CNF_INIT(patch);

        while (cnf_next(&cnf)) {
                AUTO(mem_free_p) char *in = NULL;
                AUTO(mem_free_p) char *key = NULL;
                AUTO(mem_free_p) char *value = NULL;
                struct buf next = BUF_INIT(CONFIG_MAX_BYTES);

                if (cnf.kind != CNF_ENTRY)
                        continue;
                in = cnf.section.at == NULL ? mem_strdup(section) : copy(cnf.section);
                key = copy(cnf.key);
                if (is_set_again(cnf, section, in, key))
                        continue;
                value = copy(cnf.value);
                cnf_set(now, in, key, value, &next);
                out->overflow = out->overflow || next.overflow;
                mem_free(now);
                now = mem_strdup(buf_str(&next));
                buf_done(&next);
        }
        buf_add_str(out, now);
}
