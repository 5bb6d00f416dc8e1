// SPDX-License-Identifier: Apache-2.0
/*
 * certs/pem.c: what people write is read, what is damaged is named with its line.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "certs/pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define B       "-----BEGIN CERTIFICATE-----"
#define E       "-----END CERTIFICATE-----"
#define BLOCK   B "\nTWFu\n" E "\n" /* "Man" */
#define PGP     "-----BEGIN PGP MESSAGE-----\nVersion: x\n\nTWFu\n=abcd\n-----END PGP MESSAGE-----\n"
#define TRUSTED "-----BEGIN TRUSTED CERTIFICATE-----\nMAIBAjAA\n-----END TRUSTED CERTIFICATE-----\n"

static int parse(const char *text, struct pem *pem, struct err *err)
{
        return pem_parse("x.pem", (const uint8_t *)text, strlen(text), pem, err);
}

static void reads_what_people_write(void **state UNUSED)
{
        static const struct {
                const char *text;
                size_t n;
                const char *body; /* of the first block */
                int line;
        } cases[] = {
                { "", 0, NULL, 0 },
                { "just text\n", 0, NULL, 0 },
                { BLOCK, 1, "Man", 1 },
                { B "\r\nTWFu\r\n" E "\r\n", 1, "Man", 1 },
                { B "  \nTW Fu \t\n" E "  \n", 1, "Man", 1 },
                { B "\n\nTW\n\nFu\n\n" E, 1, "Man", 1 },
                { B "\nTWFuTWE=\n" E, 1, "ManMa", 1 },
                { B "\nTWFuTQ==\n" E, 1, "ManM", 1 },
                { B "\nTWFuTQ=\n=\n" E, 1, "ManM", 1 },
                { "\xef\xbb\xbf" BLOCK, 1, "Man", 1 },
                { "subject=x\n\nissuer=y\n" BLOCK "text\n" BLOCK "tail", 2, "Man", 4 },
                { B "\nTWFu\n" E BLOCK, 2, "Man", 1 },
                { "-----BEGIN X509 CERTIFICATE-----\nTWFu\n-----END X509 CERTIFICATE-----", 1, "Man", 1 },
                { TRUSTED, 1, "0\x02\x01\x02", 1 },
                { PGP BLOCK, 2, "", 1 },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(pem_done_p) struct pem pem = PEM_INIT;
                struct err err = ERR_INIT;

                if (parse(cases[i].text, &pem, &err) != 0)
                        fail_msg("%zu: %s", i, err.text);
                assert_int_equal(pem.n, cases[i].n);
                if (pem.n == 0)
                        continue;
                assert_int_equal(pem.blocks[0].line, cases[i].line);
                if (pem.blocks[0].der.len != strlen(cases[i].body) ||
                    (pem.blocks[0].der.len > 0 &&
                     memcmp(pem.blocks[0].der.data, cases[i].body, strlen(cases[i].body)) != 0))
                        fail_msg("%zu: another body", i);
        }
}

