// SPDX-License-Identifier: Apache-2.0
/*
 * certs/bundle.c on a folder made from the input, and what is done with a bundle afterwards. The first byte
 * says which files there are, the rest is divided among them. In their text, "@c" "@k" "@e" "@m" "@r" stand
 * for PEM blocks made at start: leaf, its key, the key encrypted, intermediate, root.
 */
#include "base/mem.h"
#include "certs/bundle.h"
#include "testca.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define FILES    4
#define MAX_TEXT 65536

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
        char *pem[256];
        struct secret password;
} world;

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
        AUTO(testca_free_p) struct testca *root = testca_root("root");
        AUTO(testca_free_p) struct testca *middle = testca_intermediate(root, "middle");
        AUTO(testca_free_p) struct testca *leaf = testca_leaf(middle, "DNS:a.example,IP:10.0.0.1");

        world.pem['c'] = testca_cert_pem(leaf);
        world.pem['m'] = testca_cert_pem(middle);
        world.pem['r'] = testca_cert_pem(root);
        world.pem['k'] = testca_key_pem(leaf, TESTCA_PKCS8, NULL);
        world.pem['e'] = testca_key_pem(leaf, TESTCA_LEGACY_CRYPTED, "secret");
        secret_set(&world.password, "secret", 6);
        return 0;
}

static void add_file(struct snapshot *snapshot, const char *name, const uint8_t *data, size_t size)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(MAX_TEXT);
        struct snapshot_file *file = &snapshot->files[snapshot->n++];

        for (size_t i = 0; i < size; i++) {
                if (data[i] == '@' && i + 1 < size && world.pem[data[i + 1]] != NULL)
                        buf_add_str(&text, world.pem[data[++i]]);
                else
                        buf_add(&text, &data[i], 1);
        }
        file->name = mem_strdup(name);
        secret_set(&file->data, text.data, text.len);
}

static void use(const struct bundle *bundle)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT((size_t)1 << 20);
        struct err err = ERR_INIT;

        chain_to_pem(&bundle->chain, &text);
        (void)cert_covers(bundle_leaf(bundle), "a.example");
        if (chain_verify(&bundle->chain, &bundle->authorities, false, true, (struct wall){ 1800000000 },
                         &err) != 0 &&
            err.text[0] == '\0')
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const names[FILES] = { "ca.crt", "tls-combined.pem", "tls.crt", "tls.key" };
        const struct bundle_names defaults = { NULL, NULL, NULL, NULL };
        AUTO(snapshot_free_p) struct snapshot *snapshot = MEM_NEW(struct snapshot);
        AUTO(bundle_free_p) struct bundle *bundle = NULL;
        AUTO(bundle_free_p) struct bundle *again = NULL;
        struct err err = ERR_INIT;
        size_t part = size == 0 ? 0 : (size - 1) / FILES;

        if (size == 0)
                return 0;
        snapshot->files = mem_array(FILES, sizeof(*snapshot->files));
        for (size_t i = 0; i < FILES; i++)
                if ((data[0] >> i & 1) != 0)
                        add_file(snapshot, names[i], data + 1 + i * part,
                                 i == 3 ? size - 1 - 3 * part : part);
        if (bundle_load(snapshot, &defaults, &world.password, NULL, &bundle, &err) == 0) {
                use(bundle);
                if (bundle_load(snapshot, &defaults, &world.password, bundle, &again, &err) != 0)
                        abort();
        } else if (err.text[0] == '\0') {
                abort();
        }
        if (ERR_peek_error() != 0)
                abort();
        return 0;
}
