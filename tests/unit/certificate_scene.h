// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * JSON in tests, with ' for ". For programs that include cmocka.h before.
 */
#include "base/mem.h"
#include "control/certificate.h"

#include <string.h>

static void swap_quotes(char *text, char from, char to)
{
        for (; *text != '\0'; text++)
                if (*text == from)
                        *text = to;
}

/* NULL in, NULL out. */
static cJSON *parse(const char *text)
{
        AUTO(mem_free_p) char *quoted = mem_strdup(text);
        cJSON *tree = NULL;
        struct err err = ERR_INIT;

        if (quoted == NULL)
                return NULL;
        swap_quotes(quoted, '\'', '"');
        if (json_parse(quoted, strlen(quoted), &tree, &err) != 0)
                fail_msg("%s: %s", err.text, text);
        return tree;
}

static char *print(const cJSON *tree)
{
        char *text = json_print(tree, false);

        swap_quotes(text, '"', '\'');
        return text;
}

static void assert_json(const cJSON *tree, const char *want)
{
        AUTO(mem_free_p) char *got = print(tree);

        assert_string_equal(got, want);
}
