// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Spans of time and lists of names as sentences need them.
 */
#include "base/buf.h"

#define WORDING_MAX 640

struct wording {
        char s[WORDING_MAX];
};

/* "2 days 3 hours", "45 seconds": the two largest units. */
struct wording wording_span(int64_t seconds);
/* Adds an item to a comma-separated list of which only the first few are shown; count starts at 0. */
void wording_add(struct buf *list, size_t *count, const char *item);
/* "and 12 more", when there were. */
void wording_end(struct buf *list, size_t count);
