// SPDX-License-Identifier: Apache-2.0
/*
 * hooks/properties.c: what Java reads, and what stays as it was.
 */
#include "hooks/properties.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROOM ((size_t)1 << 16)

static void values(void **state UNUSED)
{
        static const struct {
                const char *text;
                const char *value; /* of "k"; NULL: there is none */
        } cases[] = {
                { "", NULL },
                { "k=v", "v" },
                { "k = v \n", "v " },
                { "  \t\fk:v\r\n", "v" },
                { "k v", "v" },
                { "k\t:\t v", "v" },
                { "k\f=\f\fv", "v" },
                { "k==v\nk := v", "= v" },
                { "k", "" },
                { "k=", "" },
                { "#k=v\n!k=v\n", NULL },
                { " # k=v\n", NULL },
                { "#c\\\nk=v", "v" }, /* a comment is not continued */
                { "k=#v", "#v" },
                { "K=v", NULL },
                { "kk=v\nk.k=v\n", NULL },
                { "k=1\nk=2\nx=3\nk=4\n", "4" },
                { "k=a\\\nb", "ab" },
                { "k=a\\\n  \t b", "ab" },
                { "k=a\\\r\n b\\\r c\\\n d", "abcd" },
                { "k=a\\\\\nb=c", "a\\" },
                { "k=a\\\\\\\nb=c", "a\\b=c" },
                { "k=a\\\n\nb=c", "a" },
                { "k=a\\\n#b", "a#b" }, /* nor is what continues one */
                { "k=a\\", "a" },
                { "k=a\\\\\\", "a\\" },
                { "x=a\\\nk=v\n", NULL },
                { "\\\nk=v", "v" },
                { "\\\n#c\nk=v", "v" },
                { "\\\n\n\nk=v", "v" },
                { "\\\n", NULL },
                { "\\k=v", "v" },
                { "\\u006b=v", "v" },
                { "\\ k=v\nk\\==v\nk\\:=v\n", NULL },
                { "k=\\t\\n\\r\\f\\x\\=\\ ", "\t\n\r\fx= " },
                { "k=\\u0041\\u00e4\\u20AC", "A\xc3\xa4\xe2\x82\xac" },
                { "k=\\ud83d\\u0000", "\xef\xbf\xbd\xef\xbf\xbd" },
                { "k=\xc3\xa4", "\xc3\xa4" },
                { "a=b\rk=v\r", "v" },
                { "\n\n\r\n k=v", "v" },
                { "k\\\n=v", "v" },
                { "k=v\n   ", "v" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);
                struct err err = ERR_INIT;
                bool found = false;

                assert_int_equal(properties_get(cases[i].text, "k", &out, &found, &err), 0);
                if (found != (cases[i].value != NULL) ||
                    (found && strcmp(buf_str(&out), cases[i].value) != 0))
                        fail_msg("'%s' gives '%s'", cases[i].text, found ? buf_str(&out) : "nothing");
        }
}

static void refuses_what_java_refuses(void **state UNUSED)
{
        static const struct {
                const char *text;
                const char *line;
        } cases[] = {
                { "x=\\u12", "line 1:" },
                { "#\r\n\r\nx=\\uzzzz\n", "line 3:" },
                { "a=b\\\nc\rd=e\n\\u=x", "line 4:" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                static const struct properties_change change = { "k", "v" };
                AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);
                struct err err = ERR_INIT;
                bool found;

                assert_int_equal(properties_get(cases[i].text, "k", &out, &found, &err), -1);
                assert_int_equal(err.kind, ERR_PARSE);
                assert_non_null(strstr(err.text, cases[i].line));
                assert_int_equal(properties_apply(cases[i].text, &change, 1, &out, &err), -1);
                assert_int_equal(err.kind, ERR_PARSE);
        }
}

/* "on" is to be 1 2, "dir" C:\x, "off" gone. */
static const struct properties_change changes[] = { { "on", "1 2" }, { "off", NULL }, { "dir", "C:\\x" } };

