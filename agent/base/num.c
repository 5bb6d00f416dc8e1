// SPDX-License-Identifier: Apache-2.0
/*
 * Strict number parsing.
 */
#include "base/num.h"

#include <stdio.h>
#include <string.h>

#define MS_PER_DAY   INT64_C(86400000)
#define DURATION_MAX (INT64_C(3660) * MS_PER_DAY)

struct unit {
        const char *name;
        int64_t ms;
};

/* Longest names first: "ms" must not be read as "m". */
static const struct unit units[] = {
        { "ms", 1 }, { "d", MS_PER_DAY }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 },
};

int num_parse(const char *text, int64_t min, int64_t max, int64_t *out, struct err *err)
{
        const char *p = text;
        int64_t value = 0;
        int sign = 1;

        if (*p == '-') {
                sign = -1;
                p++;
        }
        if (*p == '\0')
                return err_set(err, ERR_PARSE, "'%.40s' is not a number", text);
        for (; *p != '\0'; p++) {
                if (*p < '0' || *p > '9')
                        return err_set(err, ERR_PARSE, "'%.40s' is not a number", text);
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, sign * (*p - '0'), &value))
                        return err_set(err, ERR_LIMIT, "'%.40s' is too large", text);
        }
        if (value < min || value > max)
                return err_set(err, ERR_LIMIT, "%lld is not between %lld and %lld", (long long)value,
                               (long long)min, (long long)max);
        *out = value;
        return 0;
}

static const struct unit *find_unit(const char *p)
{
        for (size_t i = 0; i < ARRAY_LEN(units); i++)
                if (strncmp(p, units[i].name, strlen(units[i].name)) == 0)
                        return &units[i];
        return NULL;
}

int num_parse_duration(const char *text, int64_t *out_ms, struct err *err)
{
        const char *p = text;
        int64_t total = 0;

        if (strcmp(text, "0") == 0) {
                *out_ms = 0;
                return 0;
        }
        do {
                const struct unit *unit;
                int64_t value = 0;
                int digits = 0;

                for (; *p >= '0' && *p <= '9' && digits < 12; p++, digits++)
                        value = value * 10 + (*p - '0');
                unit = find_unit(p);
                if (digits == 0 || unit == NULL)
                        return err_set(err, ERR_PARSE, "'%.40s' is not a duration such as 30s, 1m30s or 24h",
                                       text);
                if (value > DURATION_MAX / unit->ms || (total += value * unit->ms) > DURATION_MAX)
                        return err_set(err, ERR_LIMIT, "'%.40s' is longer than ten years", text);
                p += strlen(unit->name);
        } while (*p != '\0');
        *out_ms = total;
        return 0;
}

int num_parse_mode(const char *text, unsigned *out, struct err *err)
{
        unsigned mode = 0;
        size_t len = strlen(text);

        if (len < 3 || len > 4 || strspn(text, "01234567") != len || (len == 4 && text[0] != '0'))
                return err_set(err, ERR_PARSE, "'%.40s' is not a file mode such as 0640", text);
        for (const char *p = text; *p != '\0'; p++)
                mode = mode * 8 + (unsigned)(*p - '0');
        *out = mode;
        return 0;
}

const char *num_format_duration(int64_t ms, char out[static NUM_DURATION_MAX])
{
        const char *sign = ms < 0 ? "-" : "";
        int64_t abs_ms = ms < 0 ? -ms : ms;
        int64_t s = abs_ms / 1000;

        if (abs_ms < 1000)
                (void)snprintf(out, NUM_DURATION_MAX, "%s%lldms", sign, (long long)abs_ms);
        else if (s < 60)
                (void)snprintf(out, NUM_DURATION_MAX, "%s%lld.%llds", sign, (long long)s,
                               (long long)(abs_ms % 1000 / 100));
        else if (s < 3600)
                (void)snprintf(out, NUM_DURATION_MAX, "%s%lldm%llds", sign, (long long)(s / 60),
                               (long long)(s % 60));
        else if (s < 172800)
                (void)snprintf(out, NUM_DURATION_MAX, "%s%lldh%lldm", sign, (long long)(s / 3600),
                               (long long)(s % 3600 / 60));
        else
                (void)snprintf(out, NUM_DURATION_MAX, "%s%lldd%lldh", sign, (long long)(s / 86400),
                               (long long)(s % 86400 / 3600));
        return out;
}
