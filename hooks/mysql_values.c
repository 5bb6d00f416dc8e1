// SPDX-License-Identifier: Apache-2.0
/*
 * SHOW VARIABLES does not tell a variable's type, so two texts are compared by what they can be: the same
 * text, numbers, switches, lists. When in doubt the server is right: it read the file, and it started.
 */
#include "hooks/mysql_values.h"

#include "base/mem.h"
#include "hooks/cnf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define ROUNDED_MIN 65536.0 /* sizes, not counts */
#define BLOCK_MIN   1024u
#define WORD_MAX    512

/* A switch's word: 1 on, 0 off, -1 neither. */
static int switch_of(const char *text)
{
        static const char *const on[] = { "on", "1", "true", "yes" };
        static const char *const off[] = { "off", "0", "false", "no" };

        for (size_t i = 0; i < ARRAY_LEN(on); i++) {
                if (strcasecmp(text, on[i]) == 0)
                        return 1;
                if (strcasecmp(text, off[i]) == 0)
                        return 0;
        }
        return -1;
}

/* Exact up to 2^53, which is enough for sizes. */
static double decimal(const char *digits, size_t len)
{
        double value = 0;
        double scale = 1;
        bool behind = false;

        for (size_t i = 0; i < len; i++) {
                behind = behind || digits[i] == '.';
                if (digits[i] == '.')
                        continue;
                value = value * 10 + (digits[i] - '0');
                scale = behind ? scale * 10 : scale;
        }
        return value / scale;
}

static bool parse_number(const char *text, double *out)
{
        static const char units[] = "kmgtpe";
        const char *digits = text + (*text == '-' || *text == '+');
        size_t len = strspn(digits, "0123456789.");
        const char *unit = digits + len;
        const char *dot = memchr(digits, '.', len);
        const char *at;

        if (len == 0 || len > 30 || !isdigit((unsigned char)*digits) ||
            (dot != NULL && memchr(dot + 1, '.', len - (size_t)(dot + 1 - digits)) != NULL))
                return false;
        *out = *text == '-' ? -decimal(digits, len) : decimal(digits, len);
        if (*unit == '\0')
                return true;
        at = strchr(units, tolower((unsigned char)*unit));
        if (at == NULL || unit[1] != '\0')
                return false;
        for (const char *p = units; p <= at; p++)
                *out *= 1024;
        return true;
}

/* Up or down to a whole number of the server's blocks: buffer pools, stacks, logs. */
static bool is_rounded(double wanted, double in_force)
{
        double off = wanted > in_force ? wanted - in_force : in_force - wanted;
        uint64_t bytes;

        if (wanted < ROUNDED_MIN || in_force < wanted / 2 || in_force >= wanted * 2 || in_force > 9e18)
                return false;
        bytes = (uint64_t)in_force;
        return (bytes & (BLOCK_MIN - 1)) == 0 && off < (double)(bytes & (~bytes + 1));
}

static const char *plain_charset(const char *text)
{
        static const char *const names[][2] = { { "utf8mb3", "utf8" } };
        size_t len = strlen(names[0][0]);

        return strncasecmp(text, names[0][0], len) == 0 ? text + len : NULL;
}

static bool same_text(const char *a, const char *b)
{
        const char *new_a = plain_charset(a);
        const char *new_b = plain_charset(b);
        size_t len_a = strlen(a);
        size_t len_b = strlen(b);

        if (strcasecmp(a, b) == 0)
                return true;
        /* utf8 and utf8mb3 are one character set. */
        if ((new_a == NULL) != (new_b == NULL) && strncasecmp(new_a == NULL ? a : b, "utf8", 4) == 0)
                return strcasecmp(new_a == NULL ? a + 4 : new_a, new_b == NULL ? b + 4 : new_b) == 0;
        /* Directories with and without a slash at the end. */
        return len_a > 1 && len_b > 1 && len_a + (a[len_a - 1] != '/') == len_b + (b[len_b - 1] != '/') &&
               strncmp(a, b, len_a < len_b ? len_a : len_b) == 0 && (len_a != len_b);
}

