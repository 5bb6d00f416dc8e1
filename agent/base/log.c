// SPDX-License-Identifier: Apache-2.0
/*
 * The log writer. One write(2) per line, so that lines of several processes never mix; a full or closed
 * stderr loses the line and nothing else.
 */
#include "base/log.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES  4096
#define SHORT_FP_DIGITS 16
#define TIME_OF_DAY     11 /* offset of the hour in an RFC 3339 time */

static struct {
        enum log_format format;
        enum log_level level;
        int color;
} settings = { LOG_JSON, LOG_INFO, 0 };

static const struct {
        const char *name;
        const char *color;
} levels[] = {
        [LOG_DEBUG] = { "debug", "\033[2m" },
        [LOG_INFO] = { "info", "" },
        [LOG_WARN] = { "warn", "\033[33m" },
        [LOG_ERROR] = { "error", "\033[31m" },
};

void log_init(enum log_format format, enum log_level level, int color)
{
        settings.format = format;
        settings.level = level;
        settings.color = color;
}

int log_parse_level(const char *text)
{
        for (size_t i = 0; i < ARRAY_LEN(levels); i++)
                if (strcmp(levels[i].name, text) == 0)
                        return (int)i;
        return -1;
}

static void add_time(struct buf *line)
{
        char text[40];
        struct timespec ts;
        struct tm tm;

        (void)clock_gettime(CLOCK_REALTIME, &ts);
        if (gmtime_r(&ts.tv_sec, &tm) == NULL || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
                text[0] = '\0';
        buf_printf(line, "%s.%03ldZ", settings.format == LOG_JSON ? text : text + TIME_OF_DAY,
                   ts.tv_nsec / 1000000);
}

static void add_value(struct buf *line, const struct log_field *field)
{
        char fp[FINGERPRINT_TEXT_MAX];

        switch (field->type) {
        case LOG_TYPE_STR:
                if (settings.format == LOG_JSON || strpbrk(field->str, " \"\\\n\t\033") != NULL)
                        buf_add_json(line, field->str);
                else
                        buf_add_str(line, field->str);
                break;
        case LOG_TYPE_INT:
                buf_printf(line, "%lld", (long long)field->num);
                break;
        case LOG_TYPE_BOOL:
                buf_add_str(line, field->num != 0 ? "true" : "false");
                break;
        case LOG_TYPE_FINGERPRINT:
                buf_printf(line, settings.format == LOG_JSON ? "\"%.*s\"" : "%.*s", SHORT_FP_DIGITS,
                           hex_fingerprint(field->fp, fp));
                break;
        }
}

static int left_out(const struct log_field *field)
{
        return (field->type == LOG_TYPE_STR && field->str == NULL) ||
               (field->type == LOG_TYPE_FINGERPRINT &&
                (field->fp == NULL || hex_fingerprint_is_none(field->fp)));
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
        AUTO(buf_done_p) struct buf line = BUF_INIT(LINE_MAX_BYTES);
        const char *color = settings.color ? levels[level].color : "";

        if (level < settings.level)
                return;
        if (settings.format == LOG_JSON) {
                buf_add_str(&line, "{\"time\":\"");
                add_time(&line);
                buf_printf(&line, "\",\"level\":\"%s\",\"event\":\"%s\"", levels[level].name, event);
        } else {
                buf_add_str(&line, color);
                add_time(&line);
                buf_printf(&line, " %-5s %-22s", levels[level].name, event);
        }
        for (size_t i = 0; i < n; i++) {
                if (left_out(&fields[i]))
                        continue;
                buf_printf(&line, settings.format == LOG_JSON ? ",\"%s\":" : " %s=", fields[i].name);
                add_value(&line, &fields[i]);
        }
        buf_add_str(&line, settings.format == LOG_JSON ? "}" : "");
        buf_add_str(&line, *color != '\0' ? "\033[0m\n" : "\n");
        if (write(STDERR_FILENO, buf_str(&line), line.len) == -1)
                return;
}
