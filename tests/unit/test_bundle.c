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

/* A file without name ends the list. */
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

struct layout {
        const char *what;
        struct testca_file files[FILES_MAX];
        struct bundle_names names;
        size_t chain;
        size_t authorities;
        size_t extra;
        bool reordered;
};

static void check_layouts(const struct layout *layouts, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const struct layout *layout = &layouts[i];
                AUTO(bundle_free_p) struct bundle *bundle = NULL;
                struct err err = ERR_INIT;

                if (load(layout->files, &layout->names, NULL, &bundle, &err) != 0)
                        fail_msg("%s: %s", layout->what, err.text);
                if (bundle->chain.n != layout->chain || bundle->authorities.n != layout->authorities ||
                    bundle->extra.n != layout->extra || bundle->was_reordered != layout->reordered)
                        fail_msg("%s: %zu certificates, %zu authorities, %zu extra", layout->what,
                                 bundle->chain.n, bundle->authorities.n, bundle->extra.n);
                assert_true(hex_fingerprint_equal(&bundle->key->spki, &bundle_leaf(bundle)->spki));
        }
}

static void pairs_of_files(void **state)
{
        const struct world *w = *state;
        const struct testca_file key = TESTCA_TEXT("tls.key", w->key_pem);
        const struct testca_file chain = TESTCA_TEXT("tls.crt", w->chain_pem);
        const struct testca_file shuffled = TESTCA_TEXT("tls.crt", w->shuffled_pem);
        const struct testca_file root = TESTCA_TEXT("ca.crt", w->root_pem);
        const struct testca_file blank = TESTCA_TEXT("ca.crt", " \n");
        const struct testca_file garbage = TESTCA_TEXT("tls.crt", "garbage");
        const struct layout layouts[] = {
                { "secret", { root, chain, key }, { 0 }, 2, 1, 0, false },
                { "root first in tls.crt", { shuffled, key }, { 0 }, 2, 0, 1, true },
                { "blank authorities", { blank, chain, key }, { 0 }, 2, 0, 0, false },
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
                { "named files",
                  { TESTCA_TEXT("a", w->chain_pem), TESTCA_TEXT("b", w->key_pem),
                    TESTCA_TEXT("c", w->root_pem), garbage },
                  { "a", "b", "c", NULL },
                  2,
                  1,
                  0,
                  false },
        };

        check_layouts(layouts, ARRAY_LEN(layouts));
}

static void single_files(void **state)
{
        const struct world *w = *state;
        const struct testca_file in_crt = TESTCA_TEXT("tls.crt", w->combined_pem);
        const struct testca_file garbage = TESTCA_TEXT("tls.crt", "garbage");
        const struct layout layouts[] = {
                { "one file of any name", { TESTCA_TEXT("db.pem", w->combined_pem) }, { 0 }, 2, 0, 0, false },
                { "combined beside the certificate",
                  { TESTCA_TEXT("tls-combined.pem", w->combined_pem), TESTCA_TEXT("tls.crt", w->leaf_pem) },
                  { 0 },
                  2,
                  0,
                  0,
                  false },
                { "key in tls.crt", { TESTCA_TEXT("ca.crt", w->root_pem), in_crt }, { 0 }, 2, 1, 0, false },
                { "combined by name",
                  { TESTCA_TEXT("x", w->combined_pem), garbage },
                  { NULL, "tls.key", NULL, "x" },
                  2,
                  0,
                  0,
                  false },
        };

        check_layouts(layouts, ARRAY_LEN(layouts));
}

struct mistake {
        struct testca_file files[FILES_MAX];
        enum err_kind kind;
        const char *says;
};

static void check_mistakes(const struct mistake *mistakes, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const struct bundle_names names = { NULL, NULL, NULL, NULL };
                AUTO(bundle_free_p) struct bundle *bundle = NULL;
                struct err err = ERR_INIT;

                assert_int_equal(load(mistakes[i].files, &names, NULL, &bundle, &err), -1);
                assert_null(bundle);
                if (err.kind != mistakes[i].kind || strstr(err.text, mistakes[i].says) == NULL)
                        fail_msg("'%s' wanted, got %d '%s'", mistakes[i].says, (int)err.kind, err.text);
        }
}

