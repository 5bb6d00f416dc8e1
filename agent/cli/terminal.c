// SPDX-License-Identifier: Apache-2.0
/*
 * Tables for people. What is shown may come from a hostile certificate, so nothing that moves the cursor or
 * turns the writing direction gets through.
 */
#include "cli/terminal.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define CELL_MAX_BYTES 4096
#define GAP            2 /* spaces between columns */
#define RESET          "\033[0m"

struct cell {
        char *text;
        size_t width; /* characters */
        enum terminal_style style;
};

struct row {
        struct cell *cells;
        size_t n;
};

struct terminal_table {
        bool color;
        struct row *rows;
        size_t n;
        size_t columns;
};

static const char *const escapes[] = {
        [STYLE_PLAIN] = "",        [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
        [STYLE_GOOD] = "\033[32m", [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[31m",
};

bool terminal_has_color(int fd)
{
        const char *no_color = getenv("NO_COLOR");
        const char *term = getenv("TERM");

        return (no_color == NULL || *no_color == '\0') && term != NULL && strcmp(term, "dumb") != 0 &&
               isatty(fd) == 1;
}

size_t terminal_clean(struct buf *out, const char *text)
{
        const uint8_t *p = (const uint8_t *)text;
        size_t width = 0;
        size_t len;

        for (; *p != 0 && !out->overflow; p += len == 0 ? 1 : len, width++) {
                len = utf8_len(p);
                if (len == 0 || utf8_is_control(utf8_decode(p, len)))
                        buf_add_char(out, '?');
                else
                        buf_add(out, p, len);
        }
        return width;
}

struct terminal_table *terminal_table_new(bool color)
{
        struct terminal_table *table = MEM_NEW(struct terminal_table);

        table->color = color;
        return table;
}

void terminal_table_free(struct terminal_table *table)
{
        if (table == NULL)
                return;
        for (size_t i = 0; i < table->n; i++) {
                for (size_t j = 0; j < table->rows[i].n; j++)
                        mem_free(table->rows[i].cells[j].text);
                mem_free(table->rows[i].cells);
        }
        mem_free(table->rows);
        mem_free(table);
}

void terminal_table_row(struct terminal_table *table, const struct terminal_cell *cells, size_t n)
{
        struct row row = { mem_array(n, sizeof(*row.cells)), n };

        for (size_t i = 0; i < n; i++) {
                AUTO(buf_done_p) struct buf text = BUF_INIT(CELL_MAX_BYTES);

                if (cells[i].text != NULL)
                        row.cells[i].width = terminal_clean(&text, cells[i].text);
                row.cells[i].text = buf_take(&text);
                row.cells[i].style = cells[i].style;
        }
        table->rows = mem_grow(table->rows, table->n + 1, sizeof(*table->rows));
        table->rows[table->n++] = row;
        if (n > table->columns)
                table->columns = n;
}

static void print_row(const struct terminal_table *table, const struct row *row, const size_t *widths,
                      struct buf *out)
{
        size_t spaces = 0;

        for (size_t i = 0; i < row->n; i++) {
                const struct cell *cell = &row->cells[i];
                bool styled = table->color && cell->style != STYLE_PLAIN;

                /* The gap is owed, and paid only when something follows: no blanks at the end of a line. */
                if (cell->width > 0) {
                        for (; spaces > 0; spaces--)
                                buf_add_char(out, ' ');
                        buf_add_str(out, styled ? escapes[cell->style] : "");
                        buf_add_str(out, cell->text);
                        buf_add_str(out, styled ? RESET : "");
                }
                spaces += widths[i] - cell->width + GAP;
        }
        buf_add_char(out, '\n');
}

/* mem_free */
static size_t *natural_widths(const struct terminal_table *table)
{
        size_t *widths = mem_array(table->columns, sizeof(*widths));

        for (size_t i = 0; i < table->n; i++)
                for (size_t j = 0; j < table->rows[i].n; j++)
                        if (table->rows[i].cells[j].width > widths[j])
                                widths[j] = table->rows[i].cells[j].width;
        return widths;
}

/* The bytes of the first n characters; what terminal_clean lets through is UTF-8. */
static size_t bytes_of(const char *text, size_t n)
{
        size_t at = 0;

        for (; n > 0 && text[at] != '\0'; n--)
                at += utf8_len((const uint8_t *)text + at);
        return at;
}

static void cut_cell(struct cell *cell, size_t width, bool middle)
{
        const size_t tail = middle ? (width - 1) / 2 : 0;
        const size_t head = width - 1 - tail;
        char *cut;

        if (cell->width <= width)
                return;
        cut = mem_printf("%.*s…%s", (int)bytes_of(cell->text, head), cell->text,
                         cell->text + bytes_of(cell->text, cell->width - tail));
        mem_free(cell->text);
        cell->text = cut;
        cell->width = width;
}

/* Takes one character from the column that has most to spare above its floor; false: none has. */
static bool narrow(size_t *widths, const struct terminal_column *columns, size_t n, bool to_least)
{
        size_t *most = NULL;
        size_t spare = 0;

        for (size_t i = 0; i < n; i++) {
                const size_t floor = to_least ? columns[i].least : columns[i].enough;

                if (widths[i] <= floor || widths[i] - floor <= spare)
                        continue;
                spare = widths[i] - floor;
                most = &widths[i];
        }
        if (most != NULL)
                --*most;
        return most != NULL;
}

void terminal_table_fit(struct terminal_table *table, size_t width, const struct terminal_column *columns,
                        size_t n)
{
        AUTO(mem_free_p) size_t *widths = natural_widths(table);
        size_t whole = table->columns == 0 ? 0 : (table->columns - 1) * GAP;

        n = n < table->columns ? n : table->columns;
        for (size_t i = 0; i < table->columns; i++)
                whole += widths[i];
        while (whole > width && (narrow(widths, columns, n, false) || narrow(widths, columns, n, true)))
                whole--;
        for (size_t i = 0; i < table->n; i++)
                for (size_t j = 0; j < table->rows[i].n && j < n; j++)
                        cut_cell(&table->rows[i].cells[j], widths[j], columns[j].cut_middle);
}

size_t terminal_width(int fd)
{
        struct winsize size = { 0 };

        return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void terminal_table_print(const struct terminal_table *table, struct buf *out)
{
        AUTO(mem_free_p) size_t *widths = natural_widths(table);

        for (size_t i = 0; i < table->n; i++)
                print_row(table, &table->rows[i], widths, out);
}

const char *terminal_until(struct wall at, struct wall now, char out[static 40])
{
        static const struct {
                int64_t s;
                char unit;
        } units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
        char second[6] = "";
        int64_t left;
        uint64_t s;
        size_t i = 0;

        if (__builtin_sub_overflow(at.s, now.s, &left))
                left = at.s < now.s ? -INT64_MAX : INT64_MAX;
        s = left < 0 ? -(uint64_t)left : (uint64_t)left;
        while (i < ARRAY_LEN(units) - 1 && s < (uint64_t)units[i].s)
                i++;
        /* Two units while the first is small: "6d 4h", but "213d" and "43m". */
        if (i < 2 && s / (uint64_t)units[i].s < (i == 0 ? 100 : 24)) {
                uint64_t rest = s % (uint64_t)units[i].s / (uint64_t)units[i + 1].s;

                if (rest > 0)
                        (void)snprintf(second, sizeof(second), " %u%c", (unsigned)(uint8_t)rest,
                                       units[i + 1].unit);
        }
        (void)snprintf(out, 40, "%s%llu%c%s%s", left < 0 ? "expired " : "",
                       (unsigned long long)(s / (uint64_t)units[i].s), units[i].unit, second,
                       left < 0 ? " ago" : "");
        return out;
}
