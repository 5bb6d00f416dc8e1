// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Text for people: columns that line up, colour only on a terminal (never with NO_COLOR or TERM=dumb).
 */
#include "base/buf.h"
#include "base/clock.h"

enum terminal_style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_WARN, STYLE_BAD };

bool terminal_has_color(int fd);

/* Appends text with control characters and broken UTF-8 as '?'; returns the number of characters. */
size_t terminal_clean(struct buf *out, const char *text);

struct terminal_cell {
        const char *text; /* copied; NULL: empty */
        enum terminal_style style;
};

struct terminal_table;

struct terminal_table *terminal_table_new(bool color);
void terminal_table_free(struct terminal_table *table);
AUTO_DEFINE(struct terminal_table, terminal_table_free)
/* A row; missing cells are empty. Widths count characters (UTF-8), not bytes; control characters become '?'.
 */
void terminal_table_row(struct terminal_table *table, const struct terminal_cell *cells, size_t n);
void terminal_table_print(const struct terminal_table *table, struct buf *out);

struct terminal_column {
        size_t enough;   /* characters that say what matters */
        size_t least;    /* characters it keeps */
        bool cut_middle; /* names that differ in their ends; else the end is cut */
};
/* Cuts cells, with "…", until a line has at most width characters: all columns down to what is enough, then
 * down to their least, the one that has most above it first. Where that does not do, lines stay wider.
 * Columns without a description are not cut. */
void terminal_table_fit(struct terminal_table *table, size_t width, const struct terminal_column *columns,
                        size_t n);
/* Columns of the terminal, 0: it is none, or does not say. */
size_t terminal_width(int fd);

/* "6d 4h", "43m", "expired 2d ago"; relative to now. */
const char *terminal_until(struct wall at, struct wall now, char out[static 40]);
