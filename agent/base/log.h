// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Structured logs on stderr: one event, one line, a name in past tense snake case, typed fields. JSON for
 * machines, aligned text for terminals. base/, certs/ and hooks/wire do not log; an error is logged once, by
 * the one who stops passing it on.
 *
 *   log_info("generation_published", LOG_S("bundle", alias), LOG_I("generation", n));
 */
#include "base/err.h"
#include "base/hex.h"

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_JSON, LOG_TEXT };

enum log_type { LOG_TYPE_STR, LOG_TYPE_INT, LOG_TYPE_BOOL, LOG_TYPE_FINGERPRINT };

struct log_field {
        const char *name;
        enum log_type type;
        const char *str; /* NULL: the field is left out */
        int64_t num;
        const struct fingerprint *fp; /* written in short form: 16 hex digits */
};

#define LOG_S(name_, value)  ((struct log_field){ (name_), LOG_TYPE_STR, (value), 0, NULL })
#define LOG_I(name_, value)  ((struct log_field){ (name_), LOG_TYPE_INT, NULL, (value), NULL })
#define LOG_B(name_, value)  ((struct log_field){ (name_), LOG_TYPE_BOOL, NULL, (value), NULL })
#define LOG_FP(name_, value) ((struct log_field){ (name_), LOG_TYPE_FINGERPRINT, NULL, 0, (value) })
#define LOG_ERR(err)         LOG_S("reason", err_reason((err)->kind)), LOG_S("error", (err)->text)

#define LOG_EVENT(level, event, ...)                                                                         \
        log_event((level), (event), (const struct log_field[]){ __VA_ARGS__ },                               \
                  sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))
#define log_debug(...) LOG_EVENT(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  LOG_EVENT(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  LOG_EVENT(LOG_WARN, __VA_ARGS__)
#define log_error(...) LOG_EVENT(LOG_ERROR, __VA_ARGS__)

/* Called once by main; before that, JSON at level info. color only applies to text. */
void log_init(enum log_format format, enum log_level level, int color);
void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n);
/* "debug" "info" "warn" "error"; -1 when unknown. */
int log_parse_level(const char *text);
