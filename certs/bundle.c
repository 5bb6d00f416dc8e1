// SPDX-License-Identifier: Apache-2.0
/*
 * From the files of a snapshot to key, chain and authorities.
 *
 * Nothing is judged here: a key that does not fit or an expired leaf makes a bundle like any other. Only what
 * cannot be read at all is an error, with a sentence that names the file and the mistake behind it.
 */
#include "certs/bundle.h"

#include "base/limits.h"
#include "base/mem.h"
#include "certs/sniff.h"

#include <string.h>

#define CHOICES 3

/* Default names in the order in which they are tried: certbot's fullchain.pem has more than its cert.pem. */
static const char *const certificate_names[CHOICES] = { "tls.crt", "fullchain.pem", "cert.pem" };
static const char *const key_names[CHOICES] = { "tls.key", "privkey.pem", "key.pem" };
static const char *const authorities_names[CHOICES] = { "ca.crt", "ca.pem", "chain.pem" };
static const char *const combined_names[CHOICES] = { "tls-combined.pem", "credentialbundle.pem",
                                                     "combined.pem" };

/* One file and its blocks; file NULL when there is none. */
struct part {
        const struct snapshot_file *file;
        struct pem pem;
};

/* certificate and key are the same part when one file holds both. */
struct parts {
        struct part certificate;
        struct part key;
        struct part authorities;
};

static void parts_done(struct parts *parts)
{
        pem_done(&parts->certificate.pem);
        pem_done(&parts->key.pem);
        pem_done(&parts->authorities.pem);
}

/* The file of this name, or the first of the defaults that is there. */
static const struct snapshot_file *choose(const struct snapshot *snapshot, const char *name,
                                          const char *const choices[static CHOICES])
{
        if (name != NULL)
                return snapshot_find(snapshot, name);
        for (size_t i = 0; i < CHOICES; i++) {
                const struct snapshot_file *file = snapshot_find(snapshot, choices[i]);

                if (file != NULL)
                        return file;
        }
        return NULL;
}

static size_t count(const struct pem *pem, bool keys)
{
        size_t n = 0;

        for (size_t i = 0; i < pem->n; i++)
                if (pem->blocks[i].label != PEM_OTHER && (pem->blocks[i].label != PEM_CERTIFICATE) == keys)
                        n++;
        return n;
}

static int parse(struct part *part, struct err *err)
{
        const struct secret *data = &part->file->data;

        if (sniff_is_blank(data->data, data->len))
                return err_set(
                        err, ERR_MISSING,
                        "%s is empty: wait until the issuer has filled it, or put the file there again",
                        part->file->name);
        if (pem_parse(part->file->name, data->data, data->len, &part->pem, err) != 0)
                return -1;
        if (part->pem.n == 0)
                return err_set(err, ERR_PARSE, "%s %s", part->file->name,
                               sniff_explain(data->data, data->len));
        return 0;
}

static int no_file(const char *what, const char *name, const char *const choices[static CHOICES],
                   struct err *err)
{
        if (name != NULL)
                return err_set(err, ERR_MISSING,
                               "there is no %s: %s is missing; wait until the issuer has written it", what,
                               name);
        return err_set(err, ERR_MISSING, "there is no %s: looked for %s, %s and %s", what, choices[0],
                       choices[1], choices[2]);
}

/*
 * Which files? The key may stand in a file with the chain: one that is named so, or the certificate file, or
 * the only file there is. *shared says that the certificate part serves as key part too.
 */
static int choose_files(const struct snapshot *snapshot, const struct bundle_names *names,
                        struct parts *parts, bool *shared, struct err *err)
{
        const struct snapshot_file *combined = NULL;