static void edits(void **state UNUSED)
{
        static const struct {
                const char *before;
                const char *after;
        } cases[] = {
                { "", "on=1 2\ndir=C:\\\\x\n" },
                { "# c\na = b", "# c\na = b\non=1 2\ndir=C:\\\\x\n" },
                { "a=b\r\n", "a=b\r\non=1 2\r\ndir=C:\\\\x\r\n" },
                { "a=b\r", "a=b\ron=1 2\rdir=C:\\\\x\r" },
                { "a=b\\", "a=b\\\n\non=1 2\ndir=C:\\\\x\n" },
                { "a=b\\\n", "a=b\\\n\non=1 2\ndir=C:\\\\x\n" },
                { "a=b\\\r\n  ", "a=b\\\r\n  \r\n\r\non=1 2\r\ndir=C:\\\\x\r\n" },
                /* behind a lone \r a \n would only be the rest of it, and the line still continued */
                { "x\ny=\\\r", "x\ny=\\\r\ron=1 2\rdir=C:\\\\x\r" },
                { "# c\\", "# c\\\non=1 2\ndir=C:\\\\x\n" },
                /* right already, however it is written */
                { " on : \\\n  1\\u00202\ndir C:\\\\x", " on : \\\n  1\\u00202\ndir C:\\\\x" },
                { "dir=C:\\\\x\n\non=3\n! c\n", "dir=C:\\\\x\n\non=1 2\n! c\n" },
                { "on=3 \\\n 4\nx=y\ndir=\\\\x\n", "on=1 2\nx=y\ndir=C:\\\\x\n" },
                { "on=3\ndir=C:\\\\x", "on=1 2\ndir=C:\\\\x" },
                /* of several the last one counts */
                { "on=1\non=2\ndir=C:\\\\x\n", "on=1\non=1 2\ndir=C:\\\\x\n" },
                { "on=1\non=1 2\ndir=C:\\\\x\n", "on=1\non=1 2\ndir=C:\\\\x\n" },
                /* all of them go */
                { "off=1\n#off\n off \\\n 2\nx=off\non=1 2\ndir=C:\\\\x\noff",
                  "#off\nx=off\non=1 2\ndir=C:\\\\x\n" },
                { "off=\\", "\non=1 2\ndir=C:\\\\x\n" },
                { "on.off=1\noff.x=2\n", "on.off=1\noff.x=2\non=1 2\ndir=C:\\\\x\n" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);
                AUTO(buf_done_p) struct buf again = BUF_INIT(ROOM);
                struct err err = ERR_INIT;

                assert_int_equal(properties_apply(cases[i].before, changes, ARRAY_LEN(changes), &out, &err),
                                 0);
                assert_string_equal(buf_str(&out), cases[i].after);
                assert_int_equal(properties_apply(buf_str(&out), changes, ARRAY_LEN(changes), &again, &err),
                                 0);
                assert_string_equal(buf_str(&again), cases[i].after);
        }
}

/* What is written reads back, whatever is in it. */
static void writes_any_value(void **state UNUSED)
{
        static const char *const texts[] = {
                "",
                " ",
                "  a",
                "a ",
                "\\",
                "a\\",
                "\\u0041",
                "#",
                "!x",
                "=",
                ":",
                "a=b:c",
                "\t\n\r\f\x01",
                "\x7f",
                "{\"type\": \"environment\", \"variable\": \"X\"}",
                "\xc3\xa4",
        };

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                const struct properties_change change = { "k", texts[i] };
                AUTO(buf_done_p) struct buf out = BUF_INIT(ROOM);
                AUTO(buf_done_p) struct buf value = BUF_INIT(ROOM);
                struct err err = ERR_INIT;
                bool found;

                assert_int_equal(properties_apply("x=y", &change, 1, &out, &err), 0);
                assert_int_equal(properties_get(buf_str(&out), "k", &value, &found, &err), 0);
                assert_true(found);
                assert_string_equal(buf_str(&value), texts[i]);
        }
}

static void is_bounded(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(8);
        struct err err = ERR_INIT;

        assert_int_equal(properties_apply("a=b", changes, ARRAY_LEN(changes), &out, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(values),     cmocka_unit_test(refuses_what_java_refuses),
                cmocka_unit_test(edits),      cmocka_unit_test(writes_any_value),
                cmocka_unit_test(is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
