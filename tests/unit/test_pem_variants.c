// SPDX-License-Identifier: Apache-2.0
/*
 * Every PEM variant, read by us and by the openssl command: the same fingerprint, key, dates, serial and
 * names or the same refusal. Skipped when there is no such command.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "certs/bundle.h"
#include "testca.h"

#include <openssl/sha.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define PASSWORD "correct horse"
#define MAX_OUT  65536
#define ARGS_MAX 16

static int openssl(const char *const *args)
{
        char *argv[ARGS_MAX + 2] = { mem_strdup("openssl") };
        int status = -1;
        pid_t child;

        for (size_t i = 0; i < ARGS_MAX && args[i] != NULL; i++)
                argv[i + 1] = mem_strdup(args[i]);
        if (posix_spawnp(&child, "openssl", NULL, NULL, argv, environ) != 0 ||
            waitpid(child, &status, 0) != child)
                status = -1;
        for (size_t i = 0; i < ARRAY_LEN(argv); i++)
                mem_free(argv[i]);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int have_openssl(void **state UNUSED)
{
        static const char *const args[] = { "version", "-v", NULL };

        if (openssl(args) != 0)
                skip();
        return 0;
}

static void take_file(const char *path, struct buf *out)
{
        struct err err = ERR_INIT;

        buf_reset(out);
        if (fs_read(path, MAX_OUT / 2, out, &err) != 0)
                fail_msg("%s", err.text);
}

/* SHA-256 of the public key that the command finds in the key file. */
static void key_by_command(const char *in, const char *out, uint8_t sha256[static SHA256_DIGEST_LENGTH])
{
        const char *const args[] = { "pkey", "-in",  in,  "-passin", "pass:" PASSWORD, "-pubout", "-outform",
                                     "DER",  "-out", out, NULL };
        AUTO(buf_done_p) struct buf der = BUF_INIT(MAX_OUT);

        assert_int_equal(openssl(args), 0);
        take_file(out, &der);
        (void)SHA256(der.data, der.len, sha256);
}

static void check_key(const char *dir, const char *text)
{
        AUTO(mem_free_p) char *in = mem_printf("%s/key", dir);
        AUTO(mem_free_p) char *out = mem_printf("%s/out", dir);
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        AUTO(key_free_p) struct key *key = NULL;
        uint8_t sha256[SHA256_DIGEST_LENGTH];
        struct err err = ERR_INIT;
        size_t at = 0;

        testca_write(dir, "key", text, strlen(text));
        key_by_command(in, out, sha256);
        secret_set(&password, PASSWORD, strlen(PASSWORD));
        if (pem_parse("key", (const uint8_t *)text, strlen(text), &pem, &err) != 0)
                fail_msg("%s", err.text);
        while (at < pem.n && (pem.blocks[at].label == PEM_CERTIFICATE || pem.blocks[at].label == PEM_OTHER))
                at++;
        assert_true(at < pem.n);
        if (key_parse("key", &pem.blocks[at], &password, &key, &err) != 0)
                fail_msg("%s", err.text);
        assert_memory_equal(key->spki.sha256, sha256, sizeof(sha256));
}

static void keys_agree(void **state UNUSED)
{
        static const enum testca_key types[] = { TESTCA_P256, TESTCA_P384, TESTCA_RSA2048, TESTCA_ED25519 };
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();

        for (size_t i = 0; i < ARRAY_LEN(types); i++) {
                AUTO(testca_free_p)
                struct testca *leaf = testca_make(NULL, &(struct testca_options){ .key = types[i] });
                AUTO(mem_free_p) char *cert = testca_cert_pem(leaf);

                for (int form = TESTCA_PKCS8; form <= TESTCA_LEGACY_CRYPTED; form++) {
                        AUTO(mem_free_p) char *plain = NULL;
                        AUTO(mem_free_p) char *crlf = NULL;
                        AUTO(mem_free_p) char *around = NULL;

                        if (types[i] == TESTCA_ED25519 && form >= TESTCA_LEGACY)
                                continue;
                        plain = testca_key_pem(leaf, (enum testca_form)form, PASSWORD);
                        crlf = testca_crlf(plain);
                        around = mem_printf("Bag Attributes\n  x: y\n%s%stext\n", cert, plain);
                        check_key(dir, plain);
                        check_key(dir, crlf);
                        check_key(dir, around);
                }
        }
}

