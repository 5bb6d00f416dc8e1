// SPDX-License-Identifier: Apache-2.0
/*
 * Operands become a bundle. People type `check server.pem server-key.pem my-ca.pem` in any order, so the
 * content decides: what holds a key is the key, what holds something that is no authority is the chain, the
 * rest are authorities.
 */
#include "cli/input.h"

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"

#include <string.h>
#include <sys/stat.h>

static const char *const certificate_names[] = { "tls.crt", "fullchain.pem", "cert.pem", NULL };
static const char *const key_names[] = { "tls.key", "privkey.pem", "key.pem", NULL };
static const char *const authorities_names[] = { "ca.crt", "ca.pem", "chain.pem", NULL };

bool input_is_dir(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

struct content {
        bool has_key;
        bool has_leaf; /* a certificate that is no authority */
        bool has_certificate;
};

static int look(const struct snapshot_file *file, struct content *out, struct err *err)
{
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        struct content found = { false, false, false };

        if (pem_parse(file->name, file->data.data, file->data.len, &pem, err) != 0)
                return -1;
        for (size_t i = 0; i < pem.n; i++) {
                const struct pem_block *block = &pem.blocks[i];
                AUTO(cert_free_p) struct cert *cert = NULL;

                found.has_key |= block->label == PEM_KEY_PKCS8 || block->label == PEM_KEY_PKCS8_CRYPTED ||
                                 block->label == PEM_KEY_RSA || block->label == PEM_KEY_EC;
                if (block->label != PEM_CERTIFICATE)
                        continue;
                if (cert_parse(block->der.data, block->der.len, &cert, err) != 0)
                        return err_wrap(err, "%s: line %d", file->name, block->line);
                found.has_certificate = true;
                found.has_leaf |= !cert->is_ca;
        }
        *out = found;
        return 0;
}

/* The first file that fits a role gets it; a chain of authorities alone is the certificate if nothing else
 * is. */
static int tell_roles(const struct snapshot *snapshot, struct bundle_names *names, struct err *err)
{
        const char *authorities = NULL;

        for (size_t i = 0; i < snapshot->n; i++) {
                const char *name = snapshot->files[i].name;
                struct content content;

                if (look(&snapshot->files[i], &content, err) != 0)
                        return -1;
                if (content.has_key && content.has_certificate)
                        names->combined = name;
                else if (content.has_key)
                        names->key = name;
                else if (content.has_leaf && names->certificate == NULL)
                        names->certificate = name;
                else
                        authorities = name;
        }
        if (names->certificate == NULL && names->combined == NULL)
                names->certificate = authorities;
        else
                names->authorities = authorities;
        return 0;
}

static const char *find_name(const struct snapshot *snapshot, const char *const *candidates)
{
        for (; *candidates != NULL; candidates++)
                if (snapshot_find(snapshot, *candidates) != NULL)
                        return *candidates;
        return NULL;
}

static int check_operands(char *const *paths, size_t n, struct err *err)
{
        if (n == 0)
                return err_set(err, ERR_USAGE, "no directory and no file given");
        for (size_t i = 0; i < n; i++) {
                const char *slash = strrchr(paths[i], '/');
                const char *name = slash == NULL ? paths[i] : slash + 1;

                if (n > 1 && input_is_dir(paths[i]))
                        return err_set(err, ERR_USAGE, "'%s' is a directory: give one directory, or files",
                                       paths[i]);
                for (size_t j = 0; j < i; j++) {
                        const char *other = strrchr(paths[j], '/');

                        if (strcmp(other == NULL ? paths[j] : other + 1, name) == 0)
                                return err_set(err, ERR_USAGE, "two files are called '%s'", name);
                }
        }
        return 0;
}

void input_done(struct input *input)
{
        bundle_free(input->bundle);
        snapshot_free(input->snapshot);
        *input = (struct input){ NULL, NULL, { NULL, NULL, NULL, NULL } };
}

static int load(char *const *paths, size_t n, const char *password_file, struct input *to, struct err *err)
{
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        bool is_dir;

        if (check_operands(paths, n, err) != 0)
                return -1;
        if (password_file != NULL && secret_read(password_file, &password, err) != 0)
                return -1;
        is_dir = n == 1 && input_is_dir(paths[0]);
        if (is_dir ? snapshot_read(paths[0], &to->snapshot, err)
                   : snapshot_read_files((const char *const *)paths, n, &to->snapshot, err))
                return -1;
        if (!is_dir && tell_roles(to->snapshot, &to->names, err) != 0)
                return -1;
        if (bundle_load(to->snapshot, &to->names, password_file == NULL ? NULL : &password, NULL, &to->bundle,
                        err) != 0)
                return -1;
        if (is_dir) {
                to->names.certificate = find_name(to->snapshot, certificate_names);
                to->names.key = find_name(to->snapshot, key_names);
                to->names.authorities = find_name(to->snapshot, authorities_names);
        }
        return 0;
}

int input_load(char *const *paths, size_t n, const char *password_file, struct input *out, struct err *err)
{
        struct input input = { NULL, NULL, { NULL, NULL, NULL, NULL } };

        if (load(paths, n, password_file, &input, err) != 0) {
                input_done(&input);
                return -1;
        }
        *out = input;
        return 0;
}
