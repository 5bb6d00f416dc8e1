// SPDX-License-Identifier: Apache-2.0
/*
 * hooks/mssql_lay.c: texts before and after, byte for byte; out again whatever was in between.
 */
#include "base/mem.h"
#include "hooks/drivers.h"
#include "hooks/ini.h"
#include "hooks/mssql_lay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MAX     65536
#define SECRET  "mssql.conf"
#define INLINED "zz-inline-mssql.conf"

struct files {
        const char *secret, *inlined;
};

static char *laid(const char *present, struct files files)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(MAX);
        struct custom_text texts[2];
        struct err err = ERR_INIT;
        size_t n = 0;

        /* The other way round than they are to be read. */
        if (files.inlined != NULL)
                texts[n++] = (struct custom_text){ INLINED, files.inlined };
        if (files.secret != NULL)
                texts[n++] = (struct custom_text){ SECRET, files.secret };
        if (mssql_lay_render(texts, n, present, &out, &err) != 0)
                fail_msg("%s", err.text);
        return mem_strdup(buf_str(&out));
}

static void assert_text(const char *name, const char *got, const char *want)
{
        if (strcmp(got, want) != 0)
                fail_msg("%s:\n--- got\n%s\n--- wanted\n%s", name, got, want);
}

struct lay_case {
        const char *name;
        const char *before;
        struct files files;
        const char *after;
};

static const struct lay_case cases[] = {
        { "no file at all",
          "",
          { "[memory]\nmemorylimitmb = 3072\n", NULL },
          "[memory]\n# certrotate adds this section\n# certrotate adds: memorylimitmb\n"
          "memorylimitmb = 3072\n" },
        { "before other sections",
          "[language]\nlcid = 1033\n",
          { "[memory]\nmemorylimitmb: 3072\n[ x ]\na=\nb = 1 = 2\n", NULL },
          "[memory]\n# certrotate adds this section\n# certrotate adds: memorylimitmb\n"
          "memorylimitmb = 3072\n"
          "[x]\n# certrotate adds this section\n# certrotate adds: a\na = \n# certrotate adds: b\nb = 1 = 2\n"
          "[language]\nlcid = 1033\n" },
        { "what was given inline wins",
          "",
          { "[m]\na = 1\nb = 1\n", "[M]\nA = 2\nc = 2\n" },
          "[M]\n# certrotate adds this section\n# certrotate adds: A\nA = 2\n# certrotate adds: b\nb = 1\n"
          "# certrotate adds: c\nc = 2\n" },
        { "over what stands there, wherever",
          "# c\n[m]\n  a=1 \nz = 0\n[n]\n[M]\nA : 3\n",
          { NULL, "[m]\na = 2\nb = 2\n" },
          "# c\n[m]\n# certrotate adds: b\nb = 2\n# certrotate keeps:   a=1 \na = 2\nz = 0\n[n]\n[M]\n"
          "# certrotate keeps: A : 3\na = 2\n" },
        { "no last line end",
          "[m]\na = 1",
          { "[m]\na = 2\n", NULL },
          "[m]\n# certrotate keeps: a = 1\na = 2" },
        { "nothing but a section", "[m]", { "[m]\na = 2\n", NULL }, "[m]\n# certrotate adds: a\na = 2" },
        { "CRLF",
          "[m]\r\na = 1\r\n",
          { "[m]\na = 2\nb = 3\n", NULL },
          "[m]\r\n# certrotate adds: b\r\nb = 3\r\n# certrotate keeps: a = 1\r\na = 2\r\n" },
        { "a mark at the start",
          "\xef\xbb\xbf[l]\nx = 1\n",
          { "\xef\xbb\xbf[m]\na = 2\n", NULL },
          "\xef\xbb\xbf[m]\n# certrotate adds this section\n# certrotate adds: a\na = 2\n[l]\nx = 1\n" },
        { "nothing is asked for",
          "[m]\na = 1\n\n; x\n",
          { "# a comment\n[m]\n", NULL },
          "[m]\na = 1\n\n; x\n" },
};

static void lays(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p) char *once = laid(cases[i].before, cases[i].files);
                AUTO(mem_free_p) char *twice = laid(once, cases[i].files);

                assert_text(cases[i].name, once, cases[i].after);
                assert_text("once more", twice, once);
        }
}

static void takes_out(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p) char *back = laid(cases[i].after, (struct files){ NULL, NULL });

                assert_text(cases[i].name, back, cases[i].before);
        }
}

/* From any files to any others, and back: the bytes are those of the first time. */
static void replaces(void **state UNUSED)
{
        static const struct files all[] = {
                { "[memory]\nmemorylimitmb = 3072\n", NULL },
                { "[memory]\nmemorylimitmb = 3072\n", "[memory]\nmemorylimitmb = 4096\n" },
                { "[sqlagent]\nenabled = true\n[memory]\nx = 1\n", NULL },
                { "[language]\nlcid = 1031\n[memory]\ny = 1\n[sqlagent]\nz = 1\n", NULL },
                { NULL, NULL },
        };
        static const char before[] = "[language]\nlcid = 1033\n\n[sqlagent]\nenabled = false\n";

        for (size_t a = 0; a < ARRAY_LEN(all); a++)
                for (size_t b = 0; b < ARRAY_LEN(all); b++) {
                        AUTO(mem_free_p) char *first = laid(before, all[a]);
                        AUTO(mem_free_p) char *other = laid(first, all[b]);
                        AUTO(mem_free_p) char *direct = laid(before, all[b]);
                        AUTO(mem_free_p) char *back = laid(other, all[a]);

                        assert_text("over others", other, direct);
                        assert_text("back", back, first);
                }
}

