// SPDX-License-Identifier: Apache-2.0
/*
 * Spans and lists in sentences for people. Bounded, whatever a certificate holds.
 */
#include "certs/wording.h"

#include <stdio.h>

#define SHOWN_ITEMS 6

struct wording wording_span(int64_t seconds)
{
        static const struct {
                int64_t seconds;
                const char *name;
        } units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
        struct wording text = { "0 seconds" };

        for (size_t i = 0; i < ARRAY_LEN(units); i++) {
                const int64_t count = seconds / units[i].seconds;
                int64_t rest;
                int len;

                if (count == 0)
                        continue;
                len = snprintf(text.s, sizeof(text.s), "%lld %s%s", (long long)count, units[i].name,
                               count == 1 ? "" : "s");
                rest = i + 1 < ARRAY_LEN(units) ? seconds % units[i].seconds / units[i + 1].seconds : 0;
                if (rest > 0)
                        (void)snprintf(text.s + len, sizeof(text.s) - (size_t)len, " %lld %s%s",
                                       (long long)rest, units[i + 1].name, rest == 1 ? "" : "s");
                return text;
        }
        return text;
}

void wording_add(struct buf *list, size_t *count, const char *item)
{
        if (++*count <= SHOWN_ITEMS)
                buf_printf(list, "%s%.80s", *count == 1 ? "" : ", ", item);
}

void wording_end(struct buf *list, size_t count)
{
        if (count > SHOWN_ITEMS)
                buf_printf(list, " and %zu more", count - SHOWN_ITEMS);
}
