// SPDX-License-Identifier: Apache-2.0
#include "serve/exposition.h"

#include "base/utf8.h"

/* Upper bounds of histogram.c in seconds. */
static const char *const bounds[STATUS_BUCKETS] = { "0.001", "0.002", "0.005", "0.01", "0.025", "0.05",
                                                    "0.1",   "0.25",  "1",     "5",    "30",    "+Inf" };

void exposition_head(struct buf *out, const char *name, const char *type, const char *help)
{
        buf_printf(out, "# HELP certrotate_%s %s\n# TYPE certrotate_%s %s\n", name, help, name, type);
}

void exposition_label(struct buf *out, const char *name, const char *value)
{
        const uint8_t *p = (const uint8_t *)value;

        buf_printf(out, "%s=\"", name);
        while (*p != '\0') {
                const size_t len = utf8_len(p);

                if (*p == '\\' || *p == '"')
                        buf_printf(out, "\\%c", *p);
                else if (*p == '\n')
                        buf_add_str(out, "\\n");
                else if (len == 0)
                        buf_add_str(out, "\xef\xbf\xbd");
                else
                        buf_add(out, p, len);
                p += len == 0 ? 1 : len;
        }
        buf_add_char(out, '"');
}

void exposition_value(struct buf *out, const char *name, const char *type, const char *help, int64_t value)
{
        exposition_head(out, name, type, help);
        buf_printf(out, "certrotate_%s %lld\n", name, (long long)value);
}

void exposition_histogram(struct buf *out, const char *name, const char *label, const char *value,
                          const struct histogram *histogram)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < STATUS_BUCKETS; i++) {
                sum += histogram->counts[i];
                buf_printf(out, "certrotate_%s_bucket{", name);
                if (label != NULL) {
                        exposition_label(out, label, value);
                        buf_add_char(out, ',');
                }
                buf_printf(out, "le=\"%s\"} %llu\n", bounds[i], (unsigned long long)sum);
        }
        for (int i = 0; i < 2; i++) {
                buf_printf(out, "certrotate_%s_%s", name, i == 0 ? "sum" : "count");
                if (label != NULL) {
                        buf_add_char(out, '{');
                        exposition_label(out, label, value);
                        buf_add_char(out, '}');
                }
                if (i == 0)
                        buf_printf(out, " %lld.%06lld\n", (long long)(histogram->sum_us / 1000000),
                                   (long long)(histogram->sum_us % 1000000));
                else
                        buf_printf(out, " %llu\n", (unsigned long long)histogram->n);
        }
}
