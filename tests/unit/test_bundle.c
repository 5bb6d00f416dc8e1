// SPDX-License-Identifier: Apache-2.0
/*
 * certs/bundle.c: names of files, single-file bundles, sharing with the previous bundle, and a sentence for
 * each of the usual mistakes.
 */
#include "base/mem.h"
#include "certs/bundle.h"
#include "testca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define FILES_MAX 4

/* Made once: keys take time. */
struct world {
        struct testca *root;
        struct testca *middle;
        struct testca *leaf;
        char *root_pem;
        char *leaf_pem;
        char *chain_pem;
        char *shuffled_pem;
        char *key_pem;
        char *crypted_pem;
        char *combined_pem;
        char *twice_pem;
};

static int set_up(void **state)
{
        struct world *world = MEM_NEW(struct world);
        const struct testca *chain[2];
        const struct testca *shuffled[3];

        world->root = testca_root("root");
        world->middle = testca_intermediate(world->root, "middle");
        world->leaf = testca_leaf(world->middle, "DNS:db.example");
        chain[0] = world->leaf;
        chain[1] = world->middle;
        shuffled[0] = world->root;
        shuffled[1] = world->middle;
        shuffled[2] = world->leaf;
        world->root_pem = testca_cert_pem(world->root);
        world->leaf_pem = testca_cert_pem(world->leaf);
        world->chain_pem = testca_chain_pem(chain, 2);
        world->shuffled_pem = testca_chain_pem(shuffled, 3);
        world->key_pem = testca_key_pem(world->leaf, TESTCA_PKCS8, NULL);
        world->crypted_pem = testca_key_pem(world->leaf, TESTCA_PKCS8_PBES2, "secret");
        world->combined_pem = mem_printf("%s%s", world->key_pem, world->chain_pem);
        world->twice_pem = mem_strdup("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJk\n");
        *state = world;
        return 0;
}

static int tear_down(void **state)
{
        struct world *world = *state;

        testca_free(world->root);
        testca_free(world->middle);
        testca_free(world->leaf);
        mem_free(world->root_pem);
        mem_free(world->leaf_pem);
        mem_free(world->chain_pem);
        mem_free(world->shuffled_pem);
        mem_free(world->key_pem);
        mem_free(world->crypted_pem);
        mem_free(world->combined_pem);
        mem_free(world->twice_pem);
        mem_free(world);
        return 0;
}

/* NULL text ends the list. */
static struct snapshot *snapshot_of(const struct testca_file *files, size_t n)
{
        struct snapshot *snapshot = MEM_NEW(struct snapshot);

        snapshot->files = mem_array(n, sizeof(*snapshot->files));
        for (; snapshot->n < n && files[snapshot->n].name != NULL; snapshot->n++) {
                snapshot->files[snapshot->n].name = mem_strdup(files[snapshot->n].name);
                secret_set(&snapshot->files[snapshot->n].data, files[snapshot->n].data,
                           files[snapshot->n].len);
        }
        return snapshot;
}

static int load(const struct testca_file *files, const struct bundle_names *names, const char *password,
                struct bundle **out, struct err *err)
{
        AUTO(snapshot_free_p) struct snapshot *snapshot = snapshot_of(files, FILES_MAX);
        AUTO(secret_done_p) struct secret secret = SECRET_INIT;

        if (password != NULL)
                secret_set(&secret, password, strlen(password));
        return bundle_load(snapshot, names, password == NULL ? NULL : &secret, NULL, out, err);
}