static bool has_item(const char *list, const char *item, size_t len)
{
        for (const char *at = list; *at != '\0';) {
                size_t n;

                at += strspn(at, ",; ");
                n = strcspn(at, ",;");
                while (n > 0 && at[n - 1] == ' ')
                        n--;
                if (n == len && strncasecmp(at, item, len) == 0)
                        return true;
                at += strcspn(at, ",;");
        }
        return false;
}

/* Combined modes stand for themselves and for what they mean; and of switches only some are set. */
static bool has_items(const char *list, const char *items)
{
        bool any = false;

        for (const char *at = items; *at != '\0';) {
                size_t len;

                at += strspn(at, ",; ");
                len = strcspn(at, ",;");
                while (len > 0 && at[len - 1] == ' ')
                        len--;
                if (len > 0 && !has_item(list, at, len))
                        return false;
                any = any || len > 0;
                at += strcspn(at, ",;");
        }
        return any;
}

enum mysql_verdict mysql_values_compare(const char *wanted, const char *in_force)
{
        int is_on = switch_of(in_force);
        double a;
        double b;

        if (wanted == NULL)
                return is_on == 1 ? MYSQL_VALUE_SAME : is_on == 0 ? MYSQL_VALUE_DIFFERS : MYSQL_VALUE_UNCLEAR;
        if (same_text(wanted, in_force))
                return MYSQL_VALUE_SAME;
        if (parse_number(wanted, &a) && parse_number(in_force, &b))
                return a == b || is_rounded(a, b) ? MYSQL_VALUE_SAME : MYSQL_VALUE_DIFFERS;
        if (is_on >= 0 && switch_of(wanted) >= 0)
                return is_on == switch_of(wanted) ? MYSQL_VALUE_SAME : MYSQL_VALUE_DIFFERS;
        /* An enumeration by its number, a log's name where only its switch is shown, a path made absolute. */
        if (is_on >= 0 || parse_number(wanted, &a) || strchr(wanted, '/') != NULL ||
            strchr(in_force, '/') != NULL)
                return MYSQL_VALUE_UNCLEAR;
        return has_items(in_force, wanted) ? MYSQL_VALUE_SAME : MYSQL_VALUE_DIFFERS;
}

bool mysql_values_is_read(const char *name)
{
        size_t len = strlen(name);

        return len > 4 && strcmp(name + len - 4, ".cnf") == 0;
}

int mysql_values_check(const char *name, const char *text, struct err *err)
{
        struct cnf cnf = CNF_INIT(text);

        if (!mysql_values_is_read(name))
                return err_set(err, ERR_REFUSED, "a server reads files named *.cnf only");
        if (cnf_check(text, err) != 0) {
                err->kind = ERR_REFUSED;
                return -1;
        }
        while (cnf_next(&cnf))
                if (cnf.kind == CNF_ENTRY && cnf.section.at == NULL)
                        return err_set(
                                err, ERR_REFUSED,
                                "line %d: '%.*s' stands before any section, and the server would leave "
                                "out the file: write [mysqld] above it",
                                cnf.number, (int)(cnf.key.len < 60 ? cnf.key.len : 60), cnf.key.at);
        return 0;
}

static bool is_of_server(struct cnf_text section)
{
        static const char *const names[] = { "mysqld", "server", "mariadb", "mariadbd", "galera" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (cnf_is(section, names[i]))
                        return true;
        return false;
}

/* Quotes and what stands behind a '#' go, as the server's own reader has it. */
static char *clean_value(struct cnf_text value)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(value.len + 1);
        char quote = '\0';

        for (size_t i = 0; i < value.len; i++) {
                char c = value.at[i];

                if (quote == '\0' && c == '#')
                        break;
                if (c == quote || (quote == '\0' && (c == '"' || c == '\'')))
                        quote = c == quote ? '\0' : c;
                else
                        buf_add_char(&out, c);
        }
        while (out.len > 0 && quote == '\0' && isspace(out.data[out.len - 1]))
                out.data[--out.len] = '\0';
        return mem_strdup(buf_str(&out));
}

