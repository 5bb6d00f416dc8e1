// SPDX-License-Identifier: Apache-2.0
/*
 * The server ends at start over an option without a group or a group without its bracket, so a file that has
 * either is refused here, before anything is written. An option behind our part would fall into the part's
 * last group without anybody having meant it: it needs a group of its own.
 */
#include "hooks/option_file.h"

#include <string.h>

static const char begin[] = "# certrotate: begin";
static const char end[] = "# certrotate: end";
static const char note[] = ", written by the agent: what stands in here is replaced";

struct scan {
        const char *at; /* the next line */
        size_t line;    /* its number */
        bool in_group;
        bool behind; /* our part, and no group since */
        const char *part;
        const char *part_end; /* NULL: no part */
        size_t part_line;
};

static bool starts_with(const char *text, const char *prefix)
{
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *next_line(const char *line)
{
        const char *newline = strchr(line, '\n');

        return newline == NULL ? line + strlen(line) : newline + 1;
}

static int take_marker(struct scan *scan, struct err *err)
{
        if (starts_with(scan->at, end))
                return err_set(err, ERR_PARSE, "line %zu: '%s' without '%s' before it", scan->line, end,
                               begin);
        if (scan->part != NULL)
                return err_set(err, ERR_PARSE, "line %zu: a second '%s', the first is in line %zu",
                               scan->line, begin, scan->part_line);
        scan->part = scan->at;
        scan->part_line = scan->line;
        while (*scan->at != '\0' && !starts_with(scan->at, end)) {
                scan->at = next_line(scan->at);
                scan->line++;
        }
        if (*scan->at == '\0')
                return err_set(err, ERR_PARSE, "line %zu: '%s' without '%s' behind it", scan->part_line,
                               begin, end);
        scan->part_end = next_line(scan->at);
        scan->in_group = false;
        scan->behind = true;
        return 0;
}

static int take_option(const struct scan *scan, const char *text, struct err *err)
{
        int len = (int)strcspn(text, "\r\n");

        if (scan->behind)
                return err_set(err, ERR_PARSE,
                               "line %zu: '%.*s' stands behind the agent's part: put a [group] before it",
                               scan->line, len < 60 ? len : 60, text);
        if (!scan->in_group)
                return err_set(err, ERR_PARSE,
                               "line %zu: '%.*s' stands in no [group]: is this a MySQL option file?",
                               scan->line, len < 60 ? len : 60, text);
        return 0;
}

static int take_line(struct scan *scan, struct err *err)
{
        const char *text = scan->at + strspn(scan->at, " \t\r");
        size_t len = strcspn(text, "\n");

        if (starts_with(scan->at, begin) || starts_with(scan->at, end))
                return take_marker(scan, err);
        if (len == 0 || *text == '#' || *text == ';')
                return 0;
        if (*text == '[') {
                if (memchr(text, ']', len) == NULL)
                        return err_set(err, ERR_PARSE, "line %zu: a [group] without its bracket", scan->line);
                scan->in_group = true;
                scan->behind = false;
                return 0;
        }
        if (starts_with(text, "!include"))
                return 0;
        return take_option(scan, text, err);
}

static void add_part(const char *part, struct buf *out)
{
        buf_printf(out, "%s%s\n%s%s\n", begin, note, part, end);
}

int option_file_put(const char *present, const char *part, struct buf *out, struct err *err)
{
        struct scan scan = { .at = present, .line = 1 };

        for (; *scan.at != '\0'; scan.at = next_line(scan.at), scan.line++)
                if (take_line(&scan, err) == -1)
                        return -1;
        if (scan.part != NULL) {
                buf_add(out, present, (size_t)(scan.part - present));
                add_part(part, out);
                buf_add_str(out, scan.part_end);
                return 0;
        }
        buf_add_str(out, present);
        if (present[0] != '\0' && present[strlen(present) - 1] != '\n')
                buf_add_char(out, '\n');
        add_part(part, out);
        return 0;
}

int option_file_add(struct buf *out, const char *name, const char *value, struct err *err)
{
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+:,@";
        bool quoted = strspn(value, plain) != strlen(value);

        for (const char *p = value; *p != '\0'; p++)
                if ((unsigned char)*p < ' ' || strchr("\"\\", *p) != NULL)
                        return err_set(
                                err, ERR_USAGE,
                                "%s: '%.200s' has a quote, a backslash or a control character, which a "
                                "MySQL option file cannot say",
                                name, value);
        buf_printf(out, quoted ? "%s=\"%s\"\n" : "%s=%s\n", name, value);
        return 0;
}