static void files_missing_or_exchanged(void **state)
{
        const struct world *w = *state;
        const struct testca_file key = TESTCA_TEXT("tls.key", w->key_pem);
        const struct testca_file chain = TESTCA_TEXT("tls.crt", w->chain_pem);
        const struct testca_file no_key = TESTCA_TEXT("tls.key", "\n");
        const struct testca_file no_chain = TESTCA_TEXT("tls.crt", "");
        const struct testca_file key_as_chain = TESTCA_TEXT("tls.crt", w->key_pem);
        const struct testca_file chain_as_key = TESTCA_TEXT("tls.key", w->chain_pem);
        const struct testca_file key_as_root = TESTCA_TEXT("ca.crt", w->key_pem);
        const struct testca_file crypted = TESTCA_TEXT("tls.key", w->crypted_pem);
        const struct mistake mistakes[] = {
                { { { NULL, NULL, 0 } }, ERR_MISSING, "no certificate: looked for tls.crt" },
                { { chain }, ERR_MISSING, "tls.key is missing" },
                { { key, TESTCA_TEXT("z", "z") }, ERR_MISSING, "tls.crt" },
                { { no_chain, key }, ERR_MISSING, "tls.crt is empty" },
                { { chain, no_key }, ERR_MISSING, "tls.key is empty" },
                { { key_as_chain, chain_as_key }, ERR_PARSE, "swap the two" },
                { { key_as_chain, key }, ERR_PARSE, "tls.crt holds a private key" },
                { { chain, chain_as_key }, ERR_PARSE, "tls.key holds a certificate" },
                { { key_as_root, chain, key }, ERR_PARSE, "ca.crt holds a private key" },
                { { chain, crypted }, ERR_PARSE, "key-password-file" },
        };

        check_mistakes(mistakes, ARRAY_LEN(mistakes));
}

static void files_of_other_kinds(void **state)
{
        const struct world *w = *state;
        static const char pfx[] = "\x30\x82\x09\x00\x02\x01\x03\x30\x82\x08";
        static const char der[] = "\x30\x82\x03\x00\x30\x82\x02\x00\xa0\x03";
        static const char block[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        static const char ssh[] =
                "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
        const struct testca_file key = TESTCA_TEXT("tls.key", w->key_pem);
        const struct testca_file chain = TESTCA_TEXT("tls.crt", w->chain_pem);
        const struct mistake mistakes[] = {
                { { TESTCA_TEXT("tls.crt", "garbage"), key }, ERR_PARSE, "tls.crt is not PEM" },
                { { { "tls.crt", pfx, sizeof(pfx) - 1 }, key }, ERR_PARSE, "PKCS#12" },
                { { { "tls.crt", der, sizeof(der) - 1 }, key }, ERR_PARSE, "is DER" },
                { { TESTCA_TEXT("tls.crt", w->twice_pem), key }, ERR_PARSE, "encoded twice" },
                { { TESTCA_TEXT("ca.crt", "none"), chain, key }, ERR_PARSE, "ca.crt is not PEM" },
                { { TESTCA_TEXT("tls.crt", block), key }, ERR_PARSE, "tls.crt: line 1: is no X.509" },
                { { chain, TESTCA_TEXT("tls.key", ssh) }, ERR_PARSE, "OpenSSH" },
                { { chain, TESTCA_TEXT("tls.key", "-----BEGIN PRIVATE KEY-----\\nAAAA") },
                  ERR_PARSE,
                  "tls.key: line 1: the BEGIN line is damaged" },
        };

        check_mistakes(mistakes, ARRAY_LEN(mistakes));
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
                cmocka_unit_test(pairs_of_files),
                cmocka_unit_test(single_files),
                cmocka_unit_test(files_missing_or_exchanged),
                cmocka_unit_test(files_of_other_kinds),
                cmocka_unit_test(encrypted_key_with_password),
                cmocka_unit_test(previous_lends_its_certificates),
                cmocka_unit_test(public_bundles),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