static void assert_line(const struct buf *out, const char *name, const char *value)
{
        AUTO(mem_free_p) char *line = mem_printf("%s=%s\n", name, value);

        if (strstr(buf_str(out), line) == NULL)
                fail_msg("'%s' is not in:\n%s", line, buf_str(out));
}

/* "AB:CD" as the command writes it. */
static char *colons(const struct fingerprint *fp)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(256);

        for (size_t i = 0; i < sizeof(fp->sha256); i++)
                buf_printf(&out, "%s%02X", i == 0 ? "" : ":", fp->sha256[i]);
        return buf_take(&out);
}

static void check_cert(const char *dir, const char *text, const struct testca *leaf)
{
        AUTO(mem_free_p) char *in = mem_printf("%s/crt", dir);
        AUTO(mem_free_p) char *file = mem_printf("%s/out", dir);
        const char *const args[] = { "x509",    "-in",      in,        "-noout",  "-fingerprint",
                                     "-sha256", "-subject", "-issuer", "-serial", "-nameopt",
                                     "RFC2253", "-out",     file,      NULL };
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        AUTO(chain_done_p) struct chain chain = CHAIN_INIT;
        AUTO(buf_done_p) struct buf out = BUF_INIT(MAX_OUT);
        AUTO(mem_free_p) char *fp = NULL;
        struct err err = ERR_INIT;

        testca_write(dir, "crt", text, strlen(text));
        assert_int_equal(openssl(args), 0);
        take_file(file, &out);
        if (pem_parse("crt", (const uint8_t *)text, strlen(text), &pem, &err) != 0 ||
            chain_from_pem(&pem, 8, NULL, &chain, &err) != 0)
                fail_msg("%s", err.text);
        fp = colons(&chain.certs[0]->fp);
        assert_line(&out, "sha256 Fingerprint", fp);
        assert_line(&out, "subject", chain.certs[0]->subject);
        assert_line(&out, "issuer", chain.certs[0]->issuer);
        for (char *p = chain.certs[0]->serial; *p != '\0'; p++)
                *p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
        assert_line(&out, "serial", chain.certs[0]->serial);
        assert_int_equal(X509_cmp(chain.certs[0]->x509, leaf->x509), 0);
}

static void certificates_agree(void **state UNUSED)
{
        static const char *const subjects[] = { "plain", "comma, \"quote\" + <x>", "\xc3\xbcml\xc3\xa4ut", "",
                                                " blank " };
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();

        for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
                const struct testca_options options = { .subject = subjects[i],
                                                        .serial = (int64_t)i * 0x8000 };
                AUTO(testca_free_p) struct testca *leaf = testca_make(NULL, &options);
                AUTO(mem_free_p) char *plain = testca_cert_pem(leaf);
                AUTO(mem_free_p) char *crlf = testca_crlf(plain);
                AUTO(mem_free_p) char *around = mem_printf("Certificate:\n    Data:\n%stail", plain);
                AUTO(mem_free_p) char *blank = mem_printf("\n\n%s\n \n", plain);

                check_cert(dir, plain, leaf);
                check_cert(dir, crlf, leaf);
                check_cert(dir, around, leaf);
                check_cert(dir, blank, leaf);
        }
}

/* "openssl x509 -trustout" adds data behind the certificate. */
static void trusted_form_agrees(void **state UNUSED)
{
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(testca_free_p) struct testca *leaf = testca_leaf(NULL, NULL);
        AUTO(mem_free_p) char *plain = testca_cert_pem(leaf);
        AUTO(mem_free_p) char *in = mem_printf("%s/crt", dir);
        AUTO(mem_free_p) char *file = mem_printf("%s/trusted", dir);
        const char *const args[] = { "x509",      "-in",   in,     "-trustout", "-addtrust", "serverAuth",
                                     "-setalias", "alias", "-out", file,        NULL };
        AUTO(buf_done_p) struct buf text = BUF_INIT(MAX_OUT);

        testca_write(dir, "crt", plain, strlen(plain));
        assert_int_equal(openssl(args), 0);
        take_file(file, &text);
        assert_non_null(strstr(buf_str(&text), "BEGIN TRUSTED CERTIFICATE"));
        check_cert(dir, buf_str(&text), leaf);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(keys_agree, have_openssl),
                cmocka_unit_test_setup(certificates_agree, have_openssl),
                cmocka_unit_test_setup(trusted_form_agrees, have_openssl),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
