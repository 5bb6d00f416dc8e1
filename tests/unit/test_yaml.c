// SPDX-License-Identifier: Apache-2.0
/*
 * config/yaml.c: what is taken, what is refused, and where it says so.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "config/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void values(void **state UNUSED)
{
        static const struct {
                const char *yaml;
                const char *json;
        } cases[] = {
                { "", "null" },
                { "# only a comment\n", "null" },
                { "---\na: 1\n...\n", "{\"a\":1}" },
                { "a: ~\nb: null\nc:\nd: Null", "{\"a\":null,\"b\":null,\"c\":null,\"d\":\"Null\"}" },
                { "[true, false, True, yes, no, on, off]",
                  "[true,false,\"True\",\"yes\",\"no\",\"on\",\"off\"]" },
                { "[0, -7, 007, 0640, 0o17, 0x1f, 1e3, 1_000, +1, 1.5, -]",
                  "[0,-7,\"007\",\"0640\",\"0o17\",\"0x1f\",\"1e3\",\"1_000\",\"+1\",\"1.5\",\"-\"]" },
                { "[999999999999999, 9007199254740993, 2026-11-22, 12:30:00]",
                  "[999999999999999,\"9007199254740993\",\"2026-11-22\",\"12:30:00\"]" },
                { "['1', \"true\", 'null', \"a\\tb\\u00e4\"]", "[\"1\",\"true\",\"null\",\"a\\tbä\"]" },
                { "a: |\n  two\n  lines\n", "{\"a\":\"two\\nlines\\n\"}" },
                { "{\"a\":{\"b\":[1,{}]},\n\t\"c\":\"\\/\"}", "{\"a\":{\"b\":[1,{}]},\"c\":\"/\"}" },
                { "a: b # comment\r\nc: d\r\n", "{\"a\":\"b\",\"c\":\"d\"}" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(yaml_done_p) struct yaml_doc doc = { NULL, NULL, 0 };
                struct err err = ERR_INIT;
                char *json;

                if (yaml_parse("f", cases[i].yaml, strlen(cases[i].yaml), &doc, &err) != 0)
                        fail_msg("%s: %s", cases[i].yaml, err.text);
                json = json_print(doc.root, false);
                assert_string_equal(json, cases[i].json);
                mem_free(json);
        }
}

static void refusals(void **state UNUSED)
{
        static const struct {
                const char *yaml;
                const char *text;
        } cases[] = {
                { "a: 1\nb: 2\na: 3\n", "f:3:1: key 'a' appears twice" },
                { "a: {b: 1, c: 2, b: 3}", "f:1:17: key 'b' appears twice" },
                { "a: &x 1", "f:1:4: anchors ('&') are not supported" },
                { "a: &x [1]", "f:1:4: anchors ('&') are not supported" },
                { "a: &x {}", "f:1:4: anchors ('&') are not supported" },
                { "&x a: 1", "f:1:1: anchors ('&') are not supported" },
                { "a: *x", "f:1:4: aliases ('*') are not supported" },
                { "a: !!str 1", "f:1:4: tags ('!') are not supported" },
                { "a: !x {}", "f:1:4: tags ('!') are not supported" },
                { "%YAML 1.1\n---\na: 1", "f:1:1: directives ('%') are not supported" },
                { "%TAG ! tag:x,2000:\n---\na: 1", "f:1:1: directives ('%') are not supported" },
                { "a: 1\n---\nb: 2", "f:2:1: a second document: one file holds one" },
                { "<<: {a: 1}", "f:1:1: merge keys ('<<') are not supported: write the keys out" },
                { "? [a]\n: 1", "f:1:3: a key must be a plain word" },
                { "? {a: 1}\n: 1", "f:1:3: a key must be a plain word" },
                { "a: \"x\\0y\"", "f:1:4: a NUL character in a string" },
                { "a:\n\tb: 1", "f:2:1: not YAML: a tab, indent with spaces instead" },
                { "a: [1, 2",
                  "f:2:1: not YAML: did not find expected ',' or ']' while parsing a flow sequence" },
                { "ok: 1\nä: \xff", "f:2:4: not YAML: invalid leading UTF-8 octet" },
                { "a: 1\nb: \x01", "f:2:4: not YAML: control characters are not allowed" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(yaml_done_p) struct yaml_doc doc = { NULL, NULL, 0 };
                struct err err = ERR_INIT;

                assert_int_equal(yaml_parse("f", cases[i].yaml, strlen(cases[i].yaml), &doc, &err), -1);
                assert_string_equal(err.text, cases[i].text);
                assert_int_equal(err.kind, ERR_PARSE);
                assert_null(doc.root);
        }
}

/* text: `n` times `unit`. */
static struct err parse_repeated(const char *unit, size_t n)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(2 * CONFIG_MAX_BYTES);
        AUTO(yaml_done_p) struct yaml_doc doc = { NULL, NULL, 0 };
        struct err err = ERR_INIT;

        for (size_t i = 0; i < n; i++) {
                if (strchr(unit, '%') != NULL)
                        buf_printf(&text, "k%zu: 1\n", i);
                else
                        buf_add_str(&text, unit);
        }
        (void)!yaml_parse("f", buf_str(&text), text.len, &doc, &err);
        return err;
}

static void limits(void **state UNUSED)
{
        struct err err = parse_repeated("[", JSON_MAX_DEPTH + 1);

        assert_int_equal(err.kind, ERR_LIMIT);
        assert_string_equal(err.text, "f:1:65: nested deeper than 64 levels");
        err = parse_repeated("- ", JSON_MAX_DEPTH + 1);
        assert_int_equal(err.kind, ERR_LIMIT);
        err = parse_repeated("%", CONFIG_MAX_KEYS);
        assert_int_equal(err.kind, ERR_NONE);
        err = parse_repeated("%", CONFIG_MAX_KEYS + 1);
        assert_string_equal(err.text, "f:257:1: more than 256 keys in one mapping");
        err = parse_repeated("#", CONFIG_MAX_BYTES);
        assert_int_equal(err.kind, ERR_NONE);
        err = parse_repeated("#", CONFIG_MAX_BYTES + 1);
        assert_string_equal(err.text, "f: larger than 262144 bytes");
        err = parse_repeated("- 1\n", CONFIG_MAX_BYTES / 4);
        assert_int_equal(err.kind, ERR_NONE);
}

static void places(void **state UNUSED)
{
        static const char text[] = "a:\n  ü: {b: [1, x]}\n";
        AUTO(yaml_done_p) struct yaml_doc doc = { NULL, NULL, 0 };
        struct err err = ERR_INIT;
        const cJSON *list;
        const struct yaml_place *place;

        assert_int_equal(yaml_parse("f", text, strlen(text), &doc, &err), 0);
        list = json_get(json_get(json_get(doc.root, "a"), "ü"), "b");
        place = yaml_place(&doc, list);
        assert_int_equal(place->line, 2);
        assert_int_equal(place->column, 10);
        assert_int_equal(place->key_column, 7);
        place = yaml_place(&doc, list->child->next);
        assert_int_equal(place->column, 14);
        assert_null(yaml_place(&doc, (const cJSON *)(const void *)&err));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(values),
                cmocka_unit_test(refusals),
                cmocka_unit_test(limits),
                cmocka_unit_test(places),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