static void names_what_is_damaged(void **state UNUSED)
{
        static const struct {
                const char *text;
                const char *says;
        } cases[] = {
                { "\n" B "\nTWFu\n", "line 2: BEGIN CERTIFICATE without its END" },
                { B, "without its END" },
                { B "\nTWFu\n-----END PRIVATE KEY-----\n", "line 3: the END line does not fit" },
                { B "\nTWFu\n-----END CERTIFICATE----\n", "line 3: the END line does not fit" },
                { B "\nTWFu\n" B "\nTWFu\n" E, "line 1: the body of CERTIFICATE is not valid base64" },
                { B "\nTWF\n" E, "not valid base64" },
                { B "\nTW*u\n" E, "not valid base64" },
                { B "\nTW==TWFu\n" E, "not valid base64" },
                { B "\nT===\n" E, "not valid base64" },
                { B "\nTWFu=\n" E, "not valid base64" },
                { B "\nTWFuTWE\n" E, "not valid base64" },
                { B "\n" E, "is empty" },
                { B "\nTWFu" E, "does not begin its line" },
                { B " TWFu " E, "BEGIN line is damaged" },
                { B "\\nTWFu\\n" E "\\n", "BEGIN line is damaged" },
                { "-----BEGIN CERTIFICATE----\nTWFu\n" E, "line 1: the BEGIN line is damaged" },
                { "-----BEGIN \033[31m-----\nTWFu\n-----END \033[31m-----", "BEGIN line is damaged" },
                { "TWFu\n" E "\n" BLOCK, "line 2: END without BEGIN" },
                { B "\nTWFu\n" E " text", "line 3: text behind" },
                { BLOCK BLOCK B "\nTWF\n" E, "line 7:" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct pem pem = PEM_INIT;
                struct err err = ERR_INIT;

                assert_int_equal(parse(cases[i].text, &pem, &err), -1);
                assert_null(pem.blocks);
                assert_int_equal(err.kind, ERR_PARSE);
                if (strstr(err.text, cases[i].says) == NULL || strncmp(err.text, "x.pem: line ", 12) != 0)
                        fail_msg("'%s' wanted, got '%s'", cases[i].says, err.text);
        }
}

static void labels_and_headers(void **state UNUSED)
{
        static const char text[] =
                "-----BEGIN EC PARAMETERS-----\nTWFu\n-----END EC PARAMETERS-----\n"
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
                "AES-256-CBC,00FF\n\nTWFu\n"
                "-----END RSA PRIVATE KEY-----\n"
                "-----BEGIN EC PRIVATE KEY-----\nTWFu\n-----END EC PRIVATE KEY-----\n"
                "-----BEGIN PRIVATE KEY-----\nTWFu\n-----END PRIVATE KEY-----\n"
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nTWFu\n-----END ENCRYPTED PRIVATE KEY-----\n";
        static const enum pem_label wanted[] = { PEM_OTHER, PEM_KEY_RSA, PEM_KEY_EC, PEM_KEY_PKCS8,
                                                 PEM_KEY_PKCS8_CRYPTED };
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        struct err err = ERR_INIT;

        assert_int_equal(parse(text, &pem, &err), 0);
        assert_int_equal(pem.n, ARRAY_LEN(wanted));
        for (size_t i = 0; i < pem.n; i++)
                assert_int_equal(pem.blocks[i].label, wanted[i]);
        assert_string_equal(pem.blocks[1].dek_info, "AES-256-CBC,00FF");
        assert_memory_equal(pem.blocks[1].der.data, "Man", 3);
        assert_null(pem.blocks[2].dek_info);
}

static void bounds(void **state UNUSED)
{
        AUTO(mem_free_p) uint8_t *big = mem_new(PEM_FILE_MAX_BYTES + 1);
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        size_t len = strlen(BLOCK);
        struct err err = ERR_INIT;

        assert_int_equal(pem_parse("x", big, PEM_FILE_MAX_BYTES + 1, &pem, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        for (size_t i = 0; i <= PEM_MAX_BLOCKS; i++)
                memcpy(big + i * len, BLOCK, len);
        assert_int_equal(pem_parse("x", big, (PEM_MAX_BLOCKS + 1) * len, &pem, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        assert_int_equal(pem_parse("x", big, PEM_MAX_BLOCKS * len, &pem, &err), 0);
        assert_int_equal(pem.n, PEM_MAX_BLOCKS);
}

/* Cut anywhere: an error or fewer blocks, never a shortened body. */
static void every_truncation(void **state UNUSED)
{
        static const char text[] = BLOCK BLOCK;

        for (size_t len = 0; len < strlen(text); len++) {
                AUTO(pem_done_p) struct pem pem = PEM_INIT;
                struct err err = ERR_INIT;
                AUTO(mem_free_p) uint8_t *copy = mem_dup(text, len);

                if (pem_parse("x", copy, len, &pem, &err) != 0)
                        continue;
                for (size_t i = 0; i < pem.n; i++)
                        assert_int_equal(pem.blocks[i].der.len, 3);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_what_people_write), cmocka_unit_test(names_what_is_damaged),
                cmocka_unit_test(labels_and_headers),      cmocka_unit_test(bounds),
                cmocka_unit_test(every_truncation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
