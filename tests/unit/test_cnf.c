// SPDX-License-Identifier: Apache-2.0
/*
 * cnf: what is not changed stays byte for byte.
 */
#include "hooks/cnf.h"

#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char file[] = "# memsql\n\n[server]\n  port=3306 \nssl-cert = /a ; not a comment\nskip_x\n"
                           "!include x\n\n[other]\nssl_cert = /other\r\n[server]\nssl_cert\t=\t/b\n\n# end";

static void walk(void **state UNUSED)
{
        struct cnf cnf = CNF_INIT(file);
        struct cnf_text value;
        int sections = 0;
        int entries = 0;
        size_t len = 0;

        while (cnf_next(&cnf)) {
                sections += cnf.kind == CNF_SECTION;
                entries += cnf.kind == CNF_ENTRY;
                len += cnf.line.len;
        }
        assert_int_equal(sections, 3);
        assert_int_equal(entries, 5);
        assert_int_equal(len, strlen(file));
        assert_true(cnf_find(file, "server", "ssl_cert", &value) && cnf_is(value, "/b"));
        assert_true(cnf_find(file, "other", "ssl-cert", &value) && cnf_is(value, "/other"));
        assert_true(cnf_find(file, "server", "skip-x", &value) && cnf_is(value, ""));
        assert_false(cnf_find(file, "server", "ssl_key", &value));
        assert_false(cnf_find(file, "nowhere", "ssl_cert", &value));
        assert_false(cnf_find("x = 1\n", "server", "x", &value));
}

static void check(void **state UNUSED)
{
        static const struct {
                const char *text;
                const char *fault; /* NULL: fine */
        } cases[] = {
                { "", NULL },           { file, NULL },
                { "\n\n[a]\nx", NULL }, { "[a]\n[b\n", "line 2: '[b' is no section" },
                { "[]", "line 1" },     { "[a]\n\n = 3\n", "line 3: a value without a key" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct err err = ERR_INIT;
                int result = cnf_check(cases[i].text, &err);

                assert_int_equal(result, cases[i].fault == NULL ? 0 : -1);
                if (result == -1 && (err.kind != ERR_PARSE || strstr(err.text, cases[i].fault) == NULL))
                        fail_msg("%s: %s", cases[i].fault, err.text);
        }
}

static void too_many(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(CONFIG_MAX_BYTES);
        struct err err = ERR_INIT;

        buf_add_str(&text, "[server]\n");
        for (int i = 0; i < CNF_ENTRIES_MAX; i++)
                buf_add_str(&text, "a=1\n");
        assert_int_equal(cnf_check(buf_str(&text), &err), 0);
        buf_add_str(&text, "a=1\n");
        assert_int_equal(cnf_check(buf_str(&text), &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
}

static void expect_edit(const char *text, const char *key, const char *value, const char *wanted)
{
        AUTO(buf_done_p) struct buf once = BUF_INIT(CONFIG_MAX_BYTES);
        AUTO(buf_done_p) struct buf twice = BUF_INIT(CONFIG_MAX_BYTES);

        cnf_set(text, "server", key, value, &once);
        assert_string_equal(buf_str(&once), wanted);
        cnf_set(buf_str(&once), "server", key, value, &twice);
        assert_string_equal(buf_str(&twice), wanted);
}

static void edit(void **state UNUSED)
{
        expect_edit("", "a", "1", "[server]\na = 1\n");
        expect_edit("# x", "a", "1", "# x\n[server]\na = 1\n");
        expect_edit("[server]\nb=2\n\n[c]\nd=4", "a", "1", "[server]\nb=2\na = 1\n\n[c]\nd=4");
        expect_edit("[server]", "a", "1", "[server]\na = 1\n");
        expect_edit("[server]\n\ta =  2  # two\r\nb=3\n", "a", "1", "[server]\n\ta =  1\r\nb=3\n");
        expect_edit("[server]\na=1\na=2\n", "a", "3", "[server]\na=1\na=3\n");
        expect_edit("[server]\nssl-cert=/x\n", "ssl_cert", "/y", "[server]\nssl-cert=/y\n");
        expect_edit("[server]\nskip\n", "skip", "1", "[server]\nskip = 1\n");
        expect_edit("[server]\na =\nb=1\n", "a", "1", "[server]\na =1\nb=1\n");
        expect_edit("a=1\n", "a", "2", "a=1\n[server]\na = 2\n");
        expect_edit("[server]\na=1", "b", "2", "[server]\na=1\nb = 2\n");
}

/* Once more changes nothing, whatever blanks stand behind the value. */
static void merge_of_a_key_twice(void **state UNUSED)
{
        static const char text[] = "[server]\nx\t\n",
                          patch[] = "x\n[server]\nx = 1\nX-y = 2\n[other]\nx = 3\n";
        AUTO(buf_done_p) struct buf once = BUF_INIT(1024);
        AUTO(buf_done_p) struct buf twice = BUF_INIT(1024);

        cnf_merge(text, patch, "server", &once);
        assert_string_equal(buf_str(&once), "[server]\nx = 1\t\nX-y = 2\n[other]\nx = 3\n");
        cnf_merge(buf_str(&once), patch, "server", &twice);
        assert_string_equal(buf_str(&twice), buf_str(&once));
}

static void merge(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(CONFIG_MAX_BYTES);

        cnf_merge("# base\n[server]\nmax_connections = 250\nkeep = me\n",
                  "max-connections = 550\n# said by somebody\n[client]\nport = 1\n[server]\nnew=2\nnew = 3\n",
                  "server", &out);
        assert_string_equal(buf_str(&out), "# base\n[server]\nmax_connections = 550\nkeep = me\nnew = 3\n"
                                           "[client]\nport = 1\n");
}

static void too_large(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(CONFIG_MAX_BYTES);
        AUTO(buf_done_p) struct buf out = BUF_INIT(CONFIG_MAX_BYTES);

        buf_add_str(&text, "[server]\n#");
        while (text.len < CONFIG_MAX_BYTES - 2)
                buf_add_char(&text, 'x');
        cnf_set(buf_str(&text), "server", "a", "1", &out);
        assert_true(out.overflow);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(walk),      cmocka_unit_test(check), cmocka_unit_test(too_many),
                cmocka_unit_test(edit),      cmocka_unit_test(merge), cmocka_unit_test(merge_of_a_key_twice),
                cmocka_unit_test(too_large),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
