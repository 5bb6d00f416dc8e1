// SPDX-License-Identifier: Apache-2.0
/*
 * hooks/ini.c and hooks/mssql_conf.c: texts before and after, byte for byte.
 */
#include "base/mem.h"
#include "hooks/drivers.h"
#include "hooks/ini.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MAX 65536

struct edit_case {
        const char *name;
        const char *before;
        const char *after;
};

static const struct ini_wish sets[] = {
        { .key = "a", .value = "1" },
        { .key = "b", .value = "two words" },
        { .key = "kept", .value = "ours", .keep = true },
};
static const struct ini_wish takes[] = { { .key = "a" }, { .key = "b" }, { .key = "kept" } };

static char *edited(const char *text, const struct ini_wish *wishes, size_t n)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(MAX);
        struct err err = ERR_INIT;

        if (ini_edit(text, "net", wishes, n, &out, &err) == -1)
                fail_msg("%s", err.text);
        return mem_strdup(buf_str(&out));
}

static void check(const struct edit_case *cases, size_t n_cases, const struct ini_wish *wishes, size_t n)
{
        for (size_t i = 0; i < n_cases; i++) {
                AUTO(mem_free_p) char *once = edited(cases[i].before, wishes, n);
                AUTO(mem_free_p) char *twice = edited(once, wishes, n);

                if (strcmp(once, cases[i].after) != 0)
                        fail_msg("%s:\n--- got\n%s\n--- wanted\n%s", cases[i].name, once, cases[i].after);
                if (strcmp(once, twice) != 0)
                        fail_msg("%s, again:\n--- got\n%s", cases[i].name, twice);
        }
}

static void set(void **state UNUSED)
{
        static const struct edit_case cases[] = {
                { "no file", "", "[net]\na = 1\nb = two words\nkept = ours\n" },
                { "another section", "[x]\ny = 1\n",
                  "[x]\ny = 1\n\n[net]\na = 1\nb = two words\nkept = ours\n" },
                { "no last line end", "[x]\ny = 1",
                  "[x]\ny = 1\n\n[net]\na = 1\nb = two words\nkept = ours" },
                { "CRLF", "[x]\r\ny = 1\r\n",
                  "[x]\r\ny = 1\r\n\r\n[net]\r\na = 1\r\nb = two words\r\nkept = ours\r\n" },
                { "values change, the rest stays",
                  "# c\n[Net]\n  A=0 \nother = x\n; d\nB :  old\nkept =theirs\n\n[z]\na = 9\n",
                  "# c\n[Net]\n  A=1 \nother = x\n; d\nB :  two words\nkept =theirs\n\n[z]\na = 9\n" },
                { "missing ones behind the last entry", "[net]\nother = x\n\n# of z\n[z]\na = 9\n",
                  "[net]\nother = x\na = 1\nb = two words\nkept = ours\n\n# of z\n[z]\na = 9\n" },
                { "an empty section", "[net]\n\n[z]\n", "[net]\na = 1\nb = two words\nkept = ours\n\n[z]\n" },
                { "in CRLF, in the middle", "[net]\r\nb = x\r\n[z]\r\n",
                  "[net]\r\nb = two words\r\na = 1\r\nkept = ours\r\n[z]\r\n" },
                { "the last line has no end", "[net]\nb = x", "[net]\nb = two words\na = 1\nkept = ours" },
                { "twice", "[net]\na = 5\na = 6\n[z]\n[net]\na = 7\nb = x\n",
                  "[net]\na = 1\na = 1\nkept = ours\n[z]\n[net]\na = 1\nb = two words\n" },
                { "an empty value", "[net]\na =\nb\t=\t\nkept =\n",
                  "[net]\na =1\nb\t=two words\t\nkept =\n" },
                { "a mark at the start", "\xef\xbb\xbf[net]\na = 0\nb = 0\nkept = 0\n",
                  "\xef\xbb\xbf[net]\na = 1\nb = two words\nkept = 0\n" },
                { "a remark behind the section", "[net] # ours\na = 0\nb = 0\nkept = 0\n",
                  "[net] # ours\na = 1\nb = two words\nkept = 0\n" },
        };

        check(cases, ARRAY_LEN(cases), sets, ARRAY_LEN(sets));
}

static void take_out(void **state UNUSED)
{
        static const struct edit_case cases[] = {
                { "no file", "", "" },
                { "nothing of it", "[x]\ny = 1\n", "[x]\ny = 1\n" },
                { "the section goes", "[net]\na = 1\nB = 2\n", "" },
                { "with the blank line before it", "[x]\ny = 1\n\n[net]\na = 1\n\n", "[x]\ny = 1\n" },
                { "in the middle", "[x]\n\n[net]\na = 1\n\n[z]\n", "[x]\n\n[z]\n" },
                { "something else stays", "[net]\na = 1\nother = 2\nb = 3\n", "[net]\nother = 2\n" },
                { "a comment stays", "[net]\n# mine\na = 1\n", "[net]\n# mine\n" },
                { "empty before", "[net]\n\n[x]\n", "[net]\n\n[x]\n" },
                { "no last line end", "[x]\r\ny = 1\r\n\r\n[net]\r\na = 1", "[x]\r\ny = 1" },
                { "twice", "[net]\na = 1\n[x]\n[net]\na = 1\nc = 1\n", "[x]\n[net]\nc = 1\n" },
        };

        check(cases, ARRAY_LEN(cases), takes, ARRAY_LEN(takes));
}

