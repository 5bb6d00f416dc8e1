// SPDX-License-Identifier: Apache-2.0
#include "control/request_check.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "control/request.h"
#include "kube/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SPAN_MAX 32

const char *request_check_shown(const char *text, char out[static REQUEST_CHECK_SHOWN_MAX])
{
        static const char more[] = "...";
        const size_t room = REQUEST_CHECK_SHOWN_MAX - sizeof(more);
        size_t n = 0;

        for (const uint8_t *p = (const uint8_t *)text; *p != '\0';) {
                const size_t len = utf8_len(p);

                if (n + (len == 0 ? 1 : len) > room) {
                        memcpy(out + n, more, sizeof(more));
                        return out;
                }
                if (len == 0 || utf8_is_control(utf8_decode(p, len))) {
                        out[n++] = '?';
                } else {
                        memcpy(out + n, p, len);
                        n += len;
                }
                p += len == 0 ? 1 : len;
        }
        out[n] = '\0';
        return out;
}

void request_check_fail_(struct err *err, const char *field, const char *fmt, ...)
{
        char text[ERR_TEXT_MAX];
        va_list args;

        va_start(args, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, args);
        va_end(args);
        err_set_(err, ERR_USAGE, "%s%s: %s", field[0] == '\0' ? "" : ".", field, text);
}

void request_check_below_(struct err *err, const char *fmt, ...)
{
        char field[128], text[ERR_TEXT_MAX];
        va_list args;

        va_start(args, fmt);
        (void)vsnprintf(field, sizeof(field), fmt, args);
        va_end(args);
        memcpy(text, err->text, sizeof(text));
        err_set_(err, err->kind, "%s%s", field, text);
}

bool request_check_has(const cJSON *object, const char *key)
{
        const cJSON *value = json_get(object, key);

        return value != NULL && !cJSON_IsNull(value);
}

int request_check_object(const cJSON *object, const char *key, const cJSON **out, struct err *err)
{
        if (!request_check_has(object, key))
                return 0;
        if (!cJSON_IsObject(json_get(object, key)))
                return request_check_fail(err, key, "must be an object");
        *out = json_get(object, key);
        return 0;
}

int request_check_list(const cJSON *object, const char *key, int most, const cJSON **out, struct err *err)
{
        if (!request_check_has(object, key))
                return 0;
        if (!cJSON_IsArray(json_get(object, key)))
                return request_check_fail(err, key, "must be a list");
        if (cJSON_GetArraySize(json_get(object, key)) > most)
                return request_check_fail(err, key, "has more than %d entries", most);
        *out = json_get(object, key);
        return 0;
}

int request_check_bool(const cJSON *object, const char *key, bool *out, struct err *err)
{
        if (!request_check_has(object, key))
                return 0;
        if (!cJSON_IsBool(json_get(object, key)))
                return request_check_fail(err, key, "must be true or false");
        *out = json_get_bool(object, key);
        return 0;
}

static int text_of(const cJSON *object, const char *key, const char **out, struct err *err)
{
        if (!cJSON_IsString(json_get(object, key)))
                return request_check_fail(err, key, "must be a text");
        *out = json_get_str(object, key);
        return 0;
}

int request_check_word(const cJSON *object, const char *key, const char *const *words, const char **out,
                       struct err *err)
{
        AUTO(buf_done_p) struct buf all = BUF_INIT(256);
        char shown[REQUEST_CHECK_SHOWN_MAX];
        const char *word = NULL;

        if (!request_check_has(object, key))
                return 0;
        if (text_of(object, key, &word, err) != 0)
                return -1;
        for (size_t i = 0; words[i] != NULL; i++) {
                if (strcmp(words[i], word) == 0) {
                        *out = words[i];
                        return 0;
                }
                buf_printf(&all, "%s%s", i == 0 ? "" : ", ", words[i]);
        }
        return request_check_fail(err, key, "'%s' is none of: %s", request_check_shown(word, shown),
                                  buf_str(&all));
}

int request_check_span(const cJSON *object, const char *key, int64_t least, const char *such_as, int64_t *out,
                       struct err *err)
{
        char shown[REQUEST_CHECK_SHOWN_MAX];
        const char *text = NULL;
        struct err unread;
        int64_t ms;

        if (!request_check_has(object, key))
                return 0;
        if (text_of(object, key, &text, err) != 0)
                return -1;
        if (strlen(text) > SPAN_MAX || request_duration(text, &ms, &unread) != 0)
                return request_check_fail(err, key, "'%s' is not a time such as %s",
                                          request_check_shown(text, shown), such_as);
        if (ms < least)
                return request_check_fail(err, key, "'%s' is too short, use %s or more", text, such_as);
        *out = ms;
        return 0;
}

int request_check_name(const cJSON *object, const char *key, const char **out, struct err *err)
{
        char shown[REQUEST_CHECK_SHOWN_MAX];
        const char *name = NULL;

        if (!request_check_has(object, key))
                return 0;
        if (text_of(object, key, &name, err) != 0)
                return -1;
        if (!kube_names_is_subdomain(name))
                return request_check_fail(
                        err, key, "'%s' is no name of an object: lower-case letters, digits, '-' and '.'",
                        request_check_shown(name, shown));
        *out = name;
        return 0;
}

int request_check_line(const cJSON *value, size_t most, struct err *err)
{
        const char *text = cJSON_GetStringValue(value);
        size_t n = 0;

        if (text == NULL || text[0] == '\0')
                return request_check_fail(err, "", "must be a text");
        for (const char *p = text; *p != '\0'; p++) {
                if ((unsigned char)*p < ' ' || *p == '\x7f')
                        return request_check_fail(err, "", "must be a text on one line");
                n += (*p & '\xc0') != '\x80'; /* where a character begins */
        }
        return n <= most ? 0 : request_check_fail(err, "", "is longer than %zu characters", most);
}