        parts->certificate.file = choose(snapshot, names->certificate, certificate_names);
        parts->key.file = choose(snapshot, names->key, key_names);
        parts->authorities.file = choose(snapshot, names->authorities, authorities_names);
        *shared = false;
        if (parts->key.file == NULL && (names->key == NULL || names->combined != NULL)) {
                combined = choose(snapshot, names->combined, combined_names);
                if (combined == NULL && parts->certificate.file == NULL && snapshot->n == 1 &&
                    names->certificate == NULL && names->combined == NULL)
                        combined = &snapshot->files[0];
                if (combined == NULL)
                        combined = parts->certificate.file;
                if (combined != NULL) {
                        parts->certificate.file = combined;
                        *shared = true;
                        return 0;
                }
        }
        if (parts->certificate.file == NULL)
                return no_file("certificate", names->certificate, certificate_names, err);
        if (parts->key.file == NULL)
                return no_file("private key", names->key, key_names, err);
        return 0;
}

static int check_pair(const struct parts *parts, struct err *err)
{
        const char *certificate = parts->certificate.file->name;
        const char *key = parts->key.file->name;
        bool has_certificate = count(&parts->certificate.pem, false) > 0;
        bool has_key = count(&parts->key.pem, true) > 0;

        if (!has_certificate && !has_key && count(&parts->certificate.pem, true) > 0 &&
            count(&parts->key.pem, false) > 0)
                return err_set(err, ERR_PARSE,
                               "%s holds the private key and %s the certificate: swap the two", certificate,
                               key);
        if (!has_certificate && count(&parts->certificate.pem, true) > 0)
                return err_set(err, ERR_PARSE, "%s holds a private key where the certificate should be",
                               certificate);
        if (!has_certificate)
                return err_set(
                        err, ERR_PARSE, "%s holds no certificate: it %s", certificate,
                        sniff_explain(parts->certificate.file->data.data, parts->certificate.file->data.len));
        if (!has_key && count(&parts->key.pem, false) > 0)
                return err_set(err, ERR_PARSE, "%s holds a certificate where the private key should be", key);
        if (!has_key)
                return err_set(err, ERR_PARSE, "%s holds no private key: it %s", key,
                               sniff_explain(parts->key.file->data.data, parts->key.file->data.len));
        return 0;
}

/* One file with both. Says which of the two is missing, and that there might be a file for it. */
static int check_shared(const struct parts *parts, const struct bundle_names *names, struct err *err)
{
        const char *name = parts->certificate.file->name;

        if (count(&parts->certificate.pem, false) == 0)
                return err_set(err, ERR_MISSING, "there is no certificate: %s holds none", name);
        if (count(&parts->certificate.pem, true) == 0)
                return err_set(err, ERR_MISSING, "there is no private key: %s is missing, and %s holds none",
                               names->key == NULL ? key_names[0] : names->key, name);
        return 0;
}

static int load_key(const struct part *part, const struct secret *password, struct bundle *to,
                    struct err *err)
{
        for (size_t i = 0; i < part->pem.n; i++) {
                const struct pem_block *block = &part->pem.blocks[i];

                if (block->label != PEM_CERTIFICATE && block->label != PEM_OTHER)
                        return key_parse(part->file->name, block, password, &to->key, err);
        }
        return err_set(err, ERR_MISSING, "%s holds no private key", part->file->name);
}

/* Leaf first? Both lists hold the same objects. */
static bool was_reordered(const struct chain *before, const struct chain *after)
{
        size_t at = 0;

        if (before->certs[0] != after->certs[0])
                return true;
        for (size_t i = 0; i < before->n && at < after->n; i++)
                if (before->certs[i] == after->certs[at])
                        at++;
        return at < after->n;
}

static int load_chain(const struct part *part, const struct chain *reuse, struct bundle *to, struct err *err)
{
        AUTO(chain_done_p) struct chain before = CHAIN_INIT;

        if (chain_from_pem(&part->pem, CHAIN_MAX_CERTS, reuse, &to->chain, err) != 0)
                return err_wrap(err, "%s", part->file->name);
        chain_copy(&before, &to->chain);
        chain_sort(&to->chain, to->key == NULL ? NULL : &to->key->spki, &to->extra);
        to->was_reordered = was_reordered(&before, &to->chain);
        return 0;
}

