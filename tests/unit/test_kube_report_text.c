// SPDX-License-Identifier: Apache-2.0
/*
 * Texts on their way into the API: nothing that the server, a terminal or a thief could make use of.
 */
#include "kube/report_text.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void cleaned(void **state UNUSED)
{
        static const struct {
                const char *text;
                size_t max;
                const char *want;
        } cases[] = {
                { "", 10, "" },
                { "as it is", 8, "as it is" },
                { "as it is", 7, "as i…" },
                { "as it is", 3, "…" },
                { "as it is", 2, "as" },
                { "abc", 0, "" },
                { "two\nlines\tand\x7f more\x1b[31m", 99, "two lines and? more?[31m" },
                { "gr\xc3\xbc\xc3\x9f", 99, "grüß" },
                { "üüüü", 8, "üüüü" },
                { "üüüü", 7, "üü…" },
                { "üüüü", 6, "ü…" }, /* never half a character */
                { "\xff\xfe half \xc3", 99, "?? half ?" },
                { "\xed\xa0\x80 \xc0\xaf", 99, "??? ??" },
                { "turned \xe2\x80\xae round", 99, "turned ? round" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p) char *clean = kube_report_text_clean(cases[i].text, cases[i].max);

                assert_string_equal(clean, cases[i].want);
                assert_true(strlen(clean) <= cases[i].max);
        }
        assert_null(kube_report_text_clean(NULL, 5));
}

static void keys(void **state UNUSED)
{
        assert_true(kube_report_text_is_secret("-----BEGIN PRIVATE KEY-----"));
        assert_true(kube_report_text_is_secret("so -----BEGIN RSA PRIVATE KEY-----"));
        assert_true(kube_report_text_is_secret("{\"tls.key\":\"LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1\"}"));
        assert_false(kube_report_text_is_secret("private key does not match"));
        assert_false(kube_report_text_is_secret(""));
        assert_false(kube_report_text_is_secret(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(cleaned), cmocka_unit_test(keys) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