static char *clean_name(struct cnf_text key)
{
        char *name = mem_printf("%.*s", (int)(key.len < WORD_MAX ? key.len : WORD_MAX), key.at);

        for (char *p = name; *p != '\0'; p++)
                *p = *p == '-' ? '_' : (char)tolower((unsigned char)*p);
        if (strncmp(name, "loose_", 6) == 0)
                memmove(name, name + 6, strlen(name + 6) + 1);
        return name;
}

static struct mysql_value *find(struct mysql_values *values, const char *name)
{
        for (size_t i = 0; i < values->n; i++)
                if (strcmp(values->items[i].name, name) == 0)
                        return &values->items[i];
        return NULL;
}

void mysql_values_add(struct mysql_values *values, const char *name, const char *text, bool bare)
{
        struct cnf cnf = CNF_INIT(text);

        while (cnf_next(&cnf)) {
                AUTO(mem_free_p) char *key = NULL;
                struct mysql_value *item;

                if (cnf.kind != CNF_ENTRY || !(is_of_server(cnf.section) || (bare && cnf.section.at == NULL)))
                        continue;
                key = clean_name(cnf.key);
                item = find(values, key);
                if (item == NULL && values->n == MYSQL_VALUES_MAX)
                        continue;
                if (item == NULL) {
                        values->items = mem_grow(values->items, values->n + 1, sizeof(*values->items));
                        item = &values->items[values->n++];
                        *item = (struct mysql_value){ .name = TAKE(key) };
                }
                mem_free(item->text);
                item->text = memchr(cnf.line.at, '=', cnf.line.len) == NULL ? NULL : clean_value(cnf.value);
                item->file = name;
                item->line = cnf.number;
        }
}

static void settle(struct mysql_value *item, const char *wanted, const char *in_force)
{
        item->verdict = mysql_values_compare(wanted, in_force);
        mem_free(item->in_force);
        item->in_force = mem_strdup(in_force);
}

/* skip_x, disable_x and enable_x are x, where the server has no variable of the whole name. */
static void take_without(struct mysql_value *item, const char *variable, const char *in_force)
{
        static const struct {
                const char *prefix;
                const char *means;
        } prefixes[] = { { "skip_", "0" }, { "disable_", "0" }, { "enable_", "1" } };

        for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
                size_t len = strlen(prefixes[i].prefix);

                if (item->text != NULL || strncmp(item->name, prefixes[i].prefix, len) != 0 ||
                    strcasecmp(item->name + len, variable) != 0)
                        continue;
                item->seen_without = true;
                settle(item, prefixes[i].means, in_force);
        }
}

void mysql_values_take(struct mysql_values *values, const char *variable, const char *in_force)
{
        for (size_t i = 0; i < values->n; i++) {
                struct mysql_value *item = &values->items[i];

                if (strcasecmp(item->name, variable) == 0) {
                        item->seen = true;
                        settle(item, item->text, in_force);
                } else if (!item->seen) {
                        take_without(item, variable, in_force);
                }
        }
}

/* A provider adds its own to what it was given, in its own form. */
static bool is_judged(const struct mysql_value *item)
{
        return (item->seen || item->seen_without) && strcmp(item->name, "wsrep_provider_options") != 0;
}

int mysql_values_judge(const struct mysql_values *values, struct buf *unknown, struct err *err)
{
        for (size_t i = 0; i < values->n; i++) {
                const struct mysql_value *item = &values->items[i];

                if (!item->seen && !item->seen_without)
                        buf_printf(unknown, "%s%s", unknown->len == 0 ? "" : ", ", item->name);
                if (!is_judged(item) || item->verdict != MYSQL_VALUE_DIFFERS)
                        continue;
                return err_set(err, ERR_MISMATCH,
                               "%.80s is %.80s after the restart, %.80s line %d asks for %.80s: the server "
                               "changed it, or its command line or another file says so",
                               item->name, item->in_force, item->file, item->line,
                               item->text == NULL ? "it" : item->text);
        }
        return 0;
}

void mysql_values_done(struct mysql_values *values)
{
        for (size_t i = 0; i < values->n; i++) {
                mem_free(values->items[i].name);
                mem_free(values->items[i].text);
                mem_free(values->items[i].in_force);
        }
        mem_free(values->items);
        *values = (struct mysql_values)MYSQL_VALUES_INIT;
}