static int load_authorities(struct part *part, const struct chain *reuse, struct bundle *to, struct err *err)
{
        const struct secret *data;

        if (part->file == NULL)
                return 0;
        to->has_authorities_file = true;
        data = &part->file->data;
        /* Empty is for the policy to judge, not for the reader. */
        if (sniff_is_blank(data->data, data->len))
                return 0;
        if (parse(part, err) != 0)
                return -1;
        if (count(&part->pem, false) == 0 && count(&part->pem, true) > 0)
                return err_set(err, ERR_PARSE, "%s holds a private key where the authorities should be",
                               part->file->name);
        if (count(&part->pem, false) == 0)
                return err_set(err, ERR_PARSE, "%s holds no certificate: it %s", part->file->name,
                               sniff_explain(data->data, data->len));
        if (chain_from_pem(&part->pem, AUTHORITIES_MAX_CERTS, reuse, &to->authorities, err) != 0)
                return err_wrap(err, "%s", part->file->name);
        return 0;
}

static int load_parts(struct parts *parts, const struct snapshot *snapshot, const struct bundle_names *names,
                      const struct secret *password, const struct chain *reuse, struct bundle *to,
                      struct err *err)
{
        bool shared;

        if (choose_files(snapshot, names, parts, &shared, err) != 0 || parse(&parts->certificate, err) != 0)
                return -1;
        if (shared ? check_shared(parts, names, err) != 0
                   : parse(&parts->key, err) != 0 || check_pair(parts, err) != 0)
                return -1;
        if (load_key(shared ? &parts->certificate : &parts->key, password, to, err) != 0 ||
            load_chain(&parts->certificate, reuse, to, err) != 0)
                return -1;
        return load_authorities(&parts->authorities, reuse, to, err);
}

int bundle_load(const struct snapshot *snapshot, const struct bundle_names *names,
                const struct secret *password, const struct bundle *previous, struct bundle **out,
                struct err *err)
{
        AUTO(bundle_free_p) struct bundle *bundle = MEM_NEW(struct bundle);
        AUTO(chain_done_p) struct chain reuse = CHAIN_INIT;
        AUTO(parts_done) struct parts parts = { { NULL, PEM_INIT }, { NULL, PEM_INIT }, { NULL, PEM_INIT } };

        if (previous != NULL) {
                chain_copy(&reuse, &previous->chain);
                chain_copy(&reuse, &previous->authorities);
                chain_copy(&reuse, &previous->extra);
        }
        if (load_parts(&parts, snapshot, names, password, &reuse, bundle, err) != 0)
                return -1;
        bundle->content = snapshot->content;
        *out = TAKE(bundle);
        return 0;
}

static int chain_from_text(const char *what, const char *text, size_t max, struct chain *out, struct err *err)
{
        AUTO(pem_done_p) struct pem pem = PEM_INIT;

        if (pem_parse(what, (const uint8_t *)text, strlen(text), &pem, err) != 0)
                return -1;
        if (chain_from_pem(&pem, max, NULL, out, err) != 0)
                return err_wrap(err, "%s", what);
        return 0;
}

int bundle_from_pem(const char *chain_pem, const char *authorities_pem, struct bundle **out, struct err *err)
{
        AUTO(bundle_free_p) struct bundle *bundle = MEM_NEW(struct bundle);

        if (chain_from_text("chain", chain_pem, CHAIN_MAX_CERTS, &bundle->chain, err) != 0 ||
            chain_from_text("authorities", authorities_pem, AUTHORITIES_MAX_CERTS, &bundle->authorities,
                            err) != 0)
                return -1;
        if (bundle->chain.n == 0)
                return err_set(err, ERR_MISSING, "the chain holds no certificate");
        bundle->has_authorities_file = bundle->authorities.n > 0;
        *out = TAKE(bundle);
        return 0;
}

void bundle_free(struct bundle *bundle)
{
        if (bundle == NULL)
                return;
        key_free(bundle->key);
        chain_done(&bundle->chain);
        chain_done(&bundle->authorities);
        chain_done(&bundle->extra);
        mem_free(bundle);
}