static void there_and_back(void **state UNUSED)
{
        static const char *const texts[] = {
                "", "[x]\ny = 1\n", "[x]\ny = 1", "[x]\r\ny = 1\r\n", "# only this", "[x]\n\n\n", "\n",
        };

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                AUTO(mem_free_p) char *there = edited(texts[i], sets, ARRAY_LEN(sets));
                AUTO(mem_free_p) char *back = edited(there, takes, ARRAY_LEN(takes));

                assert_string_equal(back, texts[i]);
        }
}

static void refused(void **state UNUSED)
{
        static const struct {
                const char *text;
                const char *said;
        } cases[] = {
                { "[x]\n\nwhat is this\n", "line 3: 'what is this'" },
                { "a = 1\n", "line 1: 'a = 1' stands before any" },
                { "[x\na = 1\n", "line 1: '[x'" },
                { "[]\n", "line 1" },
                { "[x] y\n", "line 1" },
                { "[x]\n= 1\n", "line 2" },
                { "{\"network\": {\"tlscert\": \"x\"}}\n", "stands before any" },
                { "\x7f"
                  "ELF\x02\x01\n",
                  "line 1" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT(MAX);
                struct err err = ERR_INIT;

                assert_int_equal(ini_edit(cases[i].text, "net", sets, ARRAY_LEN(sets), &out, &err), -1);
                assert_int_equal(err.kind, ERR_PARSE);
                assert_int_equal(out.len, 0);
                if (strstr(err.text, cases[i].said) == NULL)
                        fail_msg("'%s': %s", cases[i].text, err.text);
        }
}

#define OURS(force)                                                                                          \
        "[network]\nforceencryption = " force "\ntlscert = /var/opt/mssql/tls/server.crt\n"                  \
        "tlskey = /var/opt/mssql/tls/server.key\ntlsprotocols = 1.2,1.1,1.0\n"

static void mssql_conf(void **state UNUSED)
{
        static const struct {
                enum tls_mode mode;
                const char *protocols;
                const char *before;
                const char *after;
        } cases[] = {
                { TLS_REQUIRED, NULL, "[language]\nlcid = 1033\n", "[language]\nlcid = 1033\n\n" OURS("1") },
                { TLS_ON, NULL, "", OURS("0") },
                { TLS_MIXED, NULL, OURS("1"), OURS("0") },
                { TLS_OFF, NULL, "[language]\nlcid = 1033\n\n" OURS("1"), "[language]\nlcid = 1033\n" },
                { TLS_OFF, NULL, "[network]\nforcestrict = 1\ntlscert = /x\ntlsprotocols = 1.2\n",
                  "[network]\nforcestrict = 1\n" },
                { TLS_ON, "1.2",
                  "[network]\nforcestrict = 1\ntlsprotocols = 1.0\ntlscert = /x\ntlskey = /y\n"
                  "forceencryption = 1\n",
                  "[network]\nforcestrict = 1\ntlsprotocols = 1.2\ntlscert = /var/opt/mssql/tls/server.crt\n"
                  "tlskey = /var/opt/mssql/tls/server.key\nforceencryption = 0\n" },
                { TLS_REQUIRED, NULL, "[network]\ntlsprotocols = 1.3\n",
                  "[network]\ntlsprotocols = 1.3\nforceencryption = 1\n"
                  "tlscert = /var/opt/mssql/tls/server.crt\ntlskey = /var/opt/mssql/tls/server.key\n" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct hook *hook = hook_find("mssqlserver");
                const struct hook_settings settings = { .publish = "/var/opt/mssql/tls",
                                                        .outputs = hook->outputs,
                                                        .n_outputs = hook->n_outputs,
                                                        .mssql = { .tls_protocols = cases[i].protocols } };
                const struct settings_wish wish = { .mode = cases[i].mode, .generation = "/elsewhere" };
                AUTO(buf_done_p) struct buf out = BUF_INIT(MAX);
                struct database *database = NULL;
                struct err err = ERR_INIT;

                assert_int_equal(hook->open(&settings, &database, &err), 0);
                assert_int_equal(hook->settings(database, &wish, cases[i].before, &out, &err), 0);
                assert_string_equal(buf_str(&out), cases[i].after);
                hook->close(database);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(set),     cmocka_unit_test(take_out),   cmocka_unit_test(there_and_back),
                cmocka_unit_test(refused), cmocka_unit_test(mssql_conf),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
