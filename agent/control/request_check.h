// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a field of a request holds, and the sentence when it is something else. Texts of errors begin with the
 * field as seen from the object that is looked at (".issuerRef.name: is missing"), so that each level only
 * puts itself in front. A field that is null is not there.
 */
#include "base/err.h"
#include "base/json.h"

#define REQUEST_CHECK_SHOWN_MAX 64

/* `text` for a sentence: cut, and without what would move a terminal's cursor. */
const char *request_check_shown(const char *text, char out[static REQUEST_CHECK_SHOWN_MAX]);
/* Each yields -1, as err_set does. "<field>: <sentence>", ERR_USAGE; and a field in front of the text that is
 * there. */
#define request_check_fail(err, field, ...) (request_check_fail_((err), (field), __VA_ARGS__), -1)
#define request_check_below(err, ...)       (request_check_below_((err), __VA_ARGS__), -1)

void request_check_fail_(struct err *err, const char *field, const char *fmt, ...) FORMAT(3, 4);
void request_check_below_(struct err *err, const char *fmt, ...) FORMAT(2, 3);

bool request_check_has(const cJSON *object, const char *key);
/* Each: *out stays as it is when the field is not there; ERR_USAGE when it is not of that type. */
int request_check_object(const cJSON *object, const char *key, const cJSON **out, struct err *err) MUST_CHECK;
int request_check_list(const cJSON *object, const char *key, int most, const cJSON **out,
                       struct err *err) MUST_CHECK;
int request_check_bool(const cJSON *object, const char *key, bool *out, struct err *err) MUST_CHECK;
int request_check_word(const cJSON *object, const char *key, const char *const *words, const char **out,
                       struct err *err) MUST_CHECK;
/* A time of at least `least` milliseconds. */
int request_check_span(const cJSON *object, const char *key, int64_t least, const char *such_as, int64_t *out,
                       struct err *err) MUST_CHECK;
/* The name of an object of the API. */
int request_check_name(const cJSON *object, const char *key, const char **out, struct err *err) MUST_CHECK;
/* The value itself is a text of 1..most characters on one line. */
int request_check_line(const cJSON *value, size_t most, struct err *err) MUST_CHECK;