static char *with_tls(const char *text, bool on)
{
        const struct ini_wish wishes[] = { { .key = "tlscert", .value = on ? "/c" : NULL },
                                           { .key = "tlskey", .value = on ? "/k" : NULL } };
        AUTO(buf_done_p) struct buf out = BUF_INIT(MAX);
        struct err err = ERR_INIT;

        assert_int_equal(ini_edit(text, "network", wishes, ARRAY_LEN(wishes), &out, &err), 0);
        return mem_strdup(buf_str(&out));
}

/* TLS is switched on and off while files are laid, also in its own section: either is there without the
 * other. */
static void beside_tls(void **state UNUSED)
{
        static const char *const befores[] = { "", "[language]\nlcid = 1033\n",
                                               "[network]\ntcpport = 1500\n[z]\nq = 1\n" };
        static const char *const texts[] = { "[memory]\nmemorylimitmb = 3072\n",
                                             "[network]\ntcpport = 1433\nipaddress = 10.0.0.1\n" };

        for (size_t i = 0; i < ARRAY_LEN(befores); i++)
                for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
                        const struct files files = { texts[k], NULL }, none = { NULL, NULL };
                        AUTO(mem_free_p) char *first = laid(befores[i], files);
                        AUTO(mem_free_p) char *on = with_tls(first, true);
                        AUTO(mem_free_p) char *again = laid(on, files);
                        AUTO(mem_free_p) char *off = with_tls(on, false);
                        AUTO(mem_free_p) char *tls = laid(on, none);
                        AUTO(mem_free_p) char *back = laid(tls, files);
                        AUTO(mem_free_p) char *plain = laid(off, none);

                        assert_text("off", off, first);
                        assert_text("plain", plain, befores[i]);
                        assert_non_null(strstr(tls, "tlscert = /c\ntlskey = /k"));
                        assert_null(strstr(tls, "memorylimitmb"));
                        assert_null(strstr(tls, "1433"));
                        assert_non_null(strstr(back, "tlscert = /c\ntlskey = /k"));
                        assert_text("the same again", back, again);
                }
}

/* Whatever somebody made of our marks: nothing of theirs goes. */
static void edited_by_others(void **state UNUSED)
{
        static const struct {
                const char *text, *after;
        } edits[] = {
                { "[m]\n# certrotate adds: a\n", "[m]\n" },
                { "[m]\n# certrotate adds: a\nb = 1\n", "[m]\nb = 1\n" },
                { "[m]\n# certrotate keeps: a = 1\n", "[m]\na = 1\n" },
                { "[m]\n# certrotate keeps: a = 1\nb = 1\n", "[m]\na = 1\nb = 1\n" },
                { "[m]\n# certrotate keeps: \nb = 1\n", "[m]\n# certrotate keeps: \nb = 1\n" },
                { "[m]\n# certrotate adds this section\nb = 1\n",
                  "[m]\n# certrotate adds this section\nb = 1\n" },
                { "[m]\n# certrotate adds this section\n# theirs\n",
                  "[m]\n# certrotate adds this section\n# theirs\n" },
                { "# certrotate adds this section\n[m]\n", "# certrotate adds this section\n[m]\n" },
        };

        for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
                AUTO(mem_free_p) char *back = laid(edits[i].text, (struct files){ NULL, NULL });

                assert_text(edits[i].text, back, edits[i].after);
        }
}

static void checks(void **state UNUSED)
{
        static const struct {
                const char *name, *text, *says;
        } bad[] = {
                { "my.cnf", "", "SQL Server reads mssql.conf only" },
                { "zz-inline-my.cnf", "", "SQL Server reads mssql.conf only" },
                { SECRET, "memorylimitmb = 3072\n",
                  "line 1: 'memorylimitmb = 3072' stands before any [section]" },
                { INLINED, "[m]\nwhat\n", "line 2: 'what' is neither" },
                { INLINED, "[Network]\nTlsCert = /x\n", "[network] tlscert is certrotate's" },
                { SECRET, "[network]\nforceencryption = 1\n", "[network] forceencryption is certrotate's" },
        };
        AUTO(buf_done_p) struct buf many = BUF_INIT(MAX);
        struct err err = ERR_INIT;

        assert_int_equal(mssql_lay_check(SECRET, "[network]\ntcpport = 1500\n[x]\ntlscert = 1\n", &err), 0);
        assert_int_equal(mssql_lay_check(INLINED, "", &err), 0);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                err = (struct err)ERR_INIT;
                assert_int_equal(mssql_lay_check(bad[i].name, bad[i].text, &err), -1);
                assert_int_equal(err.kind, ERR_REFUSED);
                if (strstr(err.text, bad[i].says) == NULL)
                        fail_msg("%s", err.text);
        }
        buf_add_str(&many, "[traceflag]\n");
        for (int i = 0; i < MSSQL_LAY_MAX; i++)
                buf_printf(&many, "traceflag%d = 1\n", i);
        assert_int_equal(mssql_lay_check(SECRET, buf_str(&many), &err), 0);
        buf_add_str(&many, "one = 1\n");
        assert_int_equal(mssql_lay_check(SECRET, buf_str(&many), &err), -1);
}

static void broken_file(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(MAX);
        struct err err = ERR_INIT;

        assert_int_equal(mssql_lay_render(NULL, 0, "[m]\nwhat\n", &out, &err), -1);
        assert_int_equal(err.kind, ERR_PARSE);
        assert_non_null(strstr(err.text, "line 2: 'what'"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lays),        cmocka_unit_test(takes_out),        cmocka_unit_test(replaces),
                cmocka_unit_test(beside_tls),  cmocka_unit_test(edited_by_others), cmocka_unit_test(checks),
                cmocka_unit_test(broken_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
