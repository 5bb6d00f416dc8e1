// SPDX-License-Identifier: Apache-2.0
/*
 * Optimal string alignment distance over three rows. Words longer than any of ours are not looked at, so the
 * cost is bounded whatever was typed.
 */
#include "base/near.h"

#include <string.h>

#define WORD_MAX 48

static size_t min3(size_t a, size_t b, size_t c)
{
        size_t least = a < b ? a : b;

        return least < c ? least : c;
}

static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
        size_t rows[3][WORD_MAX + 1];

        for (size_t j = 0; j <= m; j++)
                rows[0][j] = j;
        for (size_t i = 1; i <= n; i++) {
                const size_t *before = rows[(i + 1) % 3];
                const size_t *above = rows[(i - 1) % 3];
                size_t *row = rows[i % 3];

                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                            before[j - 2] + 1 < row[j])
                                row[j] = before[j - 2] + 1;
                }
        }
        return rows[n % 3][m];
}

void near_try(struct near *near, const char *typed, const char *known)
{
        size_t n = strlen(typed);
        size_t m = strlen(known);
        size_t d;

        if (n > WORD_MAX || m > WORD_MAX)
                return;
        d = distance(typed, n, known, m);
        /* A third of the word may be wrong: with more, the guess confuses more than it helps. */
        if (d > (n > m ? n : m) / 3 || (near->best != NULL && d >= near->distance))
                return;
        near->best = known;
        near->distance = d;
}