static void every_layout_loads(void **state)
{
        const struct world *w = *state;
        const struct {
                const char *what;
                struct testca_file files[FILES_MAX];
                struct bundle_names names;
                size_t chain;
                size_t authorities;
                size_t extra;
                bool reordered;
        } cases[] = {
                { "secret",
                  { TESTCA_TEXT("ca.crt", w->root_pem), TESTCA_TEXT("tls.crt", w->chain_pem),
                    TESTCA_TEXT("tls.key", w->key_pem) },
                  { 0 },
                  2,
                  1,
                  0,
                  false },
                { "root first in tls.crt",
                  { TESTCA_TEXT("tls.crt", w->shuffled_pem), TESTCA_TEXT("tls.key", w->key_pem) },
                  { 0 },
                  2,
                  0,
                  1,
                  true },
                { "certbot",
                  { TESTCA_TEXT("cert.pem", w->leaf_pem), TESTCA_TEXT("chain.pem", w->root_pem),
                    TESTCA_TEXT("fullchain.pem", w->chain_pem), TESTCA_TEXT("privkey.pem", w->key_pem) },
                  { 0 },
                  2,
                  1,
                  0,
                  false },
                { "mysql",
                  { TESTCA_TEXT("cert.pem", w->leaf_pem), TESTCA_TEXT("key.pem", w->key_pem),
                    TESTCA_TEXT("ca.pem", w->root_pem) },
                  { 0 },
                  1,
                  1,
                  0,
                  false },
                { "one file of any name", { TESTCA_TEXT("db.pem", w->combined_pem) }, { 0 }, 2, 0, 0, false },
                { "combined beside the certificate",
                  { TESTCA_TEXT("tls-combined.pem", w->combined_pem), TESTCA_TEXT("tls.crt", w->leaf_pem) },
                  { 0 },
                  2,
                  0,
                  0,
                  false },
                { "key in tls.crt",
                  { TESTCA_TEXT("ca.crt", w->root_pem), TESTCA_TEXT("tls.crt", w->combined_pem) },
                  { 0 },
                  2,
                  1,
                  0,
                  false },
                { "named files",
                  { TESTCA_TEXT("a", w->chain_pem), TESTCA_TEXT("b", w->key_pem),
                    TESTCA_TEXT("c", w->root_pem), TESTCA_TEXT("tls.crt", "garbage") },
                  { "a", "b", "c", NULL },
                  2,
                  1,
                  0,
                  false },
                { "combined by name",
                  { TESTCA_TEXT("x", w->combined_pem), TESTCA_TEXT("tls.crt", "garbage") },
                  { NULL, "tls.key", NULL, "x" },
                  2,
                  0,
                  0,
                  false },
                { "blank authorities",
                  { TESTCA_TEXT("ca.crt", " \n"), TESTCA_TEXT("tls.crt", w->chain_pem),
                    TESTCA_TEXT("tls.key", w->key_pem) },
                  { 0 },
                  2,
                  0,
                  0,
                  false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(bundle_free_p) struct bundle *bundle = NULL;
                struct err err = ERR_INIT;

                if (load(cases[i].files, &cases[i].names, NULL, &bundle, &err) != 0)
                        fail_msg("%s: %s", cases[i].what, err.text);
                if (bundle->chain.n != cases[i].chain || bundle->authorities.n != cases[i].authorities ||
                    bundle->extra.n != cases[i].extra || bundle->was_reordered != cases[i].reordered)
                        fail_msg("%s: %zu certificates, %zu authorities, %zu extra", cases[i].what,
                                 bundle->chain.n, bundle->authorities.n, bundle->extra.n);
                assert_true(hex_fingerprint_equal(&bundle->key->spki, &bundle_leaf(bundle)->spki));
        }
}

static void every_mistake_has_its_sentence(void **state)
{
        const struct world *w = *state;
        static const char pfx[] = "\x30\x82\x09\x00\x02\x01\x03\x30\x82\x08";
        static const char der[] = "\x30\x82\x03\x00\x30\x82\x02\x00\xa0\x03";
        const struct {
                struct testca_file files[FILES_MAX];
                enum err_kind kind;
                const char *says;
        } cases[] = {
                { { { NULL, NULL, 0 } }, ERR_MISSING, "no certificate: looked for tls.crt" },
                { { TESTCA_TEXT("tls.crt", w->chain_pem) }, ERR_MISSING, "tls.key is missing" },
                { { TESTCA_TEXT("tls.key", w->key_pem), TESTCA_TEXT("z", "z") }, ERR_MISSING, "tls.crt" },
                { { TESTCA_TEXT("tls.crt", ""), TESTCA_TEXT("tls.key", w->key_pem) },
                  ERR_MISSING,
                  "tls.crt is empty" },
                { { TESTCA_TEXT("tls.crt", w->chain_pem), TESTCA_TEXT("tls.key", "\n") },
                  ERR_MISSING,
                  "tls.key is empty" },
                { { TESTCA_TEXT("tls.crt", w->key_pem), TESTCA_TEXT("tls.key", w->chain_pem) },
                  ERR_PARSE,
                  "swap the two" },
                { { TESTCA_TEXT("tls.crt", w->key_pem), TESTCA_TEXT("tls.key", w->key_pem) },
                  ERR_PARSE,
                  "tls.crt holds a private key" },
                { { TESTCA_TEXT("tls.crt", w->chain_pem), TESTCA_TEXT("tls.key", w->chain_pem) },
                  ERR_PARSE,
                  "tls.key holds a certificate" },
                { { TESTCA_TEXT("tls.crt", "garbage"), TESTCA_TEXT("tls.key", w->key_pem) },
                  ERR_PARSE,
                  "tls.crt is not PEM" },
                { { { "tls.crt", pfx, sizeof(pfx) - 1 }, TESTCA_TEXT("tls.key", w->key_pem) },
                  ERR_PARSE,
                  "PKCS#12" },
                { { { "tls.crt", der, sizeof(der) - 1 }, TESTCA_TEXT("tls.key", w->key_pem) },
                  ERR_PARSE,
                  "is DER" },
                { { TESTCA_TEXT("tls.crt", w->twice_pem), TESTCA_TEXT("tls.key", w->key_pem) },
                  ERR_PARSE,
                  "encoded twice" },
                { { TESTCA_TEXT("ca.crt", w->key_pem), TESTCA_TEXT("tls.crt", w->chain_pem),
                    TESTCA_TEXT("tls.key", w->key_pem) },
                  ERR_PARSE,
                  "ca.crt holds a private key" },
                { { TESTCA_TEXT("ca.crt", "none"), TESTCA_TEXT("tls.crt", w->chain_pem),
                    TESTCA_TEXT("tls.key", w->key_pem) },
                  ERR_PARSE,
                  "ca.crt is not PEM" },
                { { TESTCA_TEXT("tls.crt", w->chain_pem), TESTCA_TEXT("tls.key", w->crypted_pem) },
                  ERR_PARSE,
                  "key-password-file" },
                { { TESTCA_TEXT("tls.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                    TESTCA_TEXT("tls.key", w->key_pem) },
                  ERR_PARSE,
                  "tls.crt: line 1: is no X.509 certificate" },
                { { TESTCA_TEXT("tls.crt", w->chain_pem),
                    TESTCA_TEXT("tls.key", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"
                                           "-----END OPENSSH PRIVATE KEY-----\n") },
                  ERR_PARSE,
                  "OpenSSH" },
                { { TESTCA_TEXT("tls.crt", w->chain_pem),
                    TESTCA_TEXT("tls.key", "-----BEGIN PRIVATE KEY-----\\nAAAA") },
                  ERR_PARSE,
                  "tls.key: line 1" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct bundle_names names = { NULL, NULL, NULL, NULL };
                AUTO(bundle_free_p) struct bundle *bundle = NULL;
                struct err err = ERR_INIT;

                assert_int_equal(load(cases[i].files, &names, NULL, &bundle, &err), -1);
                assert_null(bundle);
                if (err.kind != cases[i].kind || strstr(err.text, cases[i].says) == NULL)
                        fail_msg("'%s' wanted, got %d '%s'", cases[i].says, (int)err.kind, err.text);
        }
}

static void encrypted_key_with_password(void **state)
{
        const struct world *w = *state;
        const struct testca_file files[FILES_MAX] = { TESTCA_TEXT("tls.crt", w->chain_pem),
                                                      TESTCA_TEXT("tls.key", w->crypted_pem) };
        const struct bundle_names names = { NULL, NULL, NULL, NULL };
        AUTO(bundle_free_p) struct bundle *bundle = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(load(files, &names, "secret", &bundle, &err), 0);
        assert_true(bundle->key->was_encrypted);
}

static void previous_lends_its_certificates(void **state)
{
        const struct world *w = *state;
        const struct testca_file files[] = { TESTCA_TEXT("ca.crt", w->root_pem),
                                             TESTCA_TEXT("tls.crt", w->chain_pem),
                                             TESTCA_TEXT("tls.key", w->key_pem) };
        const struct bundle_names names = { NULL, NULL, NULL, NULL };
        AUTO(snapshot_free_p) struct snapshot *snapshot = snapshot_of(files, 3);
        AUTO(bundle_free_p) struct bundle *first = NULL;
        AUTO(bundle_free_p) struct bundle *second = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(bundle_load(snapshot, &names, NULL, NULL, &first, &err), 0);
        assert_int_equal(bundle_load(snapshot, &names, NULL, first, &second, &err), 0);
        assert_ptr_equal(first->chain.certs[1], second->chain.certs[1]);
        assert_ptr_equal(first->authorities.certs[0], second->authorities.certs[0]);
        assert_ptr_not_equal(first->key, second->key);
}

static void public_bundles(void **state)
{
        const struct world *w = *state;
        AUTO(bundle_free_p) struct bundle *bundle = NULL;
        AUTO(buf_done_p) struct buf text = BUF_INIT(65536);
        struct err err = ERR_INIT;

        assert_int_equal(bundle_from_pem("", "", &bundle, &err), -1);
        assert_int_equal(err.kind, ERR_MISSING);
        assert_int_equal(bundle_from_pem(w->chain_pem, w->root_pem, &bundle, &err), 0);
        assert_null(bundle->key);
        chain_to_pem(&bundle->chain, &text);
        assert_string_equal(buf_str(&text), w->chain_pem);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_layout_loads),
                cmocka_unit_test(every_mistake_has_its_sentence),
                cmocka_unit_test(encrypted_key_with_password),
                cmocka_unit_test(previous_lends_its_certificates),
                cmocka_unit_test(public_bundles),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
